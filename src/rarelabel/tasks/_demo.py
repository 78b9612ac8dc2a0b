"""The demonstration: digit scenes diagnosed, rebalanced, and an honest look at whether that helped."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rarelabel.datasets import Dataset, atomic_path, load_digit_scenes, write
from rarelabel.imbalance import ImbalanceReport, describe
from rarelabel.registry import sampler_names
from rarelabel.tasks._comparing import Comparison, compare, plan_comparison
from rarelabel.tasks._outputs import PathLike, Progress, check_outputs, save_picture, silent
from rarelabel.tasks._pictures import Scene, draw_before_after, draw_scenes
from rarelabel.tasks._resampling import Resampling, before_and_after
from rarelabel.tasks._sampling import Provenance, resample_dataset

__all__ = ["Demonstration", "demo"]

_METHODS = ("MLSMOTE", "MLROS", "MLSOL")
_QUICK = {"training_steps": 400, "width": 256, "learning_rate": 2e-3}
"""How MLDM is trained here: six times over, so for seconds and not for a minute each as it would be by default."""


@dataclass(frozen=True, eq=False)
class Demonstration:
    """What :func:`demo` found. Print it.

    Parameters
    ----------
    report : ImbalanceReport
        Of the scenes as they are.
    resamplings : tuple of Resampling
        What MLSMOTE, MLROS, MLSOL and, where torch is installed, MLDM make of them.
    rare_labels : tuple of str
        The rarest quartile of the labels.
    comparison : Comparison or None
        Whether it helped, on held-out scenes. None where an extra is missing.
    files : tuple of Path
        What was written.
    missing : tuple of str
        What is to be installed for what was left out.
    """

    report: ImbalanceReport = field(repr=False)
    resamplings: tuple[Resampling, ...] = field(repr=False)
    rare_labels: tuple[str, ...]
    comparison: Comparison | None = None
    files: tuple[Path, ...] = ()
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [
            "1. DIAGNOSIS\n"
            "   2,000 scenes of 12 x 12 pixels, each with one to three handwritten digits laid over each other;\n"
            "   the labels say which digits are there.",
            str(self.report),
            "2. RESAMPLING\n"
            "   MeanIR, max IR: how much rarer labels are than the most frequent one, on average and at worst.\n"
            "   SCUMBLE: how much rare and frequent labels share rows, which makes resampling harder.",
            self._resampling_table(),
            self._note_on_mldm(),
            "3. DID IT HELP?\n"
            "   A logistic regression for each label, trained on four fifths of the scenes and scored on the rest, to\n"
            "   which nothing was done; five times over, each scene being held out once. Class weights and a tuned\n"
            "   threshold for each label cost no rows, so they compete too.\n"
            f"   Rare labels: {', '.join(self.rare_labels)}. (One image can be part of several scenes, so the scores\n"
            "   compare approaches and say nothing about reading handwriting.)",
            "\n".join(self.missing) if self.comparison is None else str(self.comparison),
        ]
        return "\n\n".join(parts)

    def _note_on_mldm(self) -> str:
        if any(each.method == "MLDM" for each in self.resamplings):
            return (
                "   MLDM is a diffusion model that learns scenes and labels together and draws new ones. To be\n"
                f"   quick it is trained for {_QUICK['training_steps']} steps, not up to 2,000, with a small network.\n"
                "   Look whether the rare digit is there: strokes look real, but of some thirty scenes with an 8 or\n"
                "   a 9 the model has not learned well what they look like, trained longer neither."
            )
        return "   MLDM, a diffusion model, needs PyTorch: pip install 'rarelabel[torch]'"

    def _resampling_table(self) -> str:
        lines = [f"  {'':<10}  {'rows':>7}  {'MeanIR':>8}  {'max IR':>8}  {'SCUMBLE':>8}  {'digit_9 in':>12}"]
        outcomes = [("as it is", self.report), *((each.method, each.after) for each in self.resamplings)]
        for name, report in outcomes:
            lines.append(
                f"  {name:<10}  {report.n_rows:>7,}  {report.mean_ir:>8.2f}  {report.max_ir:>8.2f}  "
                f"{report.scumble:>8.4f}  {report.counts[-1]:>7,} rows"
            )
        return "\n".join(lines)


def demo(folder: PathLike = "demo-output", *, n_splits: int = 5, progress: Progress = silent) -> Demonstration:
    """Diagnose and rebalance the embedded digit scenes, and check on held-out scenes whether it helped.

    Parameters
    ----------
    folder : path-like, default="demo-output"
        Where results go; made if it does not exist. Files of the same names are replaced.
    n_splits : int, default=5
        How many folds the scenes are divided into to judge.
    progress : callable, default does nothing
        Called with a line before each step.

    Returns
    -------
    Demonstration

    Raises
    ------
    OSError
        If the folder cannot be made or written to.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"cannot write to {folder}: it is a file, expected a folder")
    folder.mkdir(parents=True, exist_ok=True)
    check_outputs([folder / "report.txt"])
    progress("Making 2,000 scenes of overlaid digits")
    scenes = load_digit_scenes()
    report = describe(scenes.X, scenes.Y, schema=scenes.schema)
    progress(f"Resampling with {', '.join(_METHODS)}")
    made = {method: resample_dataset(scenes, method) for method in _METHODS}
    model, missing = _learn(folder, scenes, made, progress)
    resamplings = tuple(before_and_after(scenes, *outcome) for outcome in made.values())
    rare = report.rarest_first[: -(-scenes.Y.shape[1] // 4)]
    comparison, without = _compare(folder, scenes, list(made), n_splits, progress)
    progress(f"Writing to {folder}")
    files = [*write(scenes, folder / "digit_scenes.arff")]
    files += [*write(made["MLSMOTE"][0], folder / "digit_scenes_mlsmote.arff"), *model]
    pictures, undrawn = _draw(folder, scenes, made, resamplings[0], rare)
    files += [*pictures, *(comparison.files if comparison else ()), folder / "report.txt"]
    result = Demonstration(
        report,
        resamplings,
        tuple(scenes.label_names[label] for label in rare),
        comparison,
        tuple(files),
        (*missing, *without, *undrawn),
    )
    with atomic_path(folder / "report.txt") as temporary:
        temporary.write_text(f"{result}\n", encoding="utf-8")
    return result


def _learn(
    folder: Path, scenes: Dataset, made: dict[str, tuple[Dataset, Provenance]], progress: Progress
) -> tuple[list[Path], list[str]]:
    """Add what MLDM makes; the model file, and what is missing for it."""
    if "MLDM" not in sampler_names(installed=True):
        return [], ["MLDM needs PyTorch: pip install 'rarelabel[torch]'"]
    progress(f"Training MLDM, {_QUICK['training_steps']} steps")
    model = folder / "digit_scenes.safetensors" if find_spec("safetensors") else None
    made["MLDM"] = resample_dataset(scenes, "MLDM", _QUICK, save_model=model, progress=progress)
    return ([model] if model else []), []


def _compare(
    folder: Path, scenes: Dataset, methods: list[str], n_splits: int, progress: Progress
) -> tuple[Comparison | None, list[str]]:
    """The comparison with its report, or what is missing for it."""
    approaches = [
        {"name": method, "sampler": method, "parameters": _QUICK if method == "MLDM" else {}} for method in methods
    ]
    try:
        spec = plan_comparison(
            [folder / "digit_scenes.arff"], approaches=approaches, classifiers=["br-logistic"], cv=f"1x{n_splits}"
        )
        page = folder / "comparison.html"
        command = f"rarelabel demo -o {shlex.quote(str(folder))}"
        return compare(spec, {"digit_scenes": scenes}, report=page, command=command, progress=progress), []
    except ImportError:
        return None, ["The comparison needs pydantic, matplotlib and jinja2: pip install 'rarelabel[bench]'"]


def _draw(
    folder: Path,
    scenes: Dataset,
    made: dict[str, tuple[Dataset, Provenance]],
    result: Resampling,
    rare: NDArray[np.intp],
) -> tuple[list[Path], list[str]]:
    """The pictures that were written, and what is missing for them."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return [], ["Pictures need matplotlib: pip install 'rarelabel[report]'"]
    side = int(np.sqrt(scenes.X.shape[1]))
    figures = {
        "diagnosis.png": result.before.plot(),
        "before_after.png": draw_before_after(result.before, result.after, "MLSMOTE on digit scenes"),
        "scenes.png": draw_scenes(
            _lines(scenes, rare, lambda label: _interpolated(scenes, *made["MLSMOTE"], label)),
            side,
            "MLSMOTE: each framed scene lies between the two real ones to its left. Below: the labels it carries",
        ),
    }
    if "MLDM" in made:
        figures["scenes_mldm.png"] = draw_scenes(
            _lines(scenes, rare, lambda label: _learned(scenes, *made["MLDM"], label)),
            side,
            "MLDM: each framed scene was drawn from the model; to its right the real scene nearest to it. "
            "Below: the labels it carries",
        )
    return [save_picture(figure, folder / name) for name, figure in figures.items()], []


def _lines(
    scenes: Dataset, labels: NDArray[np.intp], groups: Callable[[int], list[list[Scene]]]
) -> list[tuple[str, list[list[Scene]]]]:
    """Groups of scenes for each label that has any."""
    lines = [(scenes.label_names[label], groups(label)) for label in labels]
    return [(label, shown) for label, shown in lines if shown]


def _interpolated(
    scenes: Dataset, resampled: Dataset, origin: Provenance, label: int, count: int = 3
) -> list[list[Scene]]:
    """Some rows made for one label, each after its seed and its neighbour."""
    return [
        [
            _scene(scenes, origin.seed_rows[row]),
            _scene(scenes, origin.neighbor_rows[row]),
            _scene(resampled, row, "created", created=True),
        ]
        for row in np.flatnonzero(origin.made_for == label)[:count]
    ]


def _learned(scenes: Dataset, resampled: Dataset, origin: Provenance, label: int, count: int = 3) -> list[list[Scene]]:
    """Some real rows with a label; some drawn for it, each before the real row nearest to it."""
    groups = [[_scene(scenes, row) for row in np.flatnonzero(scenes.Y[:, label])[:count]]]
    for row in np.flatnonzero(origin.made_for == label)[:count]:
        nearest = ((scenes.X - resampled.X[row]) ** 2).sum(axis=1).argmin()
        groups.append([_scene(resampled, row, "created", created=True), _scene(scenes, nearest, "nearest real")])
    return groups if len(groups) > 1 else []


def _scene(dataset: Dataset, row: int, heading: str = "real", *, created: bool = False) -> Scene:
    names = np.array(dataset.label_names, dtype=object)
    return Scene(np.asarray(dataset.X[row]), " + ".join(names[dataset.Y[row]]), heading, created)
