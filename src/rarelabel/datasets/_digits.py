"""The data set that needs no file: scenes of overlaid digits, rare ones among them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rarelabel._random import RandomState, check_random_state
from rarelabel.datasets._dataset import Dataset
from rarelabel.schema import Column, Schema

__all__ = ["load_digit_scenes"]

_SIDE, _DIGIT = 12, 8
_CORNERS = ((0, 0), (0, _SIDE - _DIGIT), (_SIDE - _DIGIT, 0), (_SIDE - _DIGIT, _SIDE - _DIGIT))


def load_digit_scenes(n_samples: int = 2000, *, random_state: RandomState = 0) -> Dataset:
    """Make scenes of one to three overlaid handwritten digits; label l says that digit l is among them.

    Each scene is a canvas of 12 x 12 pixels. Digits are drawn without repetition, digit l with a weight proportional
    to :math:`(l + 1)^{-2.2}` (Zipf's law), so that 0 is in most scenes and 9 in about one of fifty. For each, a real
    image of 8 x 8 pixels is drawn from scikit-learn's ``load_digits`` and laid into another corner of the canvas, at
    random; where images overlap the brighter pixel is kept.

    The 1,797 images are drawn with repetition: two scenes can show the same image of a digit, in different company.
    Scores serve to compare methods and say nothing about reading handwriting.

    Parameters
    ----------
    n_samples : int, default=2000
        Number of scenes.
    random_state : int, Generator, RandomState or None, default=0
        The default gives the same scenes every time.

    Returns
    -------
    Dataset
        X, shape (n_samples, 144): brightness 0 to 16, integer columns ``pixel_<row>_<column>``. Y, shape
        (n_samples, 10).

    Raises
    ------
    ValueError
        If ``n_samples`` is not a positive integer.

    Examples
    --------
    >>> from rarelabel.datasets import load_digit_scenes
    >>> scenes = load_digit_scenes()
    >>> scenes
    Dataset('digit scenes', 2000 rows, 144 features, 10 labels)
    >>> scenes.Y.sum(axis=0).tolist()
    [1696, 837, 445, 218, 135, 84, 71, 61, 31, 37]
    """
    from sklearn.datasets import load_digits

    if isinstance(n_samples, bool) or not isinstance(n_samples, (int, np.integer)) or n_samples < 1:
        raise ValueError(f"n_samples must be a positive integer, got {n_samples!r}")
    rng = check_random_state(random_state)
    digits = load_digits()
    images_of = [digits.images[digits.target == digit] for digit in range(10)]
    weights = np.arange(1, 11) ** -2.2
    weights /= weights.sum()
    X = np.zeros((n_samples, _SIDE, _SIDE))
    Y = np.zeros((n_samples, 10), dtype=bool)
    for scene, carried in zip(X, Y, strict=True):
        shown = rng.choice(10, size=rng.choice([1, 2, 3], p=[0.4, 0.4, 0.2]), replace=False, p=weights)
        carried[shown] = True
        for digit, corner in zip(shown, rng.permutation(len(_CORNERS)), strict=False):
            _overlay(scene, images_of[digit][rng.integers(len(images_of[digit]))], _CORNERS[corner])
    pixels = tuple(Column(f"pixel_{row}_{column}", "integer") for row in range(_SIDE) for column in range(_SIDE))
    labels = tuple(Column(f"digit_{digit}", "label") for digit in range(10))
    return Dataset(X.reshape(n_samples, -1), Y, Schema(pixels, labels), "digit scenes")


def _overlay(scene: NDArray[np.float64], image: NDArray[np.float64], corner: tuple[int, int]) -> None:
    """Lay the image into a corner of the scene, keeping the brighter pixels."""
    top, left = corner
    part = scene[top : top + _DIGIT, left : left + _DIGIT]
    np.maximum(part, image, out=part)
