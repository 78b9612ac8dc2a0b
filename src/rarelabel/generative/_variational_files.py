"""What a trained variational autoencoder adds to a model file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from rarelabel._device import choose_device
from rarelabel.generative._diffusion_files import read_hashes, read_unseen
from rarelabel.generative._persistence import (
    ModelFile,
    Parts,
    encoder_parts,
    read_encoder,
    read_network,
    weights_of,
)
from rarelabel.generative._variational import Autoencoder, TrainedAutoencoder, VariationalRecipe

__all__ = ["autoencoder_parts", "read_autoencoder"]


def autoencoder_parts(trained: TrainedAutoencoder) -> Parts:
    """Tensors and facts of a trained autoencoder, which :func:`read_autoencoder` reads."""
    tensors, of_encoder = encoder_parts(trained.encoder)
    arrays = {
        "labels": trained.labels.astype(np.int64),
        "label_sets": trained.label_sets,
        "set_counts": trained.set_counts.astype(np.int64),
        "hashes": trained.hashes.view(np.int64),
        "unseen": trained.unseen.astype(np.int64),
    }
    tensors |= weights_of(trained.network, "network.")
    tensors |= {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    return tensors, {**of_encoder, "recipe": asdict(trained.recipe)}


def read_autoencoder(content: ModelFile, device: str) -> TrainedAutoencoder:
    """The autoencoder of a model file, on a device.

    Raises
    ------
    ValueError
        If the parts do not fit together.
    """
    q, tensors = content.container.schema.n_labels, content.tensors
    encoder = read_encoder(content, labelled=False)
    recipe = VariationalRecipe(**content.facts["recipe"])
    for name in ("latent_size", "width"):
        if not isinstance(getattr(recipe, name), int) or not 1 <= getattr(recipe, name) <= 10**6:
            raise ValueError(f"{name} is {getattr(recipe, name)!r}")
    network: Any = read_network(lambda: Autoencoder(encoder.width_, q, recipe), "network.", content)
    labels, counts = (tensors[name].numpy().astype(np.intp) for name in ("labels", "set_counts"))
    label_sets = tensors["label_sets"].numpy().astype(bool)
    if label_sets.shape != (len(counts), q) or not len(counts) or not 1 <= counts.min() <= counts.max() <= 10**9:
        raise ValueError("label sets and how many rows have each")
    if labels.ndim != 1 or not len(labels) or not 0 <= labels.min() <= labels.max() < q:
        raise ValueError("labels that rows are drawn for")
    hashes, unseen = read_hashes(content), read_unseen(content, encoder)
    place = choose_device(device)
    return TrainedAutoencoder(encoder, network.to(place), recipe, labels, label_sets, counts, hashes, unseen)
