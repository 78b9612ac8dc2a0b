"""Compare ways to deal with imbalance, by one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np

from rarelabel._validation import validate
from rarelabel.datasets import Dataset, read
from rarelabel.evaluation.approaches import parse_approach

if TYPE_CHECKING:
    from rarelabel.evaluation.protocol import Spec
    from rarelabel.evaluation.results import Results
    from rarelabel.evaluation.runner import Progress

__all__ = ["compare", "run_spec"]


def compare(
    datasets: Any,
    samplers: Any = (),
    classifiers: Any = ("br-logistic",),
    *,
    cv: Any = "1x5",
    seeds: int | Sequence[int] = 1,
    measures: Sequence[str] | None = None,
    store: str | PathLike[str] | None = None,
    n_jobs: int = 1,
    client: Any = None,
    keep_rows: str | PathLike[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> Results:
    """Compare samplers with each other, and with class weights, tuned thresholds and doing nothing, on held-out rows.

    Parameters
    ----------
    datasets : path-like, Dataset, (X, Y), a sequence of these, or a mapping of names to these
    samplers : str, object with ``fit_resample``, a sequence of these, or a mapping of names to these
        Names as in ``"mlsmote"``, ``"mlsmote+thresholds"``. ``none``, ``weights`` and ``thresholds`` always take part.
    classifiers : str, scikit-learn estimator, a sequence of these, or a mapping of names to these
        Names that :func:`rarelabel.registry.classifier_names` gives, or any estimator that takes several labels.
    cv : str or int, default="1x5"
        Repeats x folds. Folds are stratified by labels.
    seeds : int or sequence of int, default=1
        How many, or which.
    measures : sequence of str, default=None
        Those that tables show; the first one decides. None: :data:`rarelabel.evaluation.measures.DEFAULT_MEASURES`.
    store : path-like, default=None
        SQLite file that keeps every run, so that a comparison which was stopped goes on where it was, and one that
        grows keeps what it has. None: nothing is kept.
    n_jobs : int, default=1
        Processes on this machine; -1 for all processors.
    client : dask.distributed.Client or str, default=None
        A Dask cluster, or its address, to run on instead.
    keep_rows : path-like, default=None
        Folder that keeps what samplers made. Approaches that differ in weights or thresholds alone, and classifiers
        added later, then share the rows instead of having them made again; costs are those of the first time.
    progress : callable, default=None
        Called with a :class:`~rarelabel.evaluation.runner.Progress` after each task.
    **settings
        ``inner_splits``, ``fidelity``, ``time_limit``: other fields of :class:`~rarelabel.evaluation.protocol.Spec`.

    Returns
    -------
    Results

    Raises
    ------
    ValueError, TypeError, OSError
        If something asked for does not exist or cannot be read; what a sampler or classifier does wrong later is
        recorded, and the rest goes on.

    Examples
    --------
    >>> from rarelabel.datasets import load_digit_scenes
    >>> results = compare(load_digit_scenes(200), "mlros", "br-tree", cv="1x2")
    >>> sorted(set(results.runs["approach"].tolist()))
    ['MLROS', 'none', 'thresholds', 'weights']
    """
    from rarelabel.evaluation.protocol import make_spec

    described, loaded = _datasets(datasets)
    spec = make_spec(
        datasets=described,
        approaches=_choices(samplers, "sampler"),
        classifiers=_choices(classifiers, "classifier"),
        cv=cv,
        seeds=seeds,
        **({} if measures is None else {"measures": list(measures)}),
        **settings,
    )
    return run_spec(spec, loaded, store=store, n_jobs=n_jobs, client=client, keep_rows=keep_rows, progress=progress)


def run_spec(
    spec: Spec,
    datasets: Mapping[str, Dataset] | None = None,
    *,
    store: str | PathLike[str] | None = None,
    n_jobs: int = 1,
    client: Any = None,
    keep_rows: str | PathLike[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
    command: str = "",
) -> Results:
    """Run a spec, or what of it the store does not have yet.

    Parameters
    ----------
    spec : Spec
    datasets : mapping of str to Dataset, default=None
        Those in memory, by name; all others are read from their files.
    store, n_jobs, client, keep_rows, progress : as in :func:`compare`
    command : str, default=""
        The command line that the report says reproduces it.

    Returns
    -------
    Results
    """
    from rarelabel.evaluation.planning import plan_tasks
    from rarelabel.evaluation.results import Results
    from rarelabel.evaluation.runner import run
    from rarelabel.evaluation.store import ResultStore

    rows_folder = None if keep_rows is None else Path(keep_rows)
    if rows_folder is not None:
        rows_folder.mkdir(parents=True, exist_ok=True)
    known = dict(datasets or {})
    for each in spec.datasets:
        if each.name not in known and not each.path:
            raise ValueError(f"data set {each.name!r} is in no file; pass it")
    loaded = {
        each.name: known.get(each.name) or read(each.path, each.labels, classes=each.classes) for each in spec.datasets
    }
    tasks = plan_tasks(spec, loaded, rows_folder)
    with ResultStore(store) as opened:
        opened.add_spec(spec.fingerprint, spec.to_dict(), command, tasks, loaded)
        run(tasks, loaded, opened, n_jobs=n_jobs, client=client, progress=progress)
        if store is None:
            return Results.from_store(opened, spec.fingerprint).in_memory()
    return Results.read(store, spec.fingerprint)


def _datasets(given: Any) -> tuple[list[dict[str, Any]], dict[str, Dataset]]:
    """What the spec says of each data set, and those that are in memory."""
    if isinstance(given, Mapping):
        named = list(given.items())
    else:
        one = isinstance(given, str | PathLike | Dataset) or _is_table(given)
        named = [_named(each, i) for i, each in enumerate([given] if one else given)]
    described: list[dict[str, Any]] = []
    loaded = {}
    for name, each in named:
        path = fspath(each) if isinstance(each, str | PathLike) else ""
        described.append({"name": name, "path": path})
        if isinstance(each, Dataset):
            loaded[name] = each
        elif _is_table(each):
            loaded[name] = _as_dataset(name, *each)
        elif not path:
            kind = type(each).__name__
            raise TypeError(f"data set {name!r}: expected a path, a Dataset or a pair (X, Y), got {kind}")
    return described, loaded


def _is_table(given: Any) -> bool:
    return isinstance(given, tuple) and len(given) == 2 and not isinstance(given[0], str | PathLike | Dataset | tuple)


def _named(each: Any, i: int) -> tuple[str, Any]:
    if isinstance(each, str | PathLike):
        from rarelabel.evaluation.protocol import name_of_file

        return name_of_file(fspath(each)), each
    return (each.name if isinstance(each, Dataset) else f"data set {i + 1}"), each


def _as_dataset(name: str, X: Any, Y: Any) -> Dataset:
    table = validate(X, Y, allow_nan=True)
    return Dataset(table.X, np.asarray(table.Y), table.schema, name)


def _choices(given: Any, what: str) -> list[Any]:
    """Names as they are; objects with a name and a description."""
    if isinstance(given, str) or hasattr(given, "get_params"):
        given = [given]
    pairs = given.items() if isinstance(given, Mapping) else [(None, each) for each in given]
    return [_choice(name, each, what) for name, each in pairs]


def _called(name: str, each: str, what: str) -> dict[str, Any]:
    if what == "classifier":
        return {"name": name, "classifier": each}
    known = parse_approach(each)
    return {"name": name, "sampler": known.sampler, "weights": known.class_weights, "thresholds": known.thresholds}


def _choice(name: str | None, each: Any, what: str) -> Any:
    if isinstance(each, str):
        return each if name is None else _called(name, each, what)
    if isinstance(each, Mapping):
        return dict(each) if name is None else {"name": name, **each}
    if not hasattr(each, "fit_resample" if what == "sampler" else "predict"):
        raise TypeError(f"expected the name of a {what} or an object that is one, got {each!r}")
    description = " ".join(f"{type(each).__module__}.{each!r}".split())
    if "..." in description:  # scikit-learn shortens what is long, and two objects must not be taken for one
        description += f" {joblib.hash(each)}"
    return {"name": name or type(each).__name__, "described": description, "instance": each}
