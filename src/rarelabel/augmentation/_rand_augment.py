"""RandAugment on Pillow: a few operations drawn at random, all of one strength."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

try:
    from PIL import Image, ImageEnhance, ImageOps
except ImportError as error:
    raise ImportError("RandAugment needs Pillow: pip install 'rarelabel[vision]'") from error

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ImageView", "RandAugment"]

_FILL = (128, 128, 128)
_MOST = 10.0


def _enhance(kind: Any, image: Image.Image, level: float) -> Image.Image:
    result: Image.Image = kind(image).enhance(1 + 0.9 * level)
    return result


def _rotate(image: Image.Image, level: float) -> Image.Image:
    return image.rotate(30 * level, Image.Resampling.BILINEAR, fillcolor=_FILL)


def _affine(image: Image.Image, matrix: tuple[float, ...]) -> Image.Image:
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=_FILL)


def _shear_x(image: Image.Image, level: float) -> Image.Image:
    s = 0.3 * level
    return _affine(image, (1, s, -s * image.height / 2, 0, 1, 0))


def _shear_y(image: Image.Image, level: float) -> Image.Image:
    s = 0.3 * level
    return _affine(image, (1, 0, 0, s, 1, -s * image.width / 2))


def _translate_x(image: Image.Image, level: float) -> Image.Image:
    return _affine(image, (1, 0, -round(0.45 * level * image.width), 0, 1, 0))


def _translate_y(image: Image.Image, level: float) -> Image.Image:
    return _affine(image, (1, 0, 0, 0, 1, -round(0.45 * level * image.height)))


# from an image and a level in [-1, 1] to an image; where a sign has no meaning the level counts without it
_OPERATIONS: dict[str, Callable[[Image.Image, float], Image.Image]] = {
    "identity": lambda image, level: image,
    "autocontrast": lambda image, level: ImageOps.autocontrast(image),
    "equalize": lambda image, level: ImageOps.equalize(image),
    "rotate": _rotate,
    "solarize": lambda image, level: ImageOps.solarize(image, round(256 * (1 - abs(level)))),
    "color": lambda image, level: _enhance(ImageEnhance.Color, image, level),
    "posterize": lambda image, level: ImageOps.posterize(image, 8 - round(4 * abs(level))),
    "contrast": lambda image, level: _enhance(ImageEnhance.Contrast, image, level),
    "brightness": lambda image, level: _enhance(ImageEnhance.Brightness, image, level),
    "sharpness": lambda image, level: _enhance(ImageEnhance.Sharpness, image, level),
    "shear_x": _shear_x,
    "shear_y": _shear_y,
    "translate_x": _translate_x,
    "translate_y": _translate_y,
}


@dataclass(frozen=True)
class RandAugment:
    """Apply ``n_ops`` operations drawn with replacement, one after the other, all of one magnitude (Cubuk et al. 2020).

    ``augment(image, rng)`` takes and returns an RGB image of Pillow of the same size. It can be pickled, and all random
    numbers come from ``rng``: two for each operation.

    Parameters
    ----------
    n_ops : int, default=2
        The paper's N.
    magnitude : float in [0, 10], default=9
        The paper's M. With 0 nothing changes but by autocontrast and equalize, which have no magnitude.
    operations : tuple of str, default=the paper's 14
        Which to draw from.

    Raises
    ------
    ValueError
        If a parameter is out of its range, or there is no such operation; when called, if the image is not RGB.

    Notes
    -----
    At M = 10: ``rotate`` by 30 degrees about the centre; ``shear_x``, ``shear_y`` by 0.3 about the centre;
    ``translate_x``, ``translate_y`` by 0.45 of the side; ``color``, ``contrast``, ``brightness``, ``sharpness`` by a
    factor of 1.9 or 0.1; ``solarize`` turns all pixels over, ``posterize`` keeps 4 bits. All are proportional to M, and
    the direction is drawn. What comes in from outside is grey (128). ``autocontrast``, ``equalize`` and ``identity``
    have no strength.

    NOTE[DIFF] the paper names the operations and says that M goes linearly from 0 to 10, but gives no ends: these are
    AutoAugment's, with translation in shares of the side, and such that M = 0 does nothing.

    References
    ----------
    E. D. Cubuk et al. (2020), "RandAugment: practical automated data augmentation with a reduced search space",
    NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from PIL import Image
    >>> from rarelabel.augmentation import RandAugment
    >>> image = Image.new("RGB", (8, 8), (200, 0, 0))
    >>> solarize = RandAugment(n_ops=1, magnitude=10, operations=("solarize",))
    >>> solarize(image, np.random.default_rng(0)).getpixel((0, 0))  # 255 - 200, 255, 255
    (55, 255, 255)
    """

    n_ops: int = 2
    magnitude: float = 9.0
    operations: tuple[str, ...] = tuple(_OPERATIONS)

    def __post_init__(self) -> None:
        if self.n_ops < 0 or int(self.n_ops) != self.n_ops:
            raise ValueError(f"n_ops must be a whole number of at least 0, got {self.n_ops!r}")
        if not 0 <= self.magnitude <= _MOST:
            raise ValueError(f"magnitude must lie in [0, 10], got {self.magnitude!r}")
        unknown = [name for name in self.operations if name not in _OPERATIONS]
        if unknown or not self.operations:
            raise ValueError(f"operations must be some of {', '.join(_OPERATIONS)}, got {self.operations!r}")

    def __call__(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        """Give the image after some random operations; the image itself stays as it is."""
        if image.mode != "RGB":
            raise ValueError(f"expected an RGB image, got mode {image.mode!r}: image.convert('RGB') makes one")
        for _ in range(self.n_ops):
            operation = _OPERATIONS[self.operations[int(rng.integers(len(self.operations)))]]
            sign = 1 - 2 * int(rng.integers(2))
            image = operation(image, sign * self.magnitude / _MOST)
        return image


@dataclass(frozen=True)
class ImageView:
    """One random view of an image: mirrored or not, then :class:`RandAugment`; the ``view`` of :class:`BalanceMix`.

    ``view(pixels, rng)`` takes pixels, an array or tensor of uint8 of shape (3, h, w) as
    :func:`rarelabel.datasets.read_images` gives them, or an RGB image of Pillow, and returns a tensor of uint8 of shape
    (3, h, w). It can be pickled for the workers of a loader.

    Parameters
    ----------
    randaugment : RandAugment, default=RandAugment()
    mirror : float in [0, 1], default=0.5
        Probability to exchange left and right.
    flip : float in [0, 1], default=0.0
        Probability to exchange top and bottom, as for pictures from above.

    Raises
    ------
    ValueError
        If a probability is out of its range; when called, if the pixels have another type or shape.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel.augmentation import ImageView, RandAugment
    >>> view = ImageView(RandAugment(n_ops=0), mirror=1)
    >>> pixels = np.array([[[1, 2]], [[3, 4]], [[5, 6]]], dtype=np.uint8)
    >>> view(pixels, np.random.default_rng(0)).tolist()
    [[[2, 1]], [[4, 3]], [[6, 5]]]
    """

    randaugment: RandAugment = RandAugment()
    mirror: float = 0.5
    flip: float = 0.0

    def __post_init__(self) -> None:
        for name, value in {"mirror": self.mirror, "flip": self.flip}.items():
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be a probability in [0, 1], got {value!r}")

    def __call__(self, image: Any, rng: np.random.Generator) -> Tensor:
        """Give a view of the image, a tensor of shape (3, h, w)."""
        import torch

        picture = image if isinstance(image, Image.Image) else _to_picture(image)
        mirrored, flipped = rng.random(2) < (self.mirror, self.flip)
        picture = ImageOps.mirror(picture) if mirrored else picture
        picture = ImageOps.flip(picture) if flipped else picture
        pixels = np.asarray(self.randaugment(picture, rng))
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def _to_picture(pixels: Any) -> Image.Image:
    array = np.asarray(pixels)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[0] != 3:
        raise ValueError(f"expected pixels as uint8 of shape (3, h, w), got {array.dtype} of shape {array.shape}")
    return Image.fromarray(np.ascontiguousarray(array.transpose(1, 2, 0)))
