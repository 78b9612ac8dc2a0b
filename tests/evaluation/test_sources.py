"""The hash of a class changes with the code behind it, wherever that is, and with nothing else."""

import ast

import pytest
from sklearn.tree import DecisionTreeClassifier

from rarelabel.evaluation import sources
from rarelabel.evaluation.sources import installed_version, source_of
from rarelabel.over_sampling import MLROS, MLSMOTE


@pytest.fixture
def edited(monkeypatch):
    """A function that changes what is read of a module; everything is read anew."""

    def clear():
        for cached in (sources._hash_of_modules, sources._code, sources._tree, sources._is_module):
            cached.cache_clear()

    def edit(module, change):
        read = sources._tree.__wrapped__
        text = ast.unparse(read(module))
        assert change(text) != text
        monkeypatch.setattr(sources, "_tree", lambda name: ast.parse(change(text)) if name == module else read(name))
        sources._hash_of_modules.cache_clear()
        sources._code.cache_clear()

    clear()
    yield edit
    monkeypatch.undo()
    clear()


@pytest.mark.parametrize(
    "module", ["rarelabel.over_sampling._mlsmote", "rarelabel.neighbors", "rarelabel.imbalance.measures.ratios"]
)
def test_code_of_its_module_and_of_those_behind_it_counts(edited, module):
    before = source_of(MLSMOTE)
    edited(module, lambda text: text + "\nmore = 1")
    assert source_of(MLSMOTE) != before


def test_modules_it_does_not_use_do_not(edited):
    before = source_of(MLROS)
    edited("rarelabel.interpolation", lambda text: text + "\nmore = 1")
    assert source_of(MLROS) == before


def test_comments_and_docstrings_do_not(edited):
    before = source_of(MLSMOTE)
    edited("rarelabel.over_sampling._mlsmote", lambda text: text.replace("MLSMOTE:", "Another word:") + "\n# more")
    assert source_of(MLSMOTE) == before


def test_the_version_of_a_package_counts_for_what_is_made_with_it(monkeypatch):
    pytest.importorskip("torch")  # without it the package of MLDM says so and has no modules

    def of(module, **versions):
        monkeypatch.setattr(sources, "installed_version", lambda name: versions.get(name, installed_version(name)))
        sources._hash_of_modules.cache_clear()
        return sources._hash_of_modules(module)

    generative, classical = "rarelabel.generative._mldm", "rarelabel.over_sampling._mlsmote"
    before = {module: of(module) for module in (generative, classical)}
    assert of(generative, torch="0.1") != before[generative]
    assert of(classical, torch="0.1") == before[classical]
    assert of(classical, numpy="0.1") != before[classical]
    monkeypatch.undo()
    sources._hash_of_modules.cache_clear()


def test_a_name_is_followed_to_where_it_is_defined():
    assert sources._home("rarelabel.over_sampling", "MLSMOTE") == "rarelabel.over_sampling._mlsmote"
    assert sources._home("rarelabel.imbalance", "mean_ir") == "rarelabel.imbalance.measures.ratios"
    assert sources._home("rarelabel", "selection") == "rarelabel.selection"


def test_others_go_by_version_and_a_class_that_was_typed_in_by_what_it_does():
    assert source_of(DecisionTreeClassifier).endswith(f"DecisionTreeClassifier:{installed_version('sklearn')}")
    assert installed_version("no such package") == ""
    typed = {}
    for text in ("return 1", "return 2", "return 1"):
        exec(f"class Own:\n    def fit(self):\n        {text}", names := {"__name__": "typed_in"})
        typed.setdefault(text, []).append(source_of(names["Own"]))
    (first, again), (other,) = typed["return 1"], typed["return 2"]
    assert first == again != other
