"""Networks that more than one method uses."""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError("rarelabel.nn needs PyTorch: pip install 'rarelabel[torch]'") from error

from rarelabel.nn._denoisers import KnownEmbedding, MLPDenoiser, ResidualMLPDenoiser, TimeEmbedding, denoiser_width
from rarelabel.nn._semst import SEMSTResNet, soft_threshold

__all__ = [
    "KnownEmbedding",
    "MLPDenoiser",
    "ResidualMLPDenoiser",
    "SEMSTResNet",
    "TimeEmbedding",
    "denoiser_width",
    "soft_threshold",
]
