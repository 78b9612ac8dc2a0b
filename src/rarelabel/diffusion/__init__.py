"""Diffusion models of tables: real columns by Gaussian noise, states by multinomial noise, in one model."""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError("rarelabel.diffusion needs PyTorch: pip install 'rarelabel[torch]'") from error

from rarelabel.diffusion.binary import BinaryDiffusion
from rarelabel.diffusion.gaussian import GaussianDiffusion, Prediction
from rarelabel.diffusion.mixed import Conditions, MixedDiffusion, Noised
from rarelabel.diffusion.multinomial import MultinomialDiffusion
from rarelabel.diffusion.schedules import Schedule, cosine_schedule, linear_schedule, strided_times

__all__ = [
    "BinaryDiffusion",
    "Conditions",
    "GaussianDiffusion",
    "MixedDiffusion",
    "MultinomialDiffusion",
    "Noised",
    "Prediction",
    "Schedule",
    "cosine_schedule",
    "linear_schedule",
    "strided_times",
]
