"""What was compared, and by what: facts of data sets and versions that results keep."""

from __future__ import annotations

import platform
from importlib.metadata import version

from rarelabel import __version__, imbalance
from rarelabel.datasets import Dataset
from rarelabel.evaluation.records import DatasetInfo

__all__ = ["dataset_info", "environment"]


def dataset_info(name: str, dataset: Dataset) -> DatasetInfo:
    """What a comparison keeps of a data set that it calls so.

    Examples
    --------
    >>> from rarelabel.datasets import load_digit_scenes
    >>> info = dataset_info("digits", load_digit_scenes(20))
    >>> info.n_rows, info.n_labels, len(info.label_names), sum(info.label_counts) / 20 == info.cardinality
    (20, 10, 10, True)
    """
    from rarelabel.evaluation.planning import data_fingerprint

    n_rows, n_labels = dataset.Y.shape
    return DatasetInfo(
        fingerprint=data_fingerprint(dataset),
        name=name,
        n_rows=n_rows,
        n_features=dataset.X.shape[1],
        n_labels=n_labels,
        exclusive=dataset.schema.exclusive,
        label_names=dataset.label_names,
        label_counts=tuple(imbalance.label_counts(dataset.Y).tolist()),
        mean_ir=imbalance.mean_ir(dataset.Y),
        cardinality=imbalance.cardinality(dataset.Y),
        scumble=imbalance.scumble(dataset.Y),
    )


def environment() -> dict[str, str]:
    """Versions of what numbers depend on, ready for JSON."""
    packages = {name: version(name) for name in ("numpy", "scipy", "scikit-learn")}
    return {
        "python": platform.python_version(),
        "rarelabel": __version__,
        **packages,
        "platform": f"{platform.system()} {platform.machine()}",
    }
