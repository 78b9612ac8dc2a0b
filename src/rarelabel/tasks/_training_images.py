"""Train on images: a manifest in, a model, a report and a list of suspicious labels out."""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import Labels
from rarelabel.datasets import LabelledImages, read_images
from rarelabel.tasks._outputs import PathLike, Progress, check_outputs, silent
from rarelabel.tasks._training_page import check_page, write_page

if TYPE_CHECKING:
    from rarelabel.augmentation import BalanceMix, SuspiciousLabels
    from rarelabel.nn import ResNet

__all__ = ["ImageTraining", "TrainingOptions", "train_images"]


@dataclass(frozen=True)
class TrainingOptions:
    """How :func:`train_images` trains.

    Parameters
    ----------
    method : str, default="balancemix"
        A name of :data:`rarelabel.augmentation.METHODS`: ``"balancemix"``, ``"bce"``, ``"mixup"``, ``"asl"``, ...
    network : {"small", "resnet18", "resnet50"}, default="small"
        What :func:`rarelabel.nn.make_resnet` makes.
    head : {"linear", "query"}, default="linear"
    checkpoint : str, default=None
        Local file of weights to start from.
    size : int, default=64
        Side that images are resized to.
    epochs, warmup, batch_size, learning_rate, epsilon, trusted : default=30, None, 32, 0.05, 0.975, None
        Of :class:`rarelabel.augmentation.BalanceMix`. ``warmup`` None: a quarter of the epochs.
    n_ops, magnitude : default=2 and 5.0
        Of :class:`rarelabel.augmentation.RandAugment`. Images are mirrored by chance too.
    flip : bool, default=False
        Exchange top and bottom by chance, as for pictures from above.
    seed : int, default=0
    """

    method: str = "balancemix"
    network: str = "small"
    head: Literal["linear", "query"] = "linear"
    checkpoint: str | None = None
    size: int = 64
    epochs: int = 30
    warmup: int | None = None
    batch_size: int = 32
    learning_rate: float = 0.05
    epsilon: float = 0.975
    trusted: Literal["negatives", "positives"] | None = None
    n_ops: int = 2
    magnitude: float = 5.0
    flip: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if isinstance(value, np.generic):  # the files take plain numbers
                object.__setattr__(self, option.name, value.item())


@dataclass(frozen=True, eq=False)
class ImageTraining:
    """What :func:`train_images` did. Print it, or call :meth:`to_dict`.

    Parameters
    ----------
    source : str
        The manifest.
    options : TrainingOptions
    n_train, n_held_out, n_skipped : int
        Images trained on, judged by, and left out because they cannot be read.
    label_names : tuple of str, shape (K,)
    counts : ndarray of int, shape (K,)
        Positives among the images trained on.
    average_precision : ndarray of float, shape (K,)
        On the held-out images; NaN where none of them has the label.
    groups : dict of str to float
        Mean average precision of all labels, and of those with many, a medium number of, and few positives; NaN where
        no held-out image has one of them.
    group_of : tuple of str, shape (K,)
    bounds : tuple of (int, int)
        More positives than the first are many, fewer than the second few.
    history : tuple of EpochRecord
    stopped : str
        Why training ended.
    suspicious : SuspiciousLabels
        Given labels of training images that are probably wrong; rows are the names of images.
    files : tuple of Path
        What was written.
    """

    source: str
    options: TrainingOptions
    n_train: int
    n_held_out: int
    n_skipped: int
    label_names: tuple[str, ...]
    counts: NDArray[np.intp] = field(repr=False)
    average_precision: NDArray[np.float64] = field(repr=False)
    groups: dict[str, float]
    group_of: tuple[str, ...] = field(repr=False)
    bounds: tuple[int, int]
    history: tuple[Any, ...] = field(repr=False)
    stopped: str
    suspicious: SuspiciousLabels = field(repr=False)
    files: tuple[Path, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give everything but the list of suspicious labels as a dictionary for ``json.dumps``; NaN is None there."""
        found = {
            "manifest": self.source,
            "options": asdict(self.options),
            "images": {"trained_on": self.n_train, "held_out": self.n_held_out, "left_out": self.n_skipped},
            "mean_average_precision": self.groups,
            "labels": [
                {"label": name, "positives": int(n), "group": group, "average_precision": ap}
                for name, n, group, ap in zip(
                    self.label_names, self.counts, self.group_of, self.average_precision.tolist(), strict=True
                )
            ],
            "history": [asdict(record) for record in self.history],
            "stopped": self.stopped,
            "n_suspicious": len(self.suspicious),
            "files": [str(file) for file in self.files],
        }
        plain: dict[str, Any] = _without_nan(found)
        return plain

    def __str__(self) -> str:
        o, (many, few) = self.options, self.bounds
        width = max(map(len, self.label_names))
        lines = [
            f"{o.method} with {o.network} at {o.size} x {o.size} pixels, {len(self.history)} of {o.epochs} epochs: "
            f"{self.n_train:,} images trained on, {self.n_held_out:,} held out",
            "",
            f"  {'label':<{width}}  {'positives':>9}  {'average precision':>17}",
        ]
        for k in np.argsort(self.counts, kind="stable"):
            value = self.average_precision[k]
            shown = "none held out" if np.isnan(value) else f"{value:.3f}"
            lines.append(f"  {self.label_names[k]:<{width}}  {self.counts[k]:>9,}  {shown:>17}")
        means = ", ".join(f"{name} {value:.3f}" for name, value in self.groups.items() if not np.isnan(value))
        means = means or "cannot be measured, as none of them has a label"
        lines += ["", f"Mean average precision on held-out images: {means}"]
        lines.append(f"(many: more than {many:,} positives; few: fewer than {few:,})")
        if self.n_skipped:
            lines.append(f"{self.n_skipped:,} images cannot be read and were left out.")
        return "\n".join([*lines, "", str(self.suspicious)])


def train_images(
    manifest: PathLike,
    out: PathLike,
    options: TrainingOptions | None = None,
    *,
    images: PathLike | None = None,
    labels: str | list[str] | None = None,
    path_column: str | None = None,
    split: str | None = None,
    separator: str | None = None,
    held_out: float = 0.2,
    on_error: Literal["raise", "skip"] = "raise",
    many: int | None = None,
    few: int | None = None,
    report: PathLike | None = None,
    suspicious: PathLike | None = None,
    device: str = "auto",
    workers: int = 0,
    progress: Progress = silent,
) -> ImageTraining:
    """Train a network on images whose labels are rare and partly wrong, and judge it on held-out ones.

    Interrupted at any time, even killed, the same call goes on after the last whole epoch, with the same result: the
    state lies in ``OUT.HASH.state``, where the hash is that of the options, the checkpoint, and the images and labels
    of both parts. It goes by the pixels of images that are kept in memory, else by size and time of change of files.

    Parameters
    ----------
    manifest, images, labels, path_column, split, separator, on_error
        As in :func:`rarelabel.datasets.read_images`.
    out : path-like
        File of the model (``.safetensors``), for :func:`rarelabel.augmentation.load_image_model`.
    options : TrainingOptions, default=None
        None: the defaults.
    held_out : float, default=0.2
        Share of the images to judge by, stratified by labels; where the manifest has a column for the split, that
        decides: what is called train, all others are held out.
    many, few : int, default=None
        Labels with more training positives than ``many``, and with fewer than ``few``, are groups of their own. None:
        a quarter and a twentieth of the training images. ``few`` may not be above ``many`` plus one.
    report : path-like, default=None
        Write a page with the results and pictures of the suspicious labels.
    suspicious : path-like, default=None
        Write the list of suspicious labels as CSV.
    device : str, default="auto"
    workers : int, default=0
        Processes that load images; the result does not depend on them.
    progress : callable, default does nothing

    Returns
    -------
    ImageTraining

    Raises
    ------
    ValueError, OSError, ImportError
        If images, labels or options cannot be used, nothing could be written, or a file that is read would be replaced.

    Warns
    -----
    UserWarning
        Before training, if no held-out image has a label, so that nothing can be measured on them.
    """
    from rarelabel.augmentation import ImageModel
    from rarelabel.metrics import average_precision_per_label, label_groups

    options = options or TrainingOptions()
    read = [path for path in (manifest, images, options.checkpoint) if path is not None]
    check_outputs([out, report, suspicious], read)
    check_page(report)
    if many is not None and few is not None:
        label_groups([0], many=many, few=few)  # refuses bounds that overlap, before any work
    _trainer(_network(options, 1), options, device, workers)  # and options that mean nothing
    progress("reading images" if on_error == "raise" else "reading and checking all images")
    columns: dict[str, Any] = {"labels": labels, "path_column": path_column, "split": split, "separator": separator}
    data = read_images(manifest, images, size=options.size, on_error=on_error, **columns)
    check_outputs([out, report, suspicious], [*read, *data.files])
    train, test = _parts(data, split, held_out, options.seed)
    bounds = (len(train) // 4 if many is None else many, len(train) // 20 if few is None else few)
    label_groups([0], many=bounds[0], few=bounds[1])
    if not test.Y.any():
        warnings.warn(
            f"none of the {len(test):,} held-out images has a label, so nothing can be measured on them", stacklevel=2
        )
    if data.is_cached:
        data.load()  # damaged images are found now, and workers need not decode
    state = Path(f"{out}.{_digest(options, train, test)}.state")
    network = _network(options, len(data.label_names))
    trainer = _trainer(network, options, device, workers)
    progress("going on with training" if state.exists() else "training the first epoch")
    trainer.fit(train, held_out=test, state=state, progress=lambda record: progress(str(record)))
    progress("predicting held-out images")
    precision = average_precision_per_label(test.Y, trainer.predict_proba(test))
    progress("looking for suspicious labels")
    managed = trainer.managed_labels()
    counts = train.Y.sum(axis=0)
    groups, means = _groups(precision, counts, bounds)
    files = [Path(path) for path in (out, suspicious, report) if path is not None]
    result = ImageTraining(
        source=str(manifest),
        options=options,
        n_train=len(train),
        n_held_out=len(test),
        n_skipped=len(data.skipped),
        label_names=data.label_names,
        counts=counts,
        average_precision=precision,
        groups=means,
        group_of=groups,
        bounds=bounds,
        history=trainer.history_,
        stopped=trainer.stopped_,
        suspicious=managed.suspicious(row_names=train.paths),
        files=tuple(files),
    )
    about = {"options": asdict(options), "mean_average_precision": _without_nan(means), "training_images": len(train)}
    ImageModel(network, options.network, options.head, data.label_names, options.size, about).save(out)
    if suspicious is not None:
        result.suspicious.to_csv(suspicious)
    if report is not None:
        progress("writing the report")
        write_page(result, train, report)
    return result


def _parts(
    data: LabelledImages, split: str | None, held_out: float, seed: int
) -> tuple[LabelledImages, LabelledImages]:
    """Images to train on and to judge by."""
    from rarelabel.model_selection import train_test_split
    from rarelabel.model_selection.arguments import warn_of_rare_labels

    if data.split is None:
        rows = np.arange(len(data))
        if not 0 < held_out < 1:
            raise ValueError(f"held_out must be a share of the images, above 0 and below 1, got {held_out!r}")
        if math.ceil(held_out * len(rows)) >= len(rows):
            raise ValueError(f"held_out={held_out!r} of {len(rows):,} images leaves none to train on")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\d+ of \d+ labels have fewer positives", UserWarning)
            train, test, _, _ = train_test_split(rows, data.Y, test_size=held_out, random_state=seed)
        # an array has no names of labels: the same warning, with those there are
        warn_of_rare_labels(Labels(data.Y, data.label_names, False, data.label_names), None, 2)
        return data.take(np.sort(train)), data.take(np.sort(test))
    is_train = np.array([str(part).lower() in ("train", "training") for part in data.split])
    if is_train.all() or not is_train.any():
        found = ", ".join(map(repr, sorted(set(data.split.tolist()))[:5]))
        raise ValueError(
            f"the column {split or 'split'!r} says {found}: expected 'train' for the images to train on and something "
            "else, such as 'test', for those held out"
        )
    return data.take(is_train), data.take(~is_train)


def _digest(options: TrainingOptions, train: LabelledImages, test: LabelledImages) -> str:
    """What tells one run from another, so that none goes on from the state of a different one."""
    weights = None
    if options.checkpoint is not None:
        with Path(options.checkpoint).open("rb") as file:
            weights = hashlib.file_digest(file, "sha256").hexdigest()
    what = [{**asdict(options), "checkpoint": weights}, train.digest(), test.digest()]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:8]


def _network(options: TrainingOptions, n_labels: int) -> ResNet:
    from rarelabel.nn import make_resnet

    return make_resnet(
        options.network, n_labels, head=options.head, checkpoint=options.checkpoint, random_state=options.seed
    )


def _trainer(network: ResNet, options: TrainingOptions, device: str, workers: int) -> BalanceMix:
    from rarelabel._device import choose_device
    from rarelabel.augmentation import BalanceMix, ImageView, RandAugment

    return BalanceMix(
        network,
        method=options.method,
        epochs=options.epochs,
        warmup=options.warmup,
        batch_size=options.batch_size,
        view=ImageView(RandAugment(options.n_ops, options.magnitude), flip=0.5 if options.flip else 0.0),
        learning_rate=options.learning_rate,
        epsilon=options.epsilon,
        trusted=options.trusted,
        device=choose_device(device),
        num_workers=workers,
        random_state=options.seed,
    )


def _groups(
    precision: NDArray[np.float64], counts: NDArray[np.intp], bounds: tuple[int, int]
) -> tuple[tuple[str, ...], dict[str, float]]:
    """Group of each label, and the means over all and over each group."""
    from rarelabel.metrics import group_means, label_groups

    many, few = bounds
    masks: Mapping[str, NDArray[np.bool_]] = label_groups(counts, many=many, few=few)
    names = tuple(next(name for name, mask in masks.items() if mask[k]) for k in range(len(counts)))
    known = precision[~np.isnan(precision)]
    means = {"all": float(known.mean()) if len(known) else float("nan")}
    return names, means | group_means(precision, counts, many=many, few=few)


def _without_nan(value: Any) -> Any:
    """Nested values with None for NaN, which JSON has not."""
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
