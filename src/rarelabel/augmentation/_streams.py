"""Random numbers that depend on where in training they are drawn, and on nothing drawn before."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

__all__ = ["Purpose", "random_stream"]

Purpose = Literal["order", "partner", "view", "partner view", "mix", "dropout", "review"]
"""What random numbers are for: the order of the random rows and of those mixed with them, the views of either, the
weights of mixing, dropout, and the views by which all labels are reviewed after training."""


def random_stream(seed: int, purpose: Purpose, epoch: int = 0, step: int = 0, place: int = 0) -> np.random.Generator:
    """Random numbers of one purpose at one place of a training run.

    A run that goes on in epoch 7, or on another number of processes, draws what it would have drawn anyway.

    Parameters
    ----------
    seed : int
    purpose : {"order", "partner", "view", "partner view", "mix", "dropout", "review"}
    epoch, step : int, default=0
        Counted from 0.
    place : int, default=0
        Of a row in the batch of that step, from 0, where each row has its own stream.

    Returns
    -------
    numpy.random.Generator

    Examples
    --------
    >>> from rarelabel.augmentation import random_stream
    >>> random_stream(0, "order", epoch=3).permutation(5)
    array([1, 2, 4, 3, 0])
    """
    key = (get_args(Purpose).index(purpose), epoch, step, place)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
