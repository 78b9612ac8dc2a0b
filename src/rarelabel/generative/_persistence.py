"""Trained models as files: tensors in safetensors, everything else as JSON in its header. Nothing in them can run.

What every method's file has is here; what a method adds are tensors and facts of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from rarelabel._device import forked_rng
from rarelabel._tensor_files import read_tensor_file, write_tensor_file
from rarelabel._validation import Container
from rarelabel.base import BaseSampler
from rarelabel.encoding import TableEncoder, idle_numbers
from rarelabel.schema import Column, Schema

__all__ = [
    "ModelFile",
    "NotGiven",
    "Parts",
    "content_of",
    "encoder_parts",
    "fitting_parts",
    "method_of",
    "read_encoder",
    "read_model",
    "read_network",
    "restore_sampler",
    "tensors_under",
    "weights_of",
    "write_model",
]

FORMAT_VERSION = 4
_NOT_KEPT = ("progress", "cancel", "device")
"""Parameters that belong to the computer or the caller."""

Parts = tuple[dict[str, Tensor], dict[str, Any]]
"""What a method adds to its files: tensors, and facts that JSON can hold."""

Sampler = TypeVar("Sampler", bound=BaseSampler)


@dataclass(frozen=True, eq=False)
class ModelFile:
    """What a model file holds.

    Parameters
    ----------
    method : str
        Name of the class that wrote it.
    container : Container
        Columns and labels of the training table, and the containers it came in.
    parameters : dict
        Of the sampler, those that JSON can hold.
    facts : dict
        Whatever else is known, as values that JSON can hold.
    tensors : dict of str to Tensor
    """

    method: str
    container: Container
    parameters: dict[str, Any]
    facts: dict[str, Any]
    tensors: dict[str, Tensor]


class NotGiven(Exception):
    """A file that is whole but needs something that was not given."""


def content_of(
    sampler: BaseSampler, container: Container, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]
) -> ModelFile:
    """What the file of a trained sampler holds.

    Parameters
    ----------
    sampler : BaseSampler
        With the attributes ``sampling_strategy_``, ``stopped_`` and ``loss_history_``.
    container : Container
        Of the table that it was trained on.
    tensors, facts : dict
        What the method adds. Keys are its own, but for ``loss_history``, ``stopped`` and ``sampling_strategy``.
    """
    given: Any = sampler
    parameters = {name: value for name, value in given.get_params(deep=False).items() if name not in _NOT_KEPT}
    return ModelFile(
        type(sampler).__name__,
        container,
        {name: value for name, value in parameters.items() if _is_plain(value)},
        {**facts, "stopped": given.stopped_, "sampling_strategy": given.sampling_strategy_},
        {**tensors, "loss_history": torch.from_numpy(np.asarray(given.loss_history_, dtype=np.float64))},
    )


def restore_sampler(cls: type[Sampler], content: ModelFile, **parameters: Any) -> Sampler:
    """A sampler with its parameters, some of them replaced, and the attributes that all trained samplers have."""
    given: Any = cls(**{**content.parameters, **parameters})
    given.stopped_, given.sampling_strategy_ = content.facts["stopped"], content.facts["sampling_strategy"]
    given.loss_history_ = content.tensors["loss_history"].numpy().astype(np.float64)
    if given.loss_history_.ndim != 2:
        raise ValueError("loss history")
    given.n_features_in_ = content.container.schema.n_features
    if content.container.table.named:
        given.feature_names_in_ = np.array(content.container.schema.feature_names, dtype=object)
    restored: Sampler = given
    return restored


def write_model(path: str | os.PathLike[str], content: ModelFile) -> None:
    """Write a model file; an existing one is replaced only when all is written."""
    header = {
        "format": FORMAT_VERSION,
        "method": content.method,
        "schema": asdict(content.container.schema),
        "container": content.container.to_plain(),
        "parameters": content.parameters,
        "facts": content.facts,
    }
    write_tensor_file(path, header, content.tensors)


def read_model(path: str | os.PathLike[str], method: str) -> ModelFile:
    """Read a model file.

    Parameters
    ----------
    path : path-like
    method : str
        The class that must have written it.

    Returns
    -------
    ModelFile

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is none, is cut short, was written by another version or method, or lacks a part.
    """
    header, tensors = _open(path, with_tensors=True)
    if header["method"] != method:
        raise ValueError(f"{os.fspath(path)} holds a model of {header['method']!r}, not of {method!r}")
    with fitting_parts(path):
        container = Container.from_plain(_schema(header["schema"]), header["container"])
        return ModelFile(method, container, dict(header["parameters"]), dict(header["facts"]), tensors)


def method_of(path: str | os.PathLike[str]) -> str:
    """Name of the class that wrote a model file. Raises as :func:`read_model` does."""
    return str(_open(path, with_tensors=False)[0]["method"])


@contextmanager
def fitting_parts(path: str | os.PathLike[str]) -> Iterator[None]:
    """Say of errors inside, which come from parts that do not fit together, that the file is damaged."""
    try:
        yield
    except NotGiven as error:
        raise ValueError(f"{os.fspath(path)} cannot be loaded: {error}") from None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError) as error:
        raise ValueError(f"{os.fspath(path)} is damaged: its parts do not fit together ({error})") from error


def encoder_parts(encoder: TableEncoder) -> Parts:
    """Tensors and facts of an encoder, which :func:`read_encoder` reads."""
    arrays, config = encoder.to_state()
    tensors = {f"encoder.{name}": torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    return tensors, {"encoder": config}


def read_encoder(content: ModelFile, *, labelled: bool = True) -> TableEncoder:
    """The encoder of a file; ValueError where it is not one of its columns and, if ``labelled``, its labels."""
    arrays = {name: tensor.numpy() for name, tensor in tensors_under("encoder.", content.tensors).items()}
    encoder = TableEncoder.from_state(arrays, content.facts["encoder"])
    _check_encoder(encoder, content.container.schema, labelled)
    return encoder


def weights_of(network: nn.Module, prefix: str) -> dict[str, Tensor]:
    """Tensors of a network, which :func:`read_network` reads."""
    return {f"{prefix}{name}": tensor for name, tensor in network.state_dict().items()}


def read_network(build: Callable[[], nn.Module], prefix: str, content: ModelFile) -> nn.Module:
    """A network with the weights of a file, in eval mode.

    Parameters
    ----------
    build : callable
        Makes the network. Called twice; the first time tensors take no memory, whatever size the file asks for.
    prefix : str
        Of the names of its tensors.
    content : ModelFile

    Raises
    ------
    ValueError
        If the weights have other names or shapes than those of the network, or are not finite.
    """
    weights = tensors_under(prefix, content.tensors)
    with torch.device("meta"):
        expected = {name: tuple(tensor.shape) for name, tensor in build().state_dict().items()}
    if expected != {name: tuple(tensor.shape) for name, tensor in weights.items()}:
        raise ValueError("the weights are not those of the network that the header describes")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in weights.values()):
        raise ValueError("a weight is not finite")
    with forked_rng(torch.Generator().manual_seed(0)):
        network = build()
    network.load_state_dict(weights)
    return network.eval()


def tensors_under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those whose names begin so, by the rest of the name."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _open(path: str | os.PathLike[str], *, with_tensors: bool) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Header, of the right version, and tensors of a safetensors file."""
    header, tensors = read_tensor_file(path, with_tensors=with_tensors)
    version, path = header.get("format"), os.fspath(path)
    if version != FORMAT_VERSION:
        raise ValueError(f"{path} is a model file of format {version!r}; this version reads format {FORMAT_VERSION}")
    if not isinstance(header.get("method"), str):
        raise ValueError(f"{path} is damaged: it does not say what method wrote it")
    return header, tensors


def _schema(plain: dict[str, Any]) -> Schema:
    def columns(given: list[dict[str, Any]]) -> tuple[Column, ...]:
        return tuple(Column(**{**column, "categories": tuple(column["categories"])}) for column in given)

    exclusive, class_name = bool(plain["exclusive"]), plain.get("class_name")  # files of before name no class column
    return Schema(columns(plain["features"]), columns(plain["labels"]), exclusive, class_name)


def _check_encoder(encoder: TableEncoder, schema: Schema, labelled: bool) -> None:
    """Raise ValueError where the blocks do not cover the columns, each once and in order."""
    blocks, at = encoder.blocks_, 0
    for block in blocks:
        limit = schema.n_labels if block.kind in ("labels", "classes") else schema.n_features
        width = block.width if block.kind == "category" else len(block.sources)
        if (
            block.start != at
            or block.width < 1
            or width != block.width
            or not all(0 <= j < limit for j in block.sources)
        ):
            raise ValueError(f"block {block}")
        if block.kind == "category" and block.width != schema.features[block.sources[0]].n_categories:
            raise ValueError(f"block {block} has another number of categories")
        at = block.stop
    expected = [("classes" if schema.exclusive else "labels", schema.n_labels)] if labelled else []
    found = [(block.kind, block.width) for block in blocks if block.kind in ("labels", "classes")]
    if found != expected or (labelled and blocks[-1].kind != found[0][0]) or at != encoder.width_:
        raise ValueError("the blocks are not those of the columns")
    idle_numbers(blocks)  # KeyError where a state stands beside no number
    back, _ = encoder.inverse_transform(np.zeros((1, encoder.width_)))
    if back.shape != (1, schema.n_features):
        raise ValueError("the encoder is of other columns")


def _is_plain(value: Any) -> bool:
    """Whether JSON gives a value back as it is."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(part) for key, part in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float | np.integer)
