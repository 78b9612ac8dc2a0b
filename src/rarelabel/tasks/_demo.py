"""The demonstration: digit scenes diagnosed, rebalanced, and an honest look at whether that helped."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rarelabel.datasets import Dataset, atomic_path, load_digit_scenes, write
from rarelabel.imbalance import ImbalanceReport, describe
from rarelabel.tasks._comparing import Comparison, compare, plan_comparison
from rarelabel.tasks._outputs import PathLike, Progress, check_outputs, save_picture, silent
from rarelabel.tasks._pictures import Example, draw_before_after, draw_scenes
from rarelabel.tasks._resampling import Resampling, before_and_after
from rarelabel.tasks._sampling import Provenance, resample_dataset

__all__ = ["Demonstration", "demo"]

_METHODS = ("MLSMOTE", "MLROS", "MLSOL")


@dataclass(frozen=True, eq=False)
class Demonstration:
    """What :func:`demo` found. Print it.

    Parameters
    ----------
    report : ImbalanceReport
        Of the scenes as they are.
    resamplings : tuple of Resampling
        What MLSMOTE, MLROS and MLSOL make of them.
    rare_labels : tuple of str
        The rarest quartile of the labels.
    comparison : Comparison or None
        Whether it helped, on held-out scenes. None where an extra is missing.
    files : tuple of Path
        What was written.
    missing : str
        What is to be installed for what was left out; empty where nothing was.
    """

    report: ImbalanceReport = field(repr=False)
    resamplings: tuple[Resampling, ...] = field(repr=False)
    rare_labels: tuple[str, ...]
    comparison: Comparison | None = None
    files: tuple[Path, ...] = ()
    missing: str = ""

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
            "3. DID IT HELP?\n"
            "   A logistic regression for each label, trained on four fifths of the scenes and scored on the rest, to\n"
            "   which nothing was done; five times over, each scene being held out once. Class weights and a tuned\n"
            "   threshold for each label cost no rows, so they compete too.\n"
            f"   Rare labels: {', '.join(self.rare_labels)}. (One image can be part of several scenes, so the scores\n"
            "   compare approaches and say nothing about reading handwriting.)",
            self.missing if self.comparison is None else str(self.comparison),
        ]
        return "\n\n".join(parts)

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
    n_splits : int, default=10
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
    resamplings = tuple(before_and_after(scenes, *outcome) for outcome in made.values())
    rare = report.rarest_first[: -(-scenes.Y.shape[1] // 4)]
    comparison, without = _compare(folder, scenes, n_splits, progress)
    progress(f"Writing to {folder}")
    files = [*write(scenes, folder / "digit_scenes.arff")]
    files += write(made["MLSMOTE"][0], folder / "digit_scenes_mlsmote.arff")
    pictures, missing = _draw(folder, scenes, *made["MLSMOTE"], resamplings[0], rare)
    files += [*pictures, *(comparison.files if comparison else ()), folder / "report.txt"]
    result = Demonstration(
        report,
        resamplings,
        tuple(scenes.label_names[label] for label in rare),
        comparison,
        tuple(files),
        without or missing,
    )
    with atomic_path(folder / "report.txt") as temporary:
        temporary.write_text(f"{result}\n", encoding="utf-8")
    return result


def _compare(folder: Path, scenes: Dataset, n_splits: int, progress: Progress) -> tuple[Comparison | None, str]:
    """The comparison with its report, or what is missing for it."""
    try:
        spec = plan_comparison(
            [folder / "digit_scenes.arff"], approaches=list(_METHODS), classifiers=["br-logistic"], cv=f"1x{n_splits}"
        )
        page = folder / "comparison.html"
        command = f"rarelabel demo -o {shlex.quote(str(folder))}"
        return compare(spec, {"digit_scenes": scenes}, report=page, command=command, progress=progress), ""
    except ImportError:
        return None, "The comparison needs pydantic, matplotlib and jinja2: pip install 'rarelabel[bench]'"


def _draw(
    folder: Path,
    scenes: Dataset,
    resampled: Dataset,
    origin: Provenance,
    result: Resampling,
    rare: NDArray[np.intp],
) -> tuple[list[Path], str]:
    """The pictures that were written, and what is missing for them."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return [], "pictures need matplotlib: pip install 'rarelabel[report]'"
    lines = [(scenes.label_names[label], _examples(scenes, resampled, origin, label)) for label in rare]
    side = int(np.sqrt(scenes.X.shape[1]))
    figures = {
        "diagnosis.png": result.before.plot(),
        "before_after.png": draw_before_after(result.before, result.after, "MLSMOTE on digit scenes"),
        "scenes.png": draw_scenes([(label, made) for label, made in lines if made], side),
    }
    return [save_picture(figure, folder / name) for name, figure in figures.items()], ""


def _examples(scenes: Dataset, resampled: Dataset, origin: Provenance, label: int, count: int = 3) -> list[Example]:
    """Some rows made for one label, each after its seed and its neighbour."""
    names = np.array(scenes.label_names, dtype=object)

    def shown(dataset: Dataset, row: int) -> tuple[NDArray[Any], str]:
        return np.asarray(dataset.X[row]), " + ".join(names[dataset.Y[row]])

    return [
        (
            shown(scenes, origin.seed_rows[row]),
            shown(scenes, origin.neighbor_rows[row]),
            shown(resampled, row),
        )
        for row in np.flatnonzero(origin.made_for == label)[:count]
    ]
