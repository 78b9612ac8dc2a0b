"""All measures of new rows at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rarelabel._random import RandomState, check_random_state
from rarelabel._validation import FeaturePair, validate_feature_pair, validate_label_pair
from rarelabel.imbalance import cardinality
from rarelabel.metrics._fidelity import (
    cooccurrence_distance,
    label_frequency_correlation,
    minority_share,
    total_variation_of,
    wasserstein_of,
)
from rarelabel.metrics._points import choose_rows, distances_to_closest, points_of
from rarelabel.metrics._privacy import distance_ratios, row_hashes
from rarelabel.metrics._rules import mean_of
from rarelabel.metrics._two_sample import auc_of, check_max_rows, manifolds_of, mmd_of
from rarelabel.schema import Schema

__all__ = ["FidelityReport", "fidelity_report"]

_MORE = 10
"""Rows for what costs as many steps as there are rows, in multiples of those for what costs their square."""


@dataclass(frozen=True)
class FidelityReport:
    """What :func:`fidelity_report` returns. NaN stands for what is not defined.

    Parameters
    ----------
    label_frequency_correlation, cardinality_real, cardinality_new, minority_share_new : float
        Of the labels: :func:`label_frequency_correlation`, labels per row, :func:`minority_share`.
    wasserstein, total_variation : float
        Of single columns: :func:`wasserstein`, :func:`total_variation`.
    c2st_auc, mmd, precision, recall, density, coverage : float
        Of whole rows: :func:`c2st_auc` on features and labels; :func:`mmd` and
        :func:`precision_recall_density_coverage` on features.
    cooccurrence_distance : float
        Of pairs of labels: :func:`cooccurrence_distance`.
    dcr_median, dcr_holdout_median, nndr_median : float
        Medians of :func:`distance_to_closest_record` of the new rows and of held-out real ones, and of
        :func:`nearest_neighbor_distance_ratio` of the new rows.
    exact_duplicates : float
        Share of the new rows that equal a real one.
    """

    label_frequency_correlation: float
    cardinality_real: float
    cardinality_new: float
    minority_share_new: float
    wasserstein: float
    total_variation: float
    c2st_auc: float
    mmd: float
    precision: float
    recall: float
    density: float
    coverage: float
    cooccurrence_distance: float
    dcr_median: float
    dcr_holdout_median: float
    nndr_median: float
    exact_duplicates: float

    def to_dict(self) -> dict[str, float]:
        """Name and value of each measure, in order."""
        return asdict(self)

    def __str__(self) -> str:
        """One line for each measure, a dash for what is not defined."""
        width = max(map(len, self.to_dict()))
        lines = (
            f"  {name:<{width}}  {'-' if value != value else format(value, '.3f'):>6}"
            for name, value in self.to_dict().items()
        )
        return "\n".join(["New rows beside real ones", *lines])


def fidelity_report(
    real: tuple[Any, Any],
    new: tuple[Any, Any],
    *,
    holdout: tuple[Any, Any] | None = None,
    schema: Schema | None = None,
    categorical_features: Any = "auto",
    max_rows: int = 1000,
    random_state: RandomState = None,
) -> FidelityReport:
    """Measure how like the real rows new ones are, and how near to single real ones.

    Parameters
    ----------
    real : tuple of X, shape (n, d), and Y, n rows
        The rows that the sampler was given. All forms of X and Y that samplers take.
    new : tuple of X, shape (m, d), and Y, m rows
        The rows that it made, without the real ones; m may be 0.
    holdout : tuple of X and Y, default=None
        Real rows that the sampler was not given, as the yardstick of the distances. Its Y is not looked at.
    schema : Schema, default=None
        What the columns are, where that is known: X then holds numbers, and categories as codes.
    categorical_features : "auto", None, mask, indices or names, default="auto"
        Columns that hold categories besides those whose type says so.
    max_rows : int, default=1000
        Bound on the cost: measures of whole rows draw at most this many rows of each table, and half of them for the
        C2ST; measures of columns, and the real rows in which the closest one is sought, ten times as many. Labels and
        exact duplicates are counted over all rows.
    random_state : int, Generator, RandomState or None, default=None
        Draws rows, and the folds and trees of the C2ST.

    Returns
    -------
    FidelityReport

    Raises
    ------
    ValueError, TypeError
        If the tables differ in their columns or labels, or X and Y of one of them in their rows.

    Examples
    --------
    >>> from rarelabel.metrics import fidelity_report
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(60, 2)), rng.random((60, 3)) < [0.5, 0.3, 0.1]
    >>> report = fidelity_report((X[:40], Y[:40]), (X[:20], Y[:20]), holdout=(X[40:], Y[40:]), random_state=0)
    >>> report.exact_duplicates, report.dcr_median, report.precision, report.dcr_holdout_median > 0
    (1.0, 0.0, 1.0, True)
    """
    check_max_rows(max_rows)
    rng = check_random_state(random_state)
    pair = validate_feature_pair(real[0], new[0], schema=schema, categorical_features=categorical_features)
    Y_real, Y_new = validate_label_pair(real[1], new[1])
    for name, X, Y in (("real", pair.real, Y_real), ("new", pair.new, Y_new)):
        if X.shape[0] != len(Y):
            raise ValueError(f"X and Y of the {name} rows differ: X has {X.shape[0]} rows, Y {len(Y)}")
    held_out = None
    if holdout is not None:
        held_out = validate_feature_pair(real[0], holdout[0], schema=schema, categorical_features=categorical_features)
    n, m = len(Y_real), len(Y_new)
    rows_real, rows_new = (choose_rows(size, _MORE * max_rows, rng) for size in (n, m))
    many = _rows_of(pair, rows_real, rows_new)
    E_real, E_new = points_of(many)
    few_real, few_new = (choose_rows(E.shape[0], max_rows, rng) for E in (E_real, E_new))
    closest = distances_to_closest(E_new[few_new], E_real, 2)
    manifolds = manifolds_of(E_real[few_real], E_new[few_new])
    nan = float("nan")
    return FidelityReport(
        label_frequency_correlation=label_frequency_correlation(Y_real, Y_new),
        cardinality_real=cardinality(Y_real),
        cardinality_new=cardinality(Y_new) if m else nan,
        minority_share_new=minority_share(Y_real, Y_new),
        wasserstein=mean_of(wasserstein_of(many), "skip"),
        total_variation=mean_of(total_variation_of(many), "skip"),
        c2st_auc=auc_of((E_real, E_new), (Y_real[rows_real], Y_new[rows_new]), max_rows=max(1, max_rows // 2), rng=rng),
        mmd=mmd_of(E_real[few_real], E_new[few_new], (), rng),
        precision=manifolds.precision,
        recall=manifolds.recall,
        density=manifolds.density,
        coverage=manifolds.coverage,
        cooccurrence_distance=cooccurrence_distance(Y_real, Y_new),
        dcr_median=float(np.median(closest[:, 0])) if m else nan,
        dcr_holdout_median=nan if held_out is None else _median_of_holdout(held_out, rows_real, max_rows, rng),
        nndr_median=float(np.median(distance_ratios(closest))) if m else nan,
        exact_duplicates=float(np.isin(row_hashes(pair.new), row_hashes(pair.real)).mean()) if m else nan,
    )


def _median_of_holdout(held_out: FeaturePair, rows_real: Any, max_rows: int, rng: np.random.Generator) -> float:
    chosen = choose_rows(held_out.new.shape[0], max_rows, rng)
    if not len(chosen):
        return float("nan")
    E_real, E_held = points_of(_rows_of(held_out, rows_real, chosen))
    return float(np.median(distances_to_closest(E_held, E_real)))


def _rows_of(pair: FeaturePair, rows_real: Any, rows_new: Any) -> FeaturePair:
    """Some rows of both tables; all of them where the tables are small."""
    real = pair.real if len(rows_real) == pair.real.shape[0] else pair.real[rows_real]
    new = pair.new if len(rows_new) == pair.new.shape[0] else pair.new[rows_new]
    return FeaturePair(real, new, pair.schema)
