"""Images decoded when they are asked for, and kept where that is wished."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rarelabel.datasets._images_source import Folder, Tar

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Store", "decode_image", "pillow"]


def decode_image(content: bytes, size: int | None = None) -> Image:
    """Make an image of the bytes of a file: RGB, upright, resized to a square of this side.

    What a camera says of its turn (EXIF) is heeded, transparency is laid over white, and of 16-bit grey the upper 8
    bits are kept.

    Raises
    ------
    OSError, ValueError and others
        If Pillow cannot read it.
    """
    PIL, ImageOps = pillow()
    with PIL.open(io.BytesIO(content)) as image:
        if size is not None and image.format == "JPEG":
            image.draft(None, (2 * size, 2 * size))  # decodes large photographs at a fraction of their size
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16"):
            upright = PIL.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        if upright.mode in ("I", "F"):
            raise ValueError(f"pixels are of type {upright.mode!r}; expected 8 or 16 bits")
        if upright.has_transparency_data:
            upright = upright.convert("RGBA")
            upright = PIL.alpha_composite(PIL.new("RGBA", upright.size, "white"), upright)
        rgb: Image = upright.convert("RGB")
    if size is not None and rgb.size != (size, size):
        rgb = rgb.resize((size, size), PIL.Resampling.BILINEAR)
    return rgb


@dataclass(frozen=True, eq=False)
class Store:
    """Images by number, and those decoded so far."""

    source: Folder | Tar
    paths: tuple[str, ...] = field(repr=False)
    size: int | None
    cache: NDArray[np.uint8] | None = field(repr=False)
    is_cached: NDArray[np.bool_] = field(repr=False)

    def __reduce__(self) -> Any:
        """Travel to another process without decoded images."""
        return _emptied, (self.source, self.paths, self.size, None if self.cache is None else self.cache.shape)

    def picture(self, row: int, size: int | None = None) -> Image:
        name = self.paths[row]
        lacking = self.source.lacks(name)
        if lacking:
            raise ValueError(f"{self.source.path}: the image {name!r} is missing: {lacking}")
        try:
            return decode_image(self.source.read(name), size)
        except Exception as error:  # whatever a damaged image brings up in Pillow
            raise ValueError(f"{self.source.path}: the image {name!r} cannot be read: {error}") from error

    def pixels(self, row: int) -> NDArray[np.uint8]:
        """Pixels of one image, the caller's own: what is done to them changes no other look at the image."""
        if self.cache is not None and self.is_cached[row]:
            return self.cache[row].copy()
        pixels: NDArray[np.uint8] = np.asarray(self.picture(row, self.size)).transpose(2, 0, 1).copy()
        if self.cache is not None:
            self.cache[row] = pixels
            self.is_cached[row] = True  # only now: a thread beside may look
        return pixels

    def version(self, row: int) -> bytes:
        """What changes with the content of an image: its pixels where they are kept, else size and time of its file."""
        if self.cache is not None:
            return hashlib.sha256(self.pixels(row).tobytes()).digest()
        return repr(self.source.version(self.paths[row])).encode()


def _emptied(source: Folder | Tar, paths: tuple[str, ...], size: int | None, shape: tuple[int, ...] | None) -> Store:
    cache = None if shape is None else np.zeros(shape, dtype=np.uint8)
    return Store(source, paths, size, cache, np.zeros(len(paths), dtype=bool))


def pillow() -> tuple[Any, Any]:
    """Modules Image and ImageOps of Pillow.

    Raises
    ------
    ImportError
        If it is missing.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise ImportError("images need Pillow: pip install 'rarelabel[vision]'") from error
    return Image, ImageOps
