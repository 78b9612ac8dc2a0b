"""Weights of a network from a local file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["load_weights"]

_HEAD = ("fc.", "head.")
_SHOWN = 5


def load_weights(network: nn.Module, path: str | os.PathLike[str], *, name: str = "the network") -> None:
    """Load weights of a local file into a residual network, all but those of a head of another size.

    Parameters
    ----------
    network : torch.nn.Module
        Changed in place.
    path : path
        A file of safetensors (``.safetensors``), or one that ``torch.load(weights_only=True)`` reads: nothing in it is
        run. The weights may lie under ``"state_dict"`` or ``"model"``, and names may begin with ``"module."``.
    name : str, default="the network"
        What to call the network in errors.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file cannot be read so, or its weights are of another architecture: the message names the first keys that
        do not fit. Weights of the head (``fc.``, ``head.``) are left out where they do not fit.

    Examples
    --------
    >>> import tempfile, torch
    >>> from rarelabel.nn import load_weights, resnet_small
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     torch.save(resnet_small(20, random_state=0).state_dict(), f"{folder}/weights.pth")
    ...     network = resnet_small(5, checkpoint=f"{folder}/weights.pth", random_state=1)
    >>> bool((network.conv1.weight == resnet_small(20, random_state=0).conv1.weight).all())
    True
    """
    found, expected = _read(Path(path)), network.state_dict()
    head = {key for key in (*found, *expected) if key.startswith(("fc.", "head."))}
    if {key: found[key].shape for key in head & set(found)} == {
        key: expected[key].shape for key in head & set(expected)
    }:
        head = set()
    # files from before 2017 have no num_batches_tracked, which does nothing here
    other = [
        f"{key} has shape {tuple(tensor.shape)}, expected {tuple(expected[key].shape)}"
        for key, tensor in found.items()
        if key not in head and key in expected and tensor.shape != expected[key].shape
    ]
    missing = [
        f"{key} {tuple(tensor.shape)} is missing"
        for key, tensor in expected.items()
        if key not in head and key not in found and not key.endswith("num_batches_tracked")
    ]
    more = [f"{key} is not known" for key in found if key not in head and key not in expected]
    wrong = [*other, *missing, *more]
    if wrong:
        shown = "; ".join(wrong[:_SHOWN]) + (f"; and {len(wrong) - _SHOWN:,} more" if len(wrong) > _SHOWN else "")
        raise ValueError(f"{path}: the weights are not those of {name}: {shown}")
    network.load_state_dict({**expected, **{key: tensor for key, tensor in found.items() if key not in head}})


def _read(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    weights: Any
    if path.suffix.lower() == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            weights = load_file(path)
        except SafetensorError as error:
            raise ValueError(f"{path}: this is no file of safetensors: {error}") from None
    else:
        try:
            weights = torch.load(path, map_location="cpu", weights_only=True)
        except UnpicklingError as error:  # its text tells how to run what the file holds
            raise ValueError(f"{path}: the file holds more than tensors, or is damaged; it was not opened") from error
        except Exception as error:  # whatever a damaged or strange file brings up
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise ValueError(
                f"{path}: cannot be read as weights alone: {reason}; expected safetensors or what torch.save wrote"
            ) from error
    for wrapping in ("state_dict", "model"):
        if isinstance(weights, Mapping) and isinstance(weights.get(wrapping), Mapping):
            weights = weights[wrapping]
    if not isinstance(weights, Mapping) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise ValueError(f"{path}: expected names and tensors, got {type(weights).__name__}")
    return {str(key).removeprefix("module."): tensor for key, tensor in weights.items()}
