"""Images with labels, decoded when they are asked for."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import validate_labels
from rarelabel.datasets._images_manifest import Columns, Manifest, csv_columns, parse_manifest, read_columns
from rarelabel.datasets._images_source import Folder, Tar, open_source
from rarelabel.datasets._images_store import Store, pillow
from rarelabel.datasets._opening import decode_text

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["LabelledImages", "read_images"]

_MOST_BYTES = 2**30


@final
class LabelledImages:
    """Images and their labels, a map-style data set of PyTorch that needs no PyTorch.

    Made by :func:`read_images`. ``images[i]`` is (x, y): x the pixels, ndarray of uint8, shape (3, h, w); y the labels,
    ndarray of float32, shape (K,). Images are decoded when they are asked for. Any number of workers of a
    ``DataLoader`` may read at the same time.

    Parameters
    ----------
    store : object
        Where pixels come from.
    rows : ndarray of int, shape (n,)
        Which images of the store.
    Y : ndarray of bool, shape (n, K)
    label_names : tuple of str, shape (K,)
    split : ndarray of str, shape (n,), default=None
    skipped : tuple of (str, str), default=()

    Attributes
    ----------
    Y : ndarray of bool, shape (n, K)
    label_names : tuple of str, shape (K,)
    split : ndarray of str, shape (n,), or None
        The part each image belongs to, where the manifest says so.
    skipped : tuple of (str, str)
        Images left out, and why.
    """

    def __init__(
        self,
        store: Store,
        rows: NDArray[np.intp],
        Y: NDArray[np.bool_],
        label_names: tuple[str, ...],
        split: NDArray[Any] | None = None,
        skipped: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self._store = store
        self._rows = rows
        self.Y = Y
        self.label_names = label_names
        self.split = split
        self.skipped = skipped

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Pixels, shape (3, h, w), and labels, shape (K,), of one image; ValueError names one that cannot be read.

        Both are new arrays, which may be changed.
        """
        return self._store.pixels(int(self._rows[row])), self.Y[row].astype(np.float32)

    def __repr__(self) -> str:
        n, K = self.Y.shape
        side = "" if self._store.size is None else f" of {self._store.size} x {self._store.size} pixels"
        return f"LabelledImages: {n:,} images{side}, {K} labels, from {self._store.source.path}"

    @property
    def paths(self) -> tuple[str, ...]:
        """Names of the images, shape (n,)."""
        return tuple(self._store.paths[row] for row in self._rows)

    @property
    def is_cached(self) -> bool:
        """Whether decoded images are kept in memory."""
        return self._store.cache is not None

    @property
    def files(self) -> frozenset[Path]:
        """Files that images are read from, those left out included: the tar file, or one for each image."""
        return frozenset(map(self._store.source.file, self._store.paths))

    def digest(self) -> str:
        """Give a hash of the images with their names and labels, to tell one training set from another.

        It goes by the pixels where decoded images are kept in memory (they are then decoded), else by size and time of
        change of the files, which are not read.

        Returns
        -------
        str
            64 hexadecimal digits.

        Raises
        ------
        ValueError
            If an image cannot be read.
        """
        found = hashlib.sha256(repr((self.paths, self.label_names, self.Y.shape)).encode())
        found.update(np.packbits(self.Y).tobytes())
        for row in self._rows.tolist():
            found.update(self._store.version(row))
        return found.hexdigest()

    def picture(self, row: int) -> Image:
        """Give one image in its own size, in RGB and upright, to be looked at.

        Raises
        ------
        ValueError
            If it cannot be read.
        """
        return self._store.picture(int(self._rows[row]))

    def take(self, rows: Any = None, Y: Any = None) -> LabelledImages:
        """Give some of the images, or all with other labels; decoded images are shared.

        Parameters
        ----------
        rows : array-like of int or bool, default=None
            None: all.
        Y : array-like, sparse matrix, DataFrame or list of label lists, shape (n, K), default=None
            Labels in place of those there are, of all n images of this data set; by name where they have names.

        Returns
        -------
        LabelledImages

        Raises
        ------
        ValueError
            If Y has other labels or another number of rows, or holds anything but 0 and 1.
        """
        chosen = np.arange(len(self))[slice(None) if rows is None else np.asarray(rows)]
        labels = self.Y if Y is None else validate_labels(Y, min_classes=1).in_order(self.label_names, "Y")
        if len(labels) != len(self):
            raise ValueError(f"Y has shape {labels.shape}, expected {self.Y.shape}: a label for each image and name")
        split = None if self.split is None else self.split[chosen]
        return LabelledImages(self._store, self._rows[chosen], labels[chosen], self.label_names, split)

    def load(self) -> LabelledImages:
        """Decode all images now, so that processes started later share them; return this data set.

        Raises
        ------
        ValueError
            If an image cannot be read, or the data set keeps no decoded images (``cache`` of :func:`read_images`).
        """
        if self._store.cache is None:
            raise ValueError("this data set keeps no decoded images: read it with cache=True")
        for row in self._rows.tolist():
            self._store.pixels(row)
        return self


def read_images(
    manifest: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    *,
    size: int | None = None,
    path_column: str | None = None,
    labels: str | Sequence[str] | None = None,
    split: str | None = None,
    separator: str | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    cache: bool | Literal["auto"] = "auto",
) -> LabelledImages:
    r"""Read a table of images and their labels; the images are decoded later.

    Needs the extra ``vision``.

    Parameters
    ----------
    manifest : path
        CSV (``.csv``, ``.tsv``) or Parquet file with a row for each image, or a ``.tar`` that holds the images and one
        CSV file.
    images : path, default=None
        The folder or tar file that paths refer to. None: the folder of the manifest, or the tar file that lies there
        if none of the images lies in the folder. Inside a ``.tar``: the folder of the CSV file, or the top.
        Paths that lead out of it (``..``, absolute ones) are refused, and so are links in a tar file.
    size : int, default=None
        Side of the square that images are resized to (bilinear); None: as they are, which makes batches only of images
        of equal size.
    path_column : str, default=None
        None: ``path``, ``image``, ``file``, ``filename`` or the like, or else the first column of names that end like
        those of images.
    labels : str or list of str, default=None
        Names of columns of 0 and 1, or of one column that lists labels: lists in Parquet; texts such as ``cars;trees``
        or ``['cars', 'trees']`` in CSV; a cell that is empty, NA, NaN, None or null lists none. None: a column called
        ``labels`` or ``tags`` that lists them, or else all columns at least half of whose cells are 0 or 1. There,
        anything but 0 and 1 is an error, and so is a column mostly of empty cells (or NA, ...) whose others are 0 or 1:
        a label with empty cells for 0, or none?
    split : str, default=None
        Column with the part of each image, such as train and test; no cell may be empty. None: ``split`` or ``Split``,
        if there is one.
    separator : str, default=None
        Between labels of one cell. None: ``;``, ``|`` or ``,``, the first of these that occurs; where none does and
        most cells hold spaces there is a warning.
    on_error : {"raise", "skip"}, default="raise"
        ``"raise"``: a missing image is an error now, a damaged one when it is asked for. ``"skip"``: decode every image
        now and leave out those that cannot be read, with a warning that says how many.
    cache : bool or "auto", default="auto"
        Keep decoded pixels in memory, 3 ``size``² bytes for each image. Processes keep their own, but for what
        :meth:`LabelledImages.load` decoded before they were started. ``"auto"``: where all images take 1 GiB at most.

    Returns
    -------
    LabelledImages

    Raises
    ------
    ValueError
        If a label is neither 0 nor 1 (naming row and column), an image is there twice or missing, or the tar file is
        damaged.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from PIL import Image
    >>> from rarelabel.datasets import read_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (8, 8), "red").save(f"{folder}/a.png")
    ...     _ = pathlib.Path(folder, "table.csv").write_text("path,car,tree\na.png,1,0\n")
    ...     images = read_images(f"{folder}/table.csv", size=4)
    ...     x, y = images[0]
    >>> x.shape, x[:, 0, 0].tolist(), y.tolist(), images.label_names
    ((3, 4, 4), [255, 0, 0], [1.0, 0.0], ('car', 'tree'))
    """
    pillow()
    if on_error not in ("raise", "skip"):
        raise ValueError(f"on_error must be 'raise' or 'skip', got {on_error!r}")
    if size is not None and size < 1:
        raise ValueError(f"size must be at least 1, got {size!r}")
    if cache is True and size is None:
        raise ValueError("cache=True needs size: only images of equal size are kept together")
    path = Path(manifest)
    tar = Tar.index(path) if path.suffix.lower() == ".tar" else None
    if tar is not None and images is not None:
        raise ValueError(f"{path} holds the table and the images; got images={str(images)!r} as well")
    columns, inside = (read_columns(path), "") if tar is None else _table_inside(tar)
    table = parse_manifest(columns, str(path), path_column=path_column, labels=labels, split=split, separator=separator)
    if tar is None:
        source: Folder | Tar = open_source(None if images is None else Path(images), path, table.paths)
    else:
        source = tar.beside(inside, table.paths)
    n, kept = len(table.paths), None
    if size is not None and (cache is True or (cache == "auto" and 3 * size**2 * n <= _MOST_BYTES)):
        kept = np.zeros((n, 3, size, size), dtype=np.uint8)
    return _checked(table, Store(source, table.paths, size, kept, np.zeros(n, dtype=bool)), on_error)


def _checked(table: Manifest, store: Store, on_error: str) -> LabelledImages:
    lacking = {row: why for row, name in enumerate(table.paths) if (why := store.source.lacks(name))}
    if lacking and on_error == "raise":
        row, why = next(iter(lacking.items()))
        more = f" (and {len(lacking) - 1:,} more)" if len(lacking) > 1 else ""
        raise ValueError(
            f"{table.source}: the image {table.paths[row]!r} of row {row + 1} is missing from {store.source.path}: "
            f"{why}{more}"
        )
    if on_error == "skip":
        for row in range(len(table.paths)):
            if row not in lacking:
                try:
                    store.pixels(row)
                except ValueError as error:
                    lacking[row] = str(error)
    rows = np.delete(np.arange(len(table.paths)), sorted(lacking))
    skipped = tuple((table.paths[row], lacking[row]) for row in sorted(lacking))
    if skipped:
        shown = ", ".join(repr(name) for name, _ in skipped[:3]) + (", ..." if len(skipped) > 3 else "")
        n = len(table.paths)
        if not len(rows):
            raise ValueError(f"{table.source}: none of the {n:,} images can be read; the first: {skipped[0][1]}")
        warnings.warn(
            f"{table.source}: {len(skipped):,} of {n:,} images cannot be read and are left out: {shown}", stacklevel=3
        )
    split = None if table.split is None else table.split[rows]
    return LabelledImages(store, rows, table.Y[rows], table.label_names, split, skipped)


def _table_inside(tar: Tar) -> tuple[Columns, str]:
    """Columns of the CSV file in a tar file, and the name of it."""
    # macOS puts a file ._NAME beside a file NAME, which holds what its file system knows of it
    tables = [name for name in tar.members if name.lower().endswith(".csv") and not _base(name).startswith("._")]
    if len(tables) != 1:
        raise ValueError(f"{tar.path}: expected one CSV file among the members, found {len(tables)}")
    source = f"{tar.path}: {tables[0]}"
    return decode_text(tar.read(tables[0]), lambda text: csv_columns(text, source), source, newline=""), tables[0]


def _base(name: str) -> str:
    return name.rpartition("/")[2]
