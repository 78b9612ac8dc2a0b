"""What model files of networks over encoded rows add to :mod:`~rarelabel.generative._persistence`."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rarelabel.encoding import Block, TableEncoder
from rarelabel.generative._model import DENOISERS, Denoiser, Recipe, TableModel, build
from rarelabel.generative._persistence import (
    ModelFile,
    NotGiven,
    Parts,
    encoder_parts,
    read_encoder,
    read_network,
    weights_of,
)
from rarelabel.generative._subset_model import Trained

__all__ = [
    "check_shares",
    "read_hashes",
    "read_table_model",
    "read_trained",
    "read_unseen",
    "table_model_parts",
    "trained_parts",
]

_CUSTOM = "custom"


def table_model_parts(encoder: TableEncoder, model: TableModel) -> Parts:
    """Tensors and facts of a model and its encoder, which :func:`read_table_model` reads."""
    tensors, facts = encoder_parts(encoder)
    recipe = asdict(model.recipe)
    if not isinstance(recipe["denoiser"], str):
        recipe["denoiser"] = _CUSTOM
    facts |= {"blocks": [asdict(block) for block in model.blocks], "recipe": recipe}
    return tensors | weights_of(model.denoiser, "denoiser."), facts


def read_table_model(content: ModelFile, denoiser: Denoiser | None = None) -> tuple[TableEncoder, TableModel]:
    """Encoder and model of a file.

    Parameters
    ----------
    content : ModelFile
    denoiser : callable, default=None
        Makes the network where it is the caller's own.
    """
    encoder = read_encoder(content)
    blocks = tuple(Block(**{**block, "sources": tuple(block["sources"])}) for block in content.facts["blocks"])
    if blocks != encoder.blocks_ and blocks != (Block("numeric", 0, encoder.width_, ()),):
        raise ValueError("blocks of the model differ from those of the encoder")
    recipe = dict(content.facts["recipe"])
    if recipe["denoiser"] == _CUSTOM:
        if denoiser is None or isinstance(denoiser, str):
            raise NotGiven("its network is the caller's own: pass denoiser=, the function that makes it, to MLDM.load")
        recipe["denoiser"] = denoiser
    elif recipe["denoiser"] not in DENOISERS:
        raise ValueError(f"unknown denoiser {recipe['denoiser']!r}")
    _check_numbers(recipe)
    chosen = Recipe(**{**recipe, "without": tuple(recipe["without"])})
    network = read_network(lambda: build(blocks, encoder, chosen).denoiser, "denoiser.", content)
    return encoder, TableModel(blocks, (encoder.lower_, encoder.upper_), chosen, network)


def trained_parts(trained: Trained) -> Parts:
    """Tensors and facts of what MLDM learned, which :func:`read_trained` reads."""
    tensors, facts = table_model_parts(trained.encoder, trained.model)
    tensors |= {
        "labels": torch.from_numpy(trained.labels.astype(np.int64)),
        "shares": torch.from_numpy(trained.shares),
        "frequencies": torch.from_numpy(trained.frequencies),
        "seen": torch.from_numpy(trained.seen),
        "hashes": torch.from_numpy(trained.hashes.view(np.int64)),
        "label_sets": torch.from_numpy(trained.label_sets),
        "set_counts": torch.from_numpy(trained.set_counts.astype(np.int64)),
    }
    return tensors, facts


def read_trained(content: ModelFile, denoiser: Denoiser | None = None) -> Trained:
    """What MLDM learned; ``denoiser`` makes the network where it is the caller's own."""
    tensors, n_labels = content.tensors, content.container.schema.n_labels
    encoder, model = read_table_model(content, denoiser)
    labels, shares = tensors["labels"].numpy().astype(np.intp), tensors["shares"].numpy().astype(np.float64)
    check_shares(labels, shares, n_labels)
    seen, frequencies = tensors["seen"].numpy().astype(bool), tensors["frequencies"].numpy().astype(np.float64)
    if seen.shape != (n_labels,) or frequencies.shape != seen.shape:
        raise ValueError("seen labels and frequencies")
    label_sets, set_counts = tensors["label_sets"].numpy().astype(bool), tensors["set_counts"].numpy().astype(np.intp)
    if label_sets.shape != (len(set_counts), n_labels) or not (set_counts > 0).all():
        raise ValueError("label sets and how many rows have each")
    hashes = read_hashes(content)
    return Trained(encoder, model, labels, shares, frequencies, seen, hashes, label_sets, set_counts)


def read_hashes(content: ModelFile) -> NDArray[np.uint64]:
    """Hashes of the training rows, by which copies are known."""
    return np.ascontiguousarray(content.tensors["hashes"].numpy().astype(np.int64)).view(np.uint64)


def read_unseen(content: ModelFile, encoder: TableEncoder) -> NDArray[np.intp]:
    """Encoded columns of categories that no training row has; ValueError where they are no columns."""
    unseen = content.tensors["unseen"].numpy().astype(np.intp)
    if unseen.ndim != 1 or (len(unseen) and not 0 <= unseen.min() <= unseen.max() < encoder.width_):
        raise ValueError("states that no row has")
    return unseen


def check_shares(labels: NDArray[np.intp], shares: NDArray[np.float64], n_labels: int) -> None:
    """Raise ValueError unless these are some of the labels, with shares that sum to 1."""
    fits = labels.ndim == 1 and labels.shape == shares.shape and len(labels) > 0
    if not fits or labels.min() < 0 or labels.max() >= n_labels or not (shares >= 0).all():
        raise ValueError("labels and their shares")
    if not math.isclose(float(shares.sum()), 1.0, rel_tol=1e-6):
        raise ValueError(f"shares sum to {shares.sum()}")


def _check_numbers(recipe: dict[str, Any]) -> None:
    for name in ("T", "sampling_steps", "steps", "batch_size", "record_every"):
        if not isinstance(recipe[name], int) or not 1 <= recipe[name] <= 10**9:
            raise ValueError(f"{name} is {recipe[name]!r}")
    if recipe["T"] > 10**5:
        raise ValueError(f"T is {recipe['T']!r}")
    if not 0 <= recipe["known_share"] <= 1:
        raise ValueError(f"known_share is {recipe['known_share']!r}")
