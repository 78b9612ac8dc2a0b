"""Rows of a dataset as tensors: as they are, and random views of them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset, get_worker_info

from rarelabel._device import torch_generator
from rarelabel._team import Team
from rarelabel._validation import Labels
from rarelabel.augmentation._inputs import as_labels
from rarelabel.augmentation._streams import Purpose, random_stream

__all__ = ["BatchView", "Request", "RowLoader", "Transform", "View", "labels_of", "split_held_out"]

Transform = Callable[[Any], Any]
"""From an item to the tensor of it, without randomness."""

View = Callable[[Any, np.random.Generator], Any]
"""From an item to the tensor of one random view of it."""

BatchView = Callable[[Tensor, torch.Generator], Tensor]
"""From a batch of rows to one random view of each."""

_AT_ONCE = 64
"""Rows that are looked at for NaN together."""


@dataclass(frozen=True, eq=False)
class Request:
    """Some rows of a batch, and how they are wanted.

    Parameters
    ----------
    rows : ndarray of int, shape (b,)
        Of the dataset, in the order of the batch.
    n_views : int, default=0
        Random views of each.
    plain : bool, default=True
        Whether they are wanted as they are too.
    key : tuple of (purpose, epoch, step)
        The stream that views are drawn from.
    """

    rows: NDArray[np.intp]
    n_views: int = 0
    plain: bool = True
    key: tuple[Purpose, int, int] = ("view", 0, 0)


@dataclass(eq=False)
class _Plan:
    """The sampler of the loader: what to fetch at each step."""

    steps: Sequence[Sequence[tuple[Request, NDArray[np.intp]]]] = ()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(eq=False)
class RowLoader:
    """Gives rows of a dataset as tensors on a device, with worker processes or without.

    Views of single rows are drawn by the workers, each from a stream of its place in the batch; views of whole
    batches here, from one stream for the batch. So they do not depend on how many workers or processes there are.

    Parameters
    ----------
    dataset : map-style dataset
    transform : callable or None
        None: ``torch.as_tensor``.
    view : callable or None
    batch_view : callable or None
    seed : int
    num_workers : int
    team : Team
    place : torch.device
    """

    dataset: Any
    transform: Transform | None
    view: View | None
    batch_view: BatchView | None
    seed: int
    num_workers: int
    team: Team
    place: torch.device
    _plan: _Plan = field(default_factory=_Plan, init=False)
    _loader: DataLoader[Any] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        _check_map_style(self.dataset, "the dataset")

    @property
    def has_views(self) -> bool:
        """Whether rows have random views."""
        return self.view is not None or self.batch_view is not None

    def load(self, plan: Sequence[Sequence[Request]]) -> Iterator[list[list[Tensor]]]:
        """For each step of the plan, the tensors of each request: the rows as they are, if wanted, then the views.

        Under torchrun they hold this process's share of the rows.
        """
        self._plan.steps = [[self._fetched(request) for request in requests] for requests in plan]
        if self._loader is None:  # made once, so that workers stay over the epochs
            self._loader = self._make_loader()
        for requests, loaded in zip(plan, self._loader, strict=True):
            if isinstance(loaded, _Failed):
                raise loaded.error
            yield [self._finished(request, tensors) for request, tensors in zip(requests, loaded, strict=True)]

    def blame(self) -> str:
        """Which rows hold NaN or infinity, as they are or in a view, and so give such logits; empty where none does.

        Each process looks at all of them.
        """
        n = len(self.dataset)
        alone = replace(self, team=Team(), num_workers=0)
        for n_views, what in ((0, "hold"), (1, "hold, in a random view,"))[: 1 + self.has_views]:
            starts = range(0, n, _AT_ONCE)
            plan = [[Request(np.arange(i, min(i + _AT_ONCE, n)), n_views, not n_views)] for i in starts]
            finite = [torch.isfinite(x).reshape(len(x), -1).all(dim=1).cpu() for [[x]] in alone.load(plan)]
            bad = np.flatnonzero(~torch.cat(finite).numpy())
            if len(bad):
                return f"{len(bad):,} of {n:,} {what} NaN or infinity, the first is row {bad[0]}"
        return ""

    def close(self) -> None:
        """Let worker processes go; they come back when something is loaded again."""
        self._loader = None

    def _make_loader(self) -> DataLoader[Any]:
        return DataLoader(
            _Fetcher(self.dataset, self.transform, self.view, self.seed),
            batch_size=None,
            sampler=self._plan,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=self.place.type == "cuda",
            generator=torch.Generator(),  # of the seeds of workers, which nothing uses
        )

    def _fetched(self, request: Request) -> tuple[Request, NDArray[np.intp]]:
        """What a worker fetches: the share of this process, but whole batches where these are viewed as one."""
        places = np.arange(len(request.rows))
        if self.batch_view is not None and request.n_views:
            return Request(request.rows, 0, True, request.key), places
        share = places[self.team.rank :: self.team.size]
        return Request(request.rows[share], request.n_views, request.plain, request.key), share

    def _finished(self, request: Request, tensors: list[Tensor]) -> list[Tensor]:
        tensors = [tensor.to(self.place, non_blocking=True) for tensor in tensors]
        if self.batch_view is None or not request.n_views:
            return tensors
        generator = torch_generator(random_stream(self.seed, *request.key))
        views = [self.batch_view(tensors[0].clone(), generator) for _ in range(request.n_views)]
        return list(self.team.share([*tensors, *views] if request.plain else views))


@dataclass(frozen=True, eq=False)
class _Failed:
    """What a worker gives in place of rows that cannot be had: raised there, its message would be a traceback."""

    error: Exception


@dataclass(frozen=True, eq=False)
class _Fetcher(Dataset[Any]):
    """What workers do: from the requests of a step to their tensors."""

    dataset: Any
    transform: Transform | None
    view: View | None
    seed: int

    def __getitem__(self, requests: Sequence[tuple[Request, NDArray[np.intp]]]) -> list[list[Tensor]] | _Failed:
        try:
            return [self._tensors(request, places) for request, places in requests]
        except (ValueError, TypeError, OSError) as error:
            if get_worker_info() is None:
                raise
            error.add_note(traceback.format_exc())
            return _Failed(error)

    def _tensors(self, request: Request, places: NDArray[np.intp]) -> list[Tensor]:
        items = _items(self.dataset, request.rows)
        transform = torch.as_tensor if self.transform is None else self.transform
        tensors = []
        if request.plain:
            is_batch = isinstance(items, Tensor) and self.transform is None
            tensors.append(items if is_batch else torch.stack([torch.as_tensor(transform(x)) for x in items]))
        if request.n_views and self.view is not None:
            streams = [random_stream(self.seed, *request.key, place) for place in places.tolist()]
            for _ in range(request.n_views):
                views = [self.view(_own(item), rng) for item, rng in zip(items, streams, strict=True)]
                tensors.append(torch.stack([torch.as_tensor(view) for view in views]))
        return tensors


def _items(dataset: Any, rows: NDArray[np.intp]) -> Any:
    """The inputs of rows, as a list or as one tensor."""
    if isinstance(dataset, Tensor | TensorDataset):
        return (dataset if isinstance(dataset, Tensor) else dataset.tensors[0])[torch.from_numpy(rows)]
    wanted = rows.tolist()
    items = dataset.__getitems__(wanted) if hasattr(dataset, "__getitems__") else [dataset[row] for row in wanted]
    return items if isinstance(items, Tensor) else [x[0] if isinstance(x, tuple | list) else x for x in items]


def _own(item: Any) -> Any:
    """A copy that a view may change; the item is the caller's."""
    if isinstance(item, Tensor):
        return item.clone()
    return item.copy() if isinstance(item, np.ndarray) else item


def labels_of(dataset: Any, Y: Any, what: str, *, min_classes: int = 2) -> Labels:
    """The labels given beside a dataset, or else those in it.

    Labels without names have those of the attribute ``label_names`` of the dataset, if any. ValueError, which says
    ``what`` this is, where rows or names are not as many as labels.
    """
    _check_map_style(dataset, what)
    labels = as_labels(_given_labels(dataset, what) if Y is None else Y, min_classes=min_classes)
    if len(labels.Y) != len(dataset):
        raise ValueError(f"{what} has {len(dataset)} rows, Y {len(labels.Y)}")
    names = getattr(dataset, "label_names", None)
    if names is None or labels.named:
        return labels
    if len(names) != len(labels.names):
        raise ValueError(f"{what} has {len(names)} label_names, Y {len(labels.names)} labels")
    names = tuple(map(str, names))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what} names the label {twice[0]!r} twice")
    return replace(labels, names=names, values=names, named=True)


def split_held_out(held_out: Any) -> tuple[Any, Any]:
    """A held-out dataset, and the labels given beside it or None; ValueError where it is a tuple of other length."""
    if not isinstance(held_out, tuple):
        return held_out, None
    if len(held_out) != 2:
        raise ValueError(f"held_out is a tuple of {len(held_out)}, expected a dataset or (dataset, labels)")
    return held_out


def _check_map_style(dataset: Any, what: str) -> None:
    """Raise TypeError where rows cannot be had by their numbers."""
    advice = None
    if isinstance(dataset, DataLoader):
        advice = "pass its dataset; batches are drawn here"
    elif hasattr(dataset, "iloc") or nw.dependencies.is_into_dataframe(dataset) or sparse.issparse(dataset):
        advice = "pass its numbers, such as X.to_numpy() or X.toarray(), or take BalanceMixClassifier"
    elif not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        advice = "it must have a length and give rows by number"
    if advice is not None:
        raise TypeError(f"{what} is a {type(dataset).__name__}, expected a map-style dataset: {advice}")


def _given_labels(dataset: Any, what: str) -> Any:
    """The labels of all rows: an attribute ``Y``, the second tensor of a ``TensorDataset``, else item by item."""
    if hasattr(dataset, "Y"):
        return dataset.Y
    if isinstance(dataset, TensorDataset) and len(dataset.tensors) > 1:
        return dataset.tensors[1]
    items = (dataset[row] for row in range(len(dataset)))
    labels = [item[1] if isinstance(item, tuple | list) and len(item) > 1 else None for item in items]
    if any(y is None for y in labels):
        beside = "the argument Y" if what == "the dataset" else "labels beside it: (dataset, labels)"
        raise ValueError(f"{what} gives no labels: expected items (x, y), an attribute Y, or {beside}")
    return np.stack([np.asarray(y) for y in labels])
