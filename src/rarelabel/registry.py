"""Every sampler and classifier by name, without importing any before it is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from rarelabel._random import RandomState, check_random_state

__all__ = [
    "CLASSIFIERS",
    "SAMPLERS",
    "SINGLE_LABEL_CLASSIFIERS",
    "SINGLE_LABEL_SAMPLERS",
    "ClassifierRecipe",
    "Part",
    "classifier_names",
    "is_single_label",
    "make_classifier",
    "make_sampler",
    "sampler_class",
    "sampler_names",
]

SAMPLERS: dict[str, str] = {
    "AEMLO": "rarelabel.generative:AEMLO",
    "CVAE": "rarelabel.generative:CVAE",
    "LPROS": "rarelabel.over_sampling:LPROS",
    "LPRUS": "rarelabel.under_sampling:LPRUS",
    "MLDM": "rarelabel.generative:MLDM",
    "MLROS": "rarelabel.over_sampling:MLROS",
    "MLRUS": "rarelabel.under_sampling:MLRUS",
    "MLRkNNOS": "rarelabel.over_sampling:MLRkNNOS",
    "MLSMOTE": "rarelabel.over_sampling:MLSMOTE",
    "MLSOL": "rarelabel.over_sampling:MLSOL",
    "MLTL": "rarelabel.under_sampling:MLTL",
    "MLUL": "rarelabel.under_sampling:MLUL",
    "MLeNN": "rarelabel.under_sampling:MLeNN",
    "REMEDIAL": "rarelabel.over_sampling:REMEDIAL",
}
"""Name to ``module:class``, of samplers that take several labels, or one. Names are matched without regard to case."""


@dataclass(frozen=True)
class Part:
    """A class and the parameters it is made with.

    Parameters
    ----------
    target : str
        ``module:class``.
    parameters : dict of str to object
        Those that differ from the defaults of the class.
    extra : str
        The extra of this package that installs what the class needs; empty where nothing more is needed.
    needs : str
        The module that the extra installs.
    """

    target: str
    parameters: dict[str, Any] = field(default_factory=dict)
    extra: str = ""
    needs: str = ""


SINGLE_LABEL_SAMPLERS: dict[str, Part] = {
    "ADASYN": Part("imblearn.over_sampling:ADASYN", extra="imblearn", needs="imblearn"),
    "BorderlineSMOTE": Part("imblearn.over_sampling:BorderlineSMOTE", extra="imblearn", needs="imblearn"),
    "CWGANGP": Part("rarelabel.generative:CWGANGP", extra="torch", needs="torch"),
    "SEMResDDPM": Part("rarelabel.generative:SEMResDDPM", extra="torch", needs="torch"),
    "SMOTE": Part("imblearn.over_sampling:SMOTE", extra="imblearn", needs="imblearn"),
    "SMOTENC": Part("imblearn.over_sampling:SMOTENC", {"categorical_features": "auto"}, "imblearn", "imblearn"),
    "TabDDPM": Part("rarelabel.generative:TabDDPM", extra="torch", needs="torch"),
}
"""Name to class, of samplers that balance the classes of a one-dimensional y and take no table of several labels.

Those of imbalanced-learn are that library's own, with its defaults. Where a class has too few rows for their neighbours
they raise ValueError: lower ``k_neighbors`` (``n_neighbors`` of ADASYN)."""


@dataclass(frozen=True)
class ClassifierRecipe:
    """How a classifier is made.

    Parameters
    ----------
    method : Part
        The method, a multi-label one where it is built on another.
    estimator : Part or None
        What it is built on; None where it stands alone.
    """

    method: Part
    estimator: Part | None = None


_BINARY_RELEVANCE = Part("rarelabel.classifiers:BinaryRelevance")
_CHAIN = Part("rarelabel.classifiers:ClassifierChain")
_POWERSET = Part("rarelabel.classifiers:LabelPowerset")
_RAKEL = Part("rarelabel.classifiers:RAkEL")

# At least two rows in a leaf, as C4.5 has it, which most papers on imbalance evaluate with; it is pruned, this is not.
_TREE = Part("sklearn.tree:DecisionTreeClassifier", {"min_samples_leaf": 2})
# lbfgs takes dense and sparse rows, two classes and many, and leaves the intercept free, which rare labels need.
_LOGISTIC = Part("sklearn.linear_model:LogisticRegression", {"C": 1.0, "solver": "lbfgs", "max_iter": 1000})
# Half the usual number of trees, and smaller ones: there is a model for each label. No inner split, so that every
# positive of a rare label is learned from. Dense rows only.
_BOOSTING = Part(
    "sklearn.ensemble:HistGradientBoostingClassifier",
    {"max_iter": 50, "max_leaf_nodes": 15, "early_stopping": False},
)
# The same, with sparse rows too. One thread, because comparisons run in parallel already, and the same bytes each time.
_LIGHTGBM = Part(
    "lightgbm:LGBMClassifier",
    {"n_estimators": 50, "num_leaves": 15, "n_jobs": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1},
    extra="boosting",
    needs="lightgbm",
)
_BALANCEMIX = "rarelabel.augmentation:BalanceMixClassifier"
_FOREST = Part("sklearn.ensemble:RandomForestClassifier", {"n_estimators": 50})

CLASSIFIERS: dict[str, ClassifierRecipe] = {
    "balancemix": ClassifierRecipe(Part(_BALANCEMIX, extra="torch", needs="torch")),
    "br-boosting": ClassifierRecipe(_BINARY_RELEVANCE, _BOOSTING),
    "br-forest": ClassifierRecipe(_BINARY_RELEVANCE, _FOREST),
    "br-lightgbm": ClassifierRecipe(_BINARY_RELEVANCE, _LIGHTGBM),
    "br-logistic": ClassifierRecipe(_BINARY_RELEVANCE, _LOGISTIC),
    "br-tree": ClassifierRecipe(_BINARY_RELEVANCE, _TREE),
    "cc-boosting": ClassifierRecipe(_CHAIN, _BOOSTING),
    "cc-lightgbm": ClassifierRecipe(_CHAIN, _LIGHTGBM),
    "cc-logistic": ClassifierRecipe(_CHAIN, _LOGISTIC),
    "cc-tree": ClassifierRecipe(_CHAIN, _TREE),
    "lp-logistic": ClassifierRecipe(_POWERSET, _LOGISTIC),
    "lp-tree": ClassifierRecipe(_POWERSET, _TREE),
    "mlknn": ClassifierRecipe(Part("rarelabel.classifiers:MLkNN")),
    "mlp": ClassifierRecipe(Part("rarelabel.classifiers:MultilabelMLP", extra="torch", needs="torch")),
    "mlp-asl": ClassifierRecipe(Part(_BALANCEMIX, {"method": "asl"}, "torch", "torch")),
    "mlp-bce": ClassifierRecipe(Part(_BALANCEMIX, {"method": "bce"}, "torch", "torch")),
    "rakel-logistic": ClassifierRecipe(_RAKEL, _LOGISTIC),
    "rakel-tree": ClassifierRecipe(_RAKEL, _TREE),
}
"""Name to how it is made. br: binary relevance, cc: classifier chain, lp: label powerset; mlp-bce and
mlp-asl are the network of balancemix without it, with cross-entropy and the asymmetric loss. Names are matched without
regard to case. ``docs/user_guide/classifiers.md`` tells their parameters."""

SINGLE_LABEL_CLASSIFIERS: dict[str, ClassifierRecipe] = {
    "adaboost": ClassifierRecipe(Part("sklearn.ensemble:AdaBoostClassifier")),
    "boosting": ClassifierRecipe(_BOOSTING),
    "forest": ClassifierRecipe(_FOREST),
    "knn": ClassifierRecipe(Part("sklearn.neighbors:KNeighborsClassifier")),
    "logistic": ClassifierRecipe(_LOGISTIC),
    "naive-bayes": ClassifierRecipe(Part("sklearn.naive_bayes:GaussianNB")),
    "perceptron": ClassifierRecipe(Part("sklearn.neural_network:MLPClassifier")),
    "svm": ClassifierRecipe(Part("sklearn.svm:SVC")),
    "tree": ClassifierRecipe(_TREE),
}
"""Name to how it is made, of classifiers of a one-dimensional y: one model of all classes, scikit-learn's own, with its
defaults but where those above are set otherwise."""


def sampler_names(*, installed: bool = False, single_label: bool = False) -> tuple[str, ...]:
    """Names of samplers.

    Parameters
    ----------
    installed : bool, default=False
        Those only whose extra is installed.
    single_label : bool, default=False
        Those that balance the classes of a one-dimensional y alone, instead of those that take several labels.

    Examples
    --------
    >>> "MLSMOTE" in sampler_names(installed=True)
    True
    >>> sampler_names(single_label=True)[:2]
    ('ADASYN', 'BorderlineSMOTE')
    """
    if single_label:
        parts = SINGLE_LABEL_SAMPLERS.items()
        return tuple(name for name, part in parts if not (installed and find_spec(part.needs) is None))
    learned = find_spec("torch") is not None
    return tuple(n for n, target in SAMPLERS.items() if learned or not (installed and ".generative:" in target))


def is_single_label(name: str) -> bool:
    """Whether a sampler balances the classes of a one-dimensional y and takes no table of several labels.

    Raises
    ------
    ValueError
        If no sampler has that name.

    Examples
    --------
    >>> is_single_label("smote"), is_single_label("mlsmote")
    (True, False)
    """
    return _sampler_key(name) in SINGLE_LABEL_SAMPLERS


def sampler_class(name: str) -> type[Any]:
    """The class of a sampler.

    Parameters
    ----------
    name : str
        In any case, with or without hyphens: ``"mlsmote"``, ``"ML-ROS"``.

    Raises
    ------
    ValueError
        If no sampler has that name; the message lists those that exist, and the nearest of them.
    ImportError
        If the sampler needs an extra that is not installed.

    Examples
    --------
    >>> sampler_class("ml-ros").__name__
    'MLROS'
    """
    return _sampler_part(name)[1]


def make_sampler(name: str, **parameters: Any) -> Any:
    """A sampler with the given parameters; those it does not have are an error that lists the ones it has.

    Examples
    --------
    >>> make_sampler("mlsmote", k_neighbors=3)
    MLSMOTE(k_neighbors=3)
    """
    given, cls = _sampler_part(name)
    allowed = cls(**given).get_params()
    unknown = sorted(set(parameters) - set(allowed))
    if unknown:
        raise ValueError(f"{cls.__name__} has no parameter {', '.join(unknown)}; it has {', '.join(sorted(allowed))}")
    return cls(**given | parameters)


def _sampler_key(name: str) -> str:
    """The name as the registry writes it."""
    known = {key.lower(): key for key in (*SAMPLERS, *SINGLE_LABEL_SAMPLERS)}
    key = known.get(name.replace("-", "").replace("_", "").lower())
    if key is None:
        raise ValueError(_unknown("method", name, (*SAMPLERS, *SINGLE_LABEL_SAMPLERS)))
    return key


def _sampler_part(name: str) -> tuple[dict[str, Any], type[Any]]:
    """The parameters a sampler is always made with, and its class."""
    key = _sampler_key(name)
    part = SINGLE_LABEL_SAMPLERS[key] if key in SINGLE_LABEL_SAMPLERS else Part(SAMPLERS[key])
    _check_installed(part, key)
    return part.parameters, _resolve(part.target)


def classifier_names(*, single_label: bool = False) -> tuple[str, ...]:
    """Names of all classifiers, those that need an extra included.

    Parameters
    ----------
    single_label : bool, default=False
        Those of a one-dimensional y, instead of those that take several labels.

    Examples
    --------
    >>> "br-tree" in classifier_names(), "tree" in classifier_names(single_label=True)
    (True, True)
    """
    return tuple(SINGLE_LABEL_CLASSIFIERS if single_label else CLASSIFIERS)


def make_classifier(name: str, *, random_state: RandomState = None, **parameters: Any) -> Any:
    """A classifier, ready to be fitted.

    Parameters
    ----------
    name : str
        One of :func:`classifier_names`, of several labels or of one, in any case, with hyphens or underscores.
    random_state : int, Generator, RandomState or None, default=None
        Set on the classifier and on what it is built on, wherever they take one. An int is set as it is; a generator
        draws one. None leaves them unset.
    **parameters
        Of the classifier, or of the estimator it is built on, with or without ``estimator__`` before the name. They
        replace the defaults of the recipe.

    Returns
    -------
    classifier
        Its input is used as it comes: standardise X for logistic regressions, networks and neighbours.

    Raises
    ------
    ValueError
        If there is no such name or parameter; the message names the nearest ones.
    ImportError
        If the classifier needs an extra that is not installed.

    Examples
    --------
    >>> make_classifier("br-tree", random_state=0, max_depth=3)
    BinaryRelevance(estimator=DecisionTreeClassifier(max_depth=3,
                                                     min_samples_leaf=2,
                                                     random_state=0))
    """
    recipes = CLASSIFIERS | SINGLE_LABEL_CLASSIFIERS
    recipe = recipes.get(name.replace("_", "-").lower())
    if recipe is None:
        raise ValueError(_unknown("classifier", name, recipes))
    if recipe.estimator is None:
        classifier = _make(recipe.method, name)
    else:
        classifier = _make(recipe.method, name, estimator=_make(recipe.estimator, name))
    allowed = classifier.get_params()
    chosen = {}
    for key, value in parameters.items():
        path = key if key in allowed else f"estimator__{key}"
        if path not in allowed:
            raise ValueError(_unknown_parameter(name, key, allowed))
        chosen[path] = value
    if random_state is not None:
        seed = _seed(random_state)
        chosen |= {path: seed for path in allowed if path.rpartition("__")[2] == "random_state" and path not in chosen}
    return classifier.set_params(**chosen)


def _check_installed(part: Part, name: str) -> None:
    if part.needs and find_spec(part.needs) is None:
        raise ImportError(f"{name!r} needs {part.needs}: pip install 'rarelabel[{part.extra}]'")


def _make(part: Part, name: str, **parameters: Any) -> Any:
    _check_installed(part, name)
    return _resolve(part.target)(**part.parameters, **parameters)


def _resolve(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def _seed(random_state: RandomState) -> int:
    """An int as it is, else one that the generator draws."""
    rng = check_random_state(random_state)
    return int(random_state) if isinstance(random_state, int | np.integer) else int(rng.integers(2**31 - 1))


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    names = {key.lower(): key for key in known}
    near = [names[key] for key in get_close_matches(name.lower(), names, n=2)]
    return f"no {kind} is called {name!r}; there are {', '.join(names.values())}" + _did_you_mean(near)


def _unknown_parameter(name: str, parameter: str, allowed: Iterable[str]) -> str:
    names = sorted({path.removeprefix("estimator__") for path in allowed})
    near = get_close_matches(parameter.removeprefix("estimator__"), names, n=2)
    return f"classifier {name!r} has no parameter {parameter}; there are {', '.join(names)}" + _did_you_mean(near)


def _did_you_mean(near: list[str]) -> str:
    return f"; did you mean {' or '.join(near)}?" if near else ""
