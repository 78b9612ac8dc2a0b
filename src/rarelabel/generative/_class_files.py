"""What model files of class models add to :mod:`~rarelabel.generative._persistence`."""

from __future__ import annotations

import numpy as np
import torch

from rarelabel.generative._class_model import TOO_FEW, ClassModel
from rarelabel.generative._diffusion_files import (
    check_shares,
    read_hashes,
    read_table_model,
    read_unseen,
    table_model_parts,
)
from rarelabel.generative._model import Denoiser, TableModel
from rarelabel.generative._persistence import ModelFile, Parts, tensors_under

__all__ = ["class_parts", "read_classes"]


def class_parts(trained: ClassModel, model: TableModel) -> Parts:
    """Tensors and facts of a model of classes, with its network, which :func:`read_classes` reads."""
    tensors, facts = table_model_parts(trained.encoder, model)
    tensors |= {f"few.{label}": torch.from_numpy(rows) for label, rows in trained.few.items()} | {
        "labels": torch.from_numpy(trained.labels.astype(np.int64)),
        "shares": torch.from_numpy(trained.shares),
        "seen": torch.from_numpy(trained.seen),
        "hashes": torch.from_numpy(trained.hashes.view(np.int64)),
        "unseen": torch.from_numpy(trained.unseen.astype(np.int64)),
    }
    return tensors, facts


def read_classes(content: ModelFile, network: Denoiser | None = None) -> ClassModel:
    """A model of classes; ``network`` makes the network from the width of the table, where its name does not say.

    Raises
    ------
    ValueError
        If the parts do not fit together.
    """
    tensors, schema = content.tensors, content.container.schema
    encoder, model = read_table_model(content, network)
    labels, shares = tensors["labels"].numpy().astype(np.intp), tensors["shares"].numpy().astype(np.float64)
    check_shares(labels, shares, schema.n_labels)
    seen, unseen = tensors["seen"].numpy().astype(bool), read_unseen(content, encoder)
    if seen.shape != (schema.n_labels,) or not seen[labels].all():
        raise ValueError("classes that rows have")
    few = {int(label): rows.numpy().astype(np.float32) for label, rows in tensors_under("few.", tensors).items()}
    for label, rows in few.items():
        if (
            not (0 <= label < len(seen) and seen[label])
            or not 1 <= len(rows) < TOO_FEW
            or rows.shape != (len(rows), encoder.width_)
            or not np.isfinite(rows).all()
        ):
            raise ValueError("rows of small classes")
    return ClassModel(encoder, model, labels, shares, seen, read_hashes(content), unseen, few)
