"""What a trained latent space adds to a model file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from rarelabel._device import choose_device
from rarelabel.generative._diffusion_files import read_unseen
from rarelabel.generative._latent_drawing import TrainedSpace
from rarelabel.generative._latent_model import LatentRecipe, LatentSpace
from rarelabel.generative._persistence import (
    ModelFile,
    Parts,
    encoder_parts,
    read_encoder,
    read_network,
    weights_of,
)

__all__ = ["latent_parts", "read_latent"]


def latent_parts(trained: TrainedSpace) -> Parts:
    """Tensors and facts of a trained latent space, which :func:`read_latent` reads."""
    tensors, of_encoder = encoder_parts(trained.encoder)
    arrays = {
        "rows": trained.rows.astype(np.int64),
        "codes": trained.codes,
        "seeds": trained.seeds,
        "label_sets": trained.label_sets,
        "thresholds": trained.thresholds,
        "hashes": trained.hashes.view(np.int64),
        "unseen": trained.unseen.astype(np.int64),
    }
    tensors |= weights_of(trained.space, "space.")
    tensors |= {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    return tensors, {**of_encoder, "recipe": asdict(trained.recipe)}


def read_latent(content: ModelFile, device: str) -> TrainedSpace:
    """The latent space of a model file, on a device.

    Raises
    ------
    ValueError
        If the parts do not fit together.
    """
    schema = content.container.schema
    encoder = read_encoder(content, labelled=False)
    recipe = LatentRecipe(**content.facts["recipe"])
    for name in ("latent_size", "width", "label_width"):
        if not isinstance(getattr(recipe, name), int) or not 1 <= getattr(recipe, name) <= 10**6:
            raise ValueError(f"{name} is {getattr(recipe, name)!r}")
    space: Any = read_network(lambda: LatentSpace(encoder.width_, schema.n_labels, recipe), "space.", content)
    tensors = content.tensors
    rows = tensors["rows"].numpy().astype(np.intp)
    codes = tensors["codes"].numpy().astype(np.float32)
    seeds, label_sets = (tensors[name].numpy().astype(bool) for name in ("seeds", "label_sets"))
    thresholds = tensors["thresholds"].numpy().astype(np.float64)
    hashes = np.ascontiguousarray(tensors["hashes"].numpy().astype(np.int64)).view(np.uint64)
    if codes.shape != (len(rows), recipe.latent_size) or not np.isfinite(codes).all():
        raise ValueError("codes of the seeds")
    if (
        not len(rows)
        or not seeds.shape == label_sets.shape == (len(rows), schema.n_labels)
        or (seeds & ~label_sets).any()
    ):
        raise ValueError("seeds and their labels")
    if thresholds.shape != (schema.n_labels,) or not np.isfinite(thresholds).all():
        raise ValueError("thresholds of labels")
    return TrainedSpace(
        encoder, space.to(choose_device(device)), recipe, rows, codes, seeds, label_sets, thresholds, hashes,
        read_unseen(content, encoder), schema.exclusive,
    )  # fmt: skip
