"""Where the bytes of images lie: a folder or a tar file."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

__all__ = ["Folder", "Tar", "open_source"]


@dataclass(frozen=True)
class Folder:
    """Images as files below a folder, links included: a folder is its owner's.

    Parameters
    ----------
    path : Path
    """

    path: Path

    def lacks(self, name: str) -> str:
        """Why there is no such image, empty where there is."""
        return "" if (self.path / name).is_file() else "there is no such file"

    def read(self, name: str) -> bytes:
        """Content of one image."""
        return (self.path / name).read_bytes()

    def file(self, name: str) -> Path:
        """The file that an image is read from."""
        return self.path / name

    def version(self, name: str) -> tuple[int, ...]:
        """What changes with the content of an image, without reading it: bytes, and when they were written."""
        return _written(self.path / name)


@dataclass(frozen=True)
class Tar:
    """Images as members of a tar file that is not compressed.

    Each read opens the file anew, so that processes share nothing and none is left open.

    Parameters
    ----------
    path : Path
    members : dict of str to (int, int)
        Where the content of each member begins, and its bytes.
    others : dict of str to str
        Members that are no plain files, and what they are.
    folder : str, default=""
        Folder inside of the tar file that names of images refer to.
    """

    path: Path
    members: dict[str, tuple[int, int]] = field(repr=False)
    others: dict[str, str] = field(repr=False)
    folder: str = ""

    @classmethod
    def index(cls, path: Path) -> Tar:
        """Look up where the members lie.

        Raises
        ------
        ValueError
            If the file is compressed, cut short or no tar file, or holds two members of one name.
        """
        with path.open("rb") as file:
            if file.read(2) == b"\x1f\x8b":
                raise ValueError(
                    f"{path}: the tar file is compressed, and so cannot be read in any order; decompress it"
                )
        members, others = {}, {}
        size = path.stat().st_size
        if size % tarfile.BLOCKSIZE:
            raise ValueError(f"{path}: the tar file is damaged or cut short: {size:,} bytes are no whole blocks")
        try:
            with tarfile.open(path, "r:") as tar:
                for member in tar:
                    name = str(PurePosixPath(member.name))
                    if name in members:
                        raise ValueError(f"{path}: the member {name!r} is there twice")
                    if member.isreg() and not member.issparse():
                        members[name] = member.offset_data, member.size
                        if member.offset_data + member.size > size:
                            raise ValueError(f"{path}: the tar file is cut short, within {name!r}")
                    else:
                        others[name] = "a link" if member.issym() or member.islnk() else "not a plain file"
        except tarfile.TarError as error:
            raise ValueError(f"{path}: the tar file is damaged or cut short: {error}") from None
        return cls(path, members, others)

    def lacks(self, name: str) -> str:
        """Why there is no such image, empty where there is."""
        name = self._member(name)
        if name in self.others:
            return f"in the tar file it is {self.others[name]}, which is not followed"
        return "" if name in self.members else "the tar file has no such member"

    def read(self, name: str) -> bytes:
        """Content of one image."""
        offset, size = self.members[self._member(name)]
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def file(self, name: str) -> Path:
        """The file that an image is read from."""
        return self.path

    def version(self, name: str) -> tuple[int, ...]:
        """What changes with the content of an image, without reading it: of the tar file, and its place in there."""
        return *_written(self.path), *self.members[self._member(name)]

    def beside(self, table: str, names: Sequence[str]) -> Tar:
        """The same file, where names refer to the folder of a table inside, if any of the images is there."""
        folder = str(PurePosixPath(table).parent)
        there = folder != "." and any(f"{folder}/{name}" in self.members for name in names)
        return replace(self, folder=folder) if there else self

    def _member(self, name: str) -> str:
        return f"{self.folder}/{name}" if self.folder else name


def open_source(images: Path | None, manifest: Path, names: Sequence[str]) -> Folder | Tar:
    """The folder or tar file given, or what lies beside the manifest: its folder, or the only tar file in there.

    The folder is taken where any of the images lies in it.

    Parameters
    ----------
    images : Path or None
    manifest : Path
    names : sequence of str
        Of the images.

    Raises
    ------
    ValueError
        If there is neither, or more than one tar file.
    """
    if images is None:
        images = manifest.parent
        if not any((images / name).is_file() for name in names):
            same = [path for path in (manifest.with_suffix(".tar"),) if path.is_file()]
            tars = same or sorted(images.glob("*.tar"))
            if len(tars) > 1:
                raise ValueError(f"{manifest}: {len(tars)} tar files lie beside it; say which holds the images")
            images = tars[0] if tars else images
    if images.is_dir():
        return Folder(images)
    if not images.is_file():
        raise FileNotFoundError(f"there is no folder or tar file {images}")
    return Tar.index(images)


def _written(path: Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns
