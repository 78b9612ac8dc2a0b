"""Trained models as files: tensors in safetensors, everything else as JSON in its header. Nothing in them can run."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rarelabel._device import forked_rng
from rarelabel.datasets import atomic_path
from rarelabel.encoding import Block, TableEncoder, idle_numbers
from rarelabel.generative._model import DENOISERS, Denoiser, Recipe, build
from rarelabel.generative._subset_model import Trained
from rarelabel.schema import Column, Schema

__all__ = ["ModelFile", "is_plain", "read_model", "write_model"]

FORMAT_VERSION = 3
_KEY = "rarelabel"
_CUSTOM = "custom"


@dataclass(frozen=True, eq=False)
class ModelFile:
    """What a model file holds.

    Parameters
    ----------
    method : str
        Name of the class that wrote it.
    trained : Trained
    schema : Schema
    parameters : dict
        Of the sampler, those that JSON can hold.
    facts : dict
        Other fitted attributes: numbers, texts and lists of these.
    """

    method: str
    trained: Trained
    schema: Schema
    parameters: dict[str, Any]
    facts: dict[str, Any]


def write_model(path: str | os.PathLike[str], content: ModelFile) -> None:
    """Write a model file; an existing one is replaced only when all is written."""
    from safetensors.torch import save_file

    trained, recipe = content.trained, asdict(content.trained.model.recipe)
    if not isinstance(recipe["denoiser"], str):
        recipe["denoiser"] = _CUSTOM
    arrays, encoder = trained.encoder.to_state()
    tensors = {f"encoder.{name}": torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    for name, tensor in trained.model.denoiser.state_dict().items():
        tensors[f"denoiser.{name}"] = tensor.detach().cpu().contiguous().clone()
    tensors["labels"] = torch.from_numpy(trained.labels.astype(np.int64))
    tensors["shares"] = torch.from_numpy(trained.shares)
    tensors["frequencies"] = torch.from_numpy(trained.frequencies)
    tensors["seen"] = torch.from_numpy(trained.seen)
    tensors["hashes"] = torch.from_numpy(trained.hashes.view(np.int64))
    tensors["label_sets"] = torch.from_numpy(trained.label_sets)
    tensors["set_counts"] = torch.from_numpy(trained.set_counts.astype(np.int64))
    header = {
        "format": FORMAT_VERSION,
        "method": content.method,
        "schema": asdict(content.schema),
        "encoder": encoder,
        "blocks": [asdict(block) for block in trained.model.blocks],
        "recipe": recipe,
        "parameters": content.parameters,
        "facts": content.facts,
    }
    with atomic_path(path) as unfinished:
        mode = unfinished.stat().st_mode
        save_file(tensors, unfinished, {_KEY: json.dumps(header, default=_plain)})
        unfinished.chmod(mode)  # safetensors leaves a file that nobody else may read


def read_model(path: str | os.PathLike[str], method: str, *, denoiser: Denoiser | None = None) -> ModelFile:
    """Read a model file.

    Parameters
    ----------
    path : path-like
    method : str
        The class that must have written it.
    denoiser : callable, default=None
        Makes the network where it is the caller's own.

    Returns
    -------
    ModelFile

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is none, is cut short, was written by another version or method, or its parts do not fit together.
    """
    path = os.fspath(path)
    header, tensors = _open(path)
    if header.get("format") != FORMAT_VERSION:
        version = header.get("format")
        raise ValueError(f"{path} is a model file of format {version!r}; this version reads format {FORMAT_VERSION}")
    if header.get("method") != method:
        raise ValueError(f"{path} holds a model of {header.get('method')!r}, not of {method!r}")
    try:
        return _content(header, tensors, method, denoiser)
    except _Foreign as error:
        raise ValueError(f"{path} cannot be loaded: {error}") from None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError) as error:
        raise ValueError(f"{path} is damaged: its parts do not fit together ({error})") from error


class _Foreign(Exception):
    """A file that is whole but needs something that was not given."""


def _open(path: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Header and tensors of a safetensors file."""
    from safetensors import SafetensorError, safe_open

    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no file {path}")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            if _KEY not in metadata:
                raise ValueError(f"{path} is no model file of rarelabel")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the file is no dict
    except SafetensorError as error:
        raise ValueError(f"{path} is no model file, or is cut short ({error})") from error
    try:
        header = json.loads(metadata[_KEY])
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: its header is no JSON") from error
    if not isinstance(header, dict):
        raise ValueError(f"{path} is damaged: its header is no JSON object")
    return header, tensors


def _content(
    header: dict[str, Any], tensors: dict[str, torch.Tensor], method: str, denoiser: Denoiser | None
) -> ModelFile:
    schema = _schema(header["schema"])
    arrays = _part(tensors, "encoder.")
    encoder = TableEncoder.from_state({name: tensor.numpy() for name, tensor in arrays.items()}, header["encoder"])
    _check_encoder(encoder, schema)
    blocks = tuple(Block(**{**block, "sources": tuple(block["sources"])}) for block in header["blocks"])
    if blocks != encoder.blocks_ and blocks != (Block("numeric", 0, encoder.width_, ()),):
        raise ValueError("blocks of the model differ from those of the encoder")
    recipe = dict(header["recipe"])
    if recipe["denoiser"] == _CUSTOM:
        if denoiser is None or isinstance(denoiser, str):
            raise _Foreign("its network is the caller's own: pass denoiser=, the function that makes it")
        recipe["denoiser"] = denoiser
    elif recipe["denoiser"] not in DENOISERS:
        raise ValueError(f"unknown denoiser {recipe['denoiser']!r}")
    _check_numbers(recipe)
    weights = _part(tensors, "denoiser.")
    with torch.device("meta"):  # takes no memory, whatever width the header asks for
        model = build(blocks, encoder, Recipe(**recipe))
    expected = {name: tuple(tensor.shape) for name, tensor in model.denoiser.state_dict().items()}
    if expected != {name: tuple(tensor.shape) for name, tensor in weights.items()}:
        raise ValueError("the weights are not those of the network that the header describes")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in weights.values()):
        raise ValueError("a weight is not finite")
    with forked_rng(torch.Generator().manual_seed(0)):
        model = build(blocks, encoder, Recipe(**recipe))
    model.denoiser.load_state_dict(weights)
    model.denoiser.eval()
    labels, shares = tensors["labels"].numpy().astype(np.intp), tensors["shares"].numpy().astype(np.float64)
    _check_labels(labels, shares, schema.n_labels)
    seen, frequencies = tensors["seen"].numpy().astype(bool), tensors["frequencies"].numpy().astype(np.float64)
    if seen.shape != (schema.n_labels,) or frequencies.shape != seen.shape:
        raise ValueError("seen labels and frequencies")
    hashes = np.ascontiguousarray(tensors["hashes"].numpy().astype(np.int64)).view(np.uint64)
    label_sets, set_counts = tensors["label_sets"].numpy().astype(bool), tensors["set_counts"].numpy().astype(np.intp)
    if label_sets.shape != (len(set_counts), schema.n_labels) or not (set_counts > 0).all():
        raise ValueError("label sets and how many rows have each")
    trained = Trained(encoder, model, labels, shares, frequencies, seen, hashes, label_sets, set_counts)
    return ModelFile(method, trained, schema, dict(header["parameters"]), dict(header["facts"]))


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _schema(plain: dict[str, Any]) -> Schema:
    def columns(given: list[dict[str, Any]]) -> tuple[Column, ...]:
        return tuple(Column(**{**column, "categories": tuple(column["categories"])}) for column in given)

    return Schema(columns(plain["features"]), columns(plain["labels"]), bool(plain["exclusive"]))


def _check_encoder(encoder: TableEncoder, schema: Schema) -> None:
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
    labelled = bool(blocks) and blocks[-1].kind == ("classes" if schema.exclusive else "labels")
    if not labelled or blocks[-1].width != schema.n_labels or at != encoder.width_:
        raise ValueError("the blocks are not those of the columns")
    idle_numbers(blocks)  # KeyError where a state stands beside no number
    back, _ = encoder.inverse_transform(np.zeros((1, encoder.width_)))
    if back.shape != (1, schema.n_features):
        raise ValueError("the encoder is of other columns")


def _check_numbers(recipe: dict[str, Any]) -> None:
    for name in ("T", "sampling_steps", "steps", "batch_size", "record_every"):
        if not isinstance(recipe[name], int) or not 1 <= recipe[name] <= 10**9:
            raise ValueError(f"{name} is {recipe[name]!r}")
    if recipe["T"] > 10**5:
        raise ValueError(f"T is {recipe['T']!r}")
    if not 0 <= recipe["known_share"] <= 1:
        raise ValueError(f"known_share is {recipe['known_share']!r}")


def _check_labels(labels: NDArray[np.intp], shares: NDArray[np.float64], n_labels: int) -> None:
    fits = labels.ndim == 1 and labels.shape == shares.shape and len(labels) > 0
    if not fits or labels.min() < 0 or labels.max() >= n_labels or not (shares >= 0).all():
        raise ValueError("labels and their shares")
    if not math.isclose(float(shares.sum()), 1.0, rel_tol=1e-6):
        raise ValueError(f"shares sum to {shares.sum()}")


def is_plain(value: Any) -> bool:
    """Whether JSON gives a value back as it is."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(part) for key, part in value.items())
    if isinstance(value, list):
        return all(map(is_plain, value))
    return value is None or isinstance(value, str | int | float | np.integer)


def _plain(value: Any) -> Any:
    """NumPy's numbers, and what else a category may be, as JSON."""
    if isinstance(value, np.generic):
        return value.item()
    return str(value)
