"""Networks that more than one method uses."""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError("rarelabel.nn needs PyTorch: pip install 'rarelabel[torch]'") from error

from rarelabel.nn._checkpoints import load_weights
from rarelabel.nn._denoisers import KnownEmbedding, MLPDenoiser, ResidualMLPDenoiser, TimeEmbedding, denoiser_width
from rarelabel.nn._query_head import QueryHead
from rarelabel.nn._resnet import Head, ResNet, make_resnet, resnet18, resnet50, resnet_small
from rarelabel.nn._semst import SEMSTResNet, soft_threshold

__all__ = [
    "Head",
    "KnownEmbedding",
    "MLPDenoiser",
    "QueryHead",
    "ResNet",
    "ResidualMLPDenoiser",
    "SEMSTResNet",
    "TimeEmbedding",
    "denoiser_width",
    "load_weights",
    "make_resnet",
    "resnet18",
    "resnet50",
    "resnet_small",
    "soft_threshold",
]
