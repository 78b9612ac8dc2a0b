"""The demonstration: digit scenes diagnosed, rebalanced, and an honest look at whether that helped."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rarelabel.datasets import Dataset, atomic_path, load_digit_scenes, write
from rarelabel.imbalance import ImbalanceReport, describe
from rarelabel.tasks._heldout import Scores, score_held_out, verdict
from rarelabel.tasks._outputs import PathLike, Progress, check_outputs, save_picture, silent
from rarelabel.tasks._pictures import Example, draw_before_after, draw_scenes
from rarelabel.tasks._resampling import Resampling, compare
from rarelabel.tasks._sampling import Provenance, resample_dataset

__all__ = ["Demonstration", "Scores", "demo"]

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
    scores : tuple of Scores
        On held-out scenes, for each way to deal with imbalance.
    files : tuple of Path
        What was written.
    missing : str
        What is to be installed for what was left out; empty where nothing was.
    """

    report: ImbalanceReport = field(repr=False)
    resamplings: tuple[Resampling, ...] = field(repr=False)
    rare_labels: tuple[str, ...]
    scores: tuple[Scores, ...]
    files: tuple[Path, ...] = ()
    missing: str = ""

    @property
    def verdict(self) -> str:
        """Whether resampling helped, in words that follow from the scores."""
        return verdict(self.scores)

    def __str__(self) -> str:
        n_splits = len(self.scores[0].macro_f1)
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
            "   A logistic regression for each label, trained on 70 % of the scenes and scored on the other 30 %,\n"
            f"   to which nothing was done. Mean ± standard deviation over {n_splits} random splits.\n"
            f"   Rare labels: {', '.join(self.rare_labels)}. (One image can be part of several scenes, so the scores\n"
            "   compare approaches and say nothing about reading handwriting.)",
            self._score_table(),
            self.verdict,
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

    def _score_table(self) -> str:
        lines = [f"  {'':<34}  {'macro F1':>15}  {'F1, rare labels':>15}  {'macro AP':>15}"]
        for score in self.scores:
            cells = [f"{v.mean():.3f} ± {v.std():.3f}" for v in (score.macro_f1, score.rare_f1, score.macro_ap)]
            lines.append(f"  {score.approach:<34}  {cells[0]:>15}  {cells[1]:>15}  {cells[2]:>15}")
        return "\n".join(lines)


def demo(folder: PathLike = "demo-output", *, n_splits: int = 10, progress: Progress = silent) -> Demonstration:
    """Diagnose and rebalance the embedded digit scenes, and check on held-out scenes whether it helped.

    Parameters
    ----------
    folder : path-like, default="demo-output"
        Where results go; made if it does not exist. Files of the same names are replaced.
    n_splits : int, default=10
        How many random splits into train and test part.
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
    resamplings = tuple(compare(scenes, *outcome) for outcome in made.values())
    rare = report.rarest_first[: -(-scenes.Y.shape[1] // 4)]
    scores = score_held_out(scenes, rare, n_splits=n_splits, progress=progress)
    progress(f"Writing to {folder}")
    files = [*write(scenes, folder / "digit_scenes.arff")]
    files += write(made["MLSMOTE"][0], folder / "digit_scenes_mlsmote.arff")
    pictures, missing = _draw(folder, scenes, *made["MLSMOTE"], resamplings[0], rare)
    result = Demonstration(report, resamplings, tuple(scenes.label_names[label] for label in rare), scores)
    with atomic_path(folder / "report.txt") as temporary:
        temporary.write_text(f"{result}\n", encoding="utf-8")
    files += [*pictures, folder / "report.txt"]
    return Demonstration(report, resamplings, result.rare_labels, scores, tuple(files), missing)


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
