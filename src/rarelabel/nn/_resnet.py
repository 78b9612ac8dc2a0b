"""Residual networks for images, with the names of weights that torchvision gives them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from rarelabel._device import forked_rng, torch_generator
from rarelabel._random import RandomState, check_random_state
from rarelabel.nn._checkpoints import load_weights
from rarelabel.nn._query_head import QueryHead

__all__ = ["Head", "ResNet", "make_resnet", "resnet18", "resnet50", "resnet_small"]

Head = Literal["linear", "query"]
"""What comes after the feature map: its mean and a linear map, or a query for each label."""

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels, in [0, 1]


class _Block(nn.Module):
    """A residual block; ``expansion`` is channels out over ``width``."""

    expansion = 1

    def __init__(self, n_in: int, width: int, stride: int) -> None:
        super().__init__()
        n_out = width * self.expansion
        self._layers(n_in, width, stride)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or n_in != n_out:
            self.downsample = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))

    def _layers(self, n_in: int, width: int, stride: int) -> None:
        self.conv1 = nn.Conv2d(n_in, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def _residual(self, x: Tensor) -> Tensor:
        result: Tensor = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return result

    def forward(self, x: Tensor) -> Tensor:
        """From (b, n_in, h, w) to (b, n_out, h / stride, w / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        result: Tensor = self.relu(self._residual(x) + shortcut)
        return result


class _Bottleneck(_Block):
    """A block whose 3 x 3 convolution, which has the stride, works on a quarter of the channels."""

    expansion = 4

    def _layers(self, n_in: int, width: int, stride: int) -> None:
        self.conv1 = nn.Conv2d(n_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def _residual(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        result: Tensor = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(x)))))
        return result


class ResNet(nn.Module):
    """A residual network (He et al. 2016) from pixels to a logit for each label.

    :func:`resnet18`, :func:`resnet50` and :func:`resnet_small` make one. Weights bear torchvision's names, but those
    of the query head.

    Parameters
    ----------
    block : {"basic", "bottleneck"}
        Two 3 x 3 convolutions, or 1 x 1, 3 x 3 (which has the stride) and 1 x 1 with four times the channels.
    depths : sequence of int
        Blocks of each stage. Every stage but the first halves the sides.
    n_labels : int
    width : int, default=64
        Channels of the first stage; each stage has twice those of the one before.
    stem : int, default=7
        Side of the first convolution, of stride 2. A maximum over 3 x 3 pixels, of stride 2, follows.
    head : {"linear", "query"}, default="linear"
        Mean of the feature map and a linear map, or a :class:`QueryHead`.
    normalize : bool, default=True
        Take pixels in [0, 255], bytes or floats, and normalise them as ImageNet's are. False: take what is normalised
        already, as torchvision's networks do.

    Raises
    ------
    ValueError
        If there is no such block or head, or ``n_labels`` is below 1.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun (2016), "Deep residual learning for image recognition", CVPR. The stride of a
    bottleneck sits in its 3 x 3 convolution, as in what is now called version 1.5.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        block: Literal["basic", "bottleneck"],
        depths: Sequence[int],
        n_labels: int,
        *,
        width: int = 64,
        stem: int = 7,
        head: Head = "linear",
        normalize: bool = True,
    ) -> None:
        super().__init__()
        blocks: dict[str, type[_Block]] = {"basic": _Block, "bottleneck": _Bottleneck}
        if block not in blocks:
            raise ValueError(f"block must be one of {tuple(blocks)}, got {block!r}")
        if head not in get_args(Head):
            raise ValueError(f"head must be one of {get_args(Head)}, got {head!r}")
        if n_labels < 1:
            raise ValueError(f"n_labels must be at least 1, got {n_labels!r}")
        make = blocks[block]
        self.normalize = normalize
        # no weights: not in the state, so that this has the keys of torchvision's
        self.register_buffer("mean", 255 * torch.tensor(_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", 255 * torch.tensor(_STD)[:, None, None], persistent=False)
        self.conv1 = nn.Conv2d(3, width, stem, 2, stem // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        n_in, self.stages = width, [f"layer{stage}" for stage in range(1, len(depths) + 1)]
        for stage, (name, depth) in enumerate(zip(self.stages, depths, strict=True)):
            layers = []
            for k in range(depth):
                layers.append(make(n_in, width << stage, 2 if stage and k == 0 else 1))
                n_in = (width << stage) * make.expansion
            self.add_module(name, nn.Sequential(*layers))
        self.n_features = n_in
        if head == "linear":
            self.fc = nn.Linear(n_in, n_labels)
        else:
            self.head = QueryHead(n_in, n_labels)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, x: Tensor) -> Tensor:
        """Give the feature map, shape (b, n_features, h', w'), of images as in :meth:`forward`."""
        if self.normalize:
            x = (x - self.mean) / self.std
        x = x.contiguous(memory_format=torch.channels_last)  # twice as fast on a CPU
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for name in self.stages:
            x = getattr(self, name)(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        """From images, shape (b, 3, h, w), to logits, shape (b, n_labels)."""
        x = self.features(x)
        logits: Tensor = self.head(x) if hasattr(self, "head") else self.fc(x.mean(dim=(2, 3)))
        return logits


def resnet18(
    n_labels: int = 1000,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    head: Head = "linear",
    normalize: bool = True,
    random_state: RandomState = None,
) -> ResNet:
    """ResNet-18: 11.7 million weights, of which 11.2 before the head.

    Parameters
    ----------
    n_labels : int, default=1000
    checkpoint : path, default=None
        A local file with weights of this architecture, such as torchvision's, see :func:`load_weights`. None: start
        from random weights.
    head : {"linear", "query"}, default="linear"
        Mean of the feature map and a linear map, or a :class:`QueryHead`.
    normalize : bool, default=True
        Take pixels in [0, 255] and normalise them; False: take what torchvision's networks take.
    random_state : int, Generator, RandomState or None, default=None
        Of random weights. Global generators stay as they are.

    Returns
    -------
    ResNet

    Raises
    ------
    ValueError
        If the weights are of another architecture; the message names the first keys that do not fit.

    Examples
    --------
    >>> import torch
    >>> from rarelabel.nn import resnet18
    >>> network = resnet18(17, random_state=0)
    >>> network(torch.zeros(2, 3, 64, 64, dtype=torch.uint8)).shape
    torch.Size([2, 17])
    """
    return _made(
        checkpoint, random_state, "resnet18", ("basic", (2, 2, 2, 2), n_labels), head=head, normalize=normalize
    )


def resnet50(
    n_labels: int = 1000,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    head: Head = "linear",
    normalize: bool = True,
    random_state: RandomState = None,
) -> ResNet:
    """ResNet-50: 25.6 million weights, of which 23.5 before the head; what BalanceMix was tested with.

    Parameters, result and errors are those of :func:`resnet18`.

    Examples
    --------
    >>> from rarelabel.nn import resnet50
    >>> f"{sum(weight.numel() for weight in resnet50(random_state=0).parameters()):,}"
    '25,557,032'
    """
    return _made(
        checkpoint, random_state, "resnet50", ("bottleneck", (3, 4, 6, 3), n_labels), head=head, normalize=normalize
    )


def resnet_small(
    n_labels: int,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    head: Head = "linear",
    normalize: bool = True,
    random_state: RandomState = None,
) -> ResNet:
    """Make a network for images of 64 to 128 pixels a side, to be trained from scratch, without a GPU.

    One basic block in each of three stages, 32 to 128 channels, first convolution 3 x 3: 0.3 million weights, and at 64
    pixels a twelfth of the work of ResNet-18. On UC Merced a fourth stage made it slower and no better.

    Parameters, result and errors are those of :func:`resnet18`.

    Examples
    --------
    >>> from rarelabel.nn import resnet_small
    >>> f"{sum(weight.numel() for weight in resnet_small(17, random_state=0).parameters()):,}"
    '309,553'
    """
    return _made(
        checkpoint,
        random_state,
        "resnet_small",
        ("basic", (1, 1, 1), n_labels),
        width=32,
        stem=3,
        head=head,
        normalize=normalize,
    )


def make_resnet(
    name: str,
    n_labels: int,
    *,
    head: Head = "linear",
    checkpoint: str | os.PathLike[str] | None = None,
    random_state: RandomState = None,
) -> ResNet:
    """Make the network of that name.

    Parameters
    ----------
    name : {"small", "resnet18", "resnet50"}
        :func:`resnet_small`, :func:`resnet18` or :func:`resnet50`.
    n_labels, head, checkpoint, random_state : as there

    Returns
    -------
    ResNet

    Raises
    ------
    ValueError
        If there is no such network, or the checkpoint is of another.
    """
    networks = {"small": resnet_small, "resnet18": resnet18, "resnet50": resnet50}
    if name not in networks:
        raise ValueError(f"network must be one of {', '.join(networks)}, got {name!r}")
    return networks[name](n_labels, head=head, checkpoint=checkpoint, random_state=random_state)


def _made(checkpoint: Any, random_state: RandomState, name: str, arguments: tuple[Any, ...], **options: Any) -> ResNet:
    with forked_rng(torch_generator(check_random_state(random_state))):
        network = ResNet(*arguments, **options)
    if checkpoint is not None:
        load_weights(network, checkpoint, name=name)
    return network
