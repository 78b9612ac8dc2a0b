"""Files of tensors and JSON: safetensors with a header of ours. Nothing in them can run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

try:
    import torch  # noqa: F401
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save_file
except ImportError as error:
    raise ImportError("model files need PyTorch and safetensors: pip install 'rarelabel[torch]'") from error

from torch import Tensor

from rarelabel.datasets import atomic_path

__all__ = ["read_tensor_file", "write_tensor_file"]

_KEY = "rarelabel"


def write_tensor_file(path: str | os.PathLike[str], header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write a file; an existing one is replaced only when all is written.

    Parameters
    ----------
    path : path-like
    header : dict
        Values that JSON can hold, or NumPy's numbers; anything else is written as its string.
    tensors : dict of str to Tensor
        They may share memory.
    """
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with atomic_path(path) as unfinished:
        mode = unfinished.stat().st_mode
        save_file(tensors, unfinished, {_KEY: json.dumps(header, default=_plain)})
        unfinished.chmod(mode)  # safetensors leaves a file that nobody else may read


def read_tensor_file(
    path: str | os.PathLike[str], *, what: str = "model file", with_tensors: bool = True
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read header and tensors.

    Parameters
    ----------
    path : path-like
    what : str, default="model file"
        What errors call it.
    with_tensors : bool, default=True
        False reads the header alone.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is none of ours, or is cut short.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no file {path}")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            if _KEY not in metadata:
                raise ValueError(f"{path} is no {what} of rarelabel")
            tensors = {name: file.get_tensor(name) for name in (file.keys() if with_tensors else ())}
    except SafetensorError as error:
        raise ValueError(f"{path} is no {what}, or is cut short ({error})") from error
    try:
        header = json.loads(metadata[_KEY])
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: its header is no JSON") from error
    if not isinstance(header, dict):
        raise ValueError(f"{path} is damaged: its header is no JSON object")
    return header, tensors


def _plain(value: Any) -> Any:
    """NumPy's numbers, and what else a category may be, as JSON."""
    if isinstance(value, np.generic):
        return value.item()
    return str(value)
