"""The state of a BalanceMix run as a file, from which it goes on exactly."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rarelabel._tensor_files import read_tensor_file, write_tensor_file
from rarelabel.augmentation._balancemix_record import EpochRecord
from rarelabel.augmentation._balancemix_run import Run
from rarelabel.augmentation._managed_labels import ManagementScores

__all__ = ["begin_state", "check_state", "read_state", "write_state"]

_FORMAT = 2  # of 1 views were other ones
_ANEW = "remove the file, or pass resume=False to begin anew"
_WHAT = "training state"


def check_state(path: str | os.PathLike[str]) -> None:
    """Raise OSError, before any epoch, where no state can be written."""
    place = Path(path).absolute()
    if place.is_dir():
        raise IsADirectoryError(f"cannot write the state {os.fspath(path)}: it is a folder")
    if not place.parent.is_dir():
        raise FileNotFoundError(f"cannot write the state {os.fspath(path)}: there is no folder {place.parent}")


def begin_state(path: str | os.PathLike[str], run: Run, *, resume: bool) -> tuple[EpochRecord, ...]:
    """Bring a run to where the file was written, if there is one to go on from, or else write it; the history so far.

    With a file before the first epoch a run that is stopped in it begins anew from the same weights. A file of another
    run that has no epoch yet is replaced.

    Raises
    ------
    ValueError
        As :func:`read_state`.
    """
    _, is_there = run.team.agree(torch.zeros((), device=run.place), Path(path).exists())  # before the first writes it
    if resume and is_there:
        try:
            history = read_state(path, run)
        except _NothingLost:
            pass
        else:
            run.fit_manager(len(history) - 1)
            return history
    if run.team.rank == 0:
        write_state(path, run, ())
    return ()


def write_state(path: str | os.PathLike[str], run: Run, history: tuple[EpochRecord, ...]) -> None:
    """Write what the next epoch needs; an existing file is replaced only when all is written."""
    tensors: dict[str, Tensor] = {f"model.{name}": tensor for name, tensor in run.model.state_dict().items()}
    for name, value in tensors.items():
        if not isinstance(value, Tensor):
            kind = type(value).__name__
            raise TypeError(f"the module keeps {name.removeprefix('model.')!r} as {kind}, expected tensors in a state")
    optimizer = _packed(run.optimizer.state_dict(), "optimizer", tensors)
    if run.logits is not None:
        tensors["logits"] = run.logits
    header = {
        "kind": _WHAT,
        "format": _FORMAT,
        "identity": _identity(run),
        "optimizer": optimizer,
        "sampler": run.sampler.state_dict(),
        "history": [asdict(record) for record in history],
    }
    write_tensor_file(path, header, tensors)


def read_state(path: str | os.PathLike[str], run: Run) -> tuple[EpochRecord, ...]:
    """Bring a run to where the file was written; the history so far.

    Raises
    ------
    ValueError
        If the file is none, or damaged, or of a run with other settings, labels or weights: the message names the
        first that differs.
    """
    header, tensors = read_tensor_file(path, what=_WHAT)
    path = os.fspath(path)
    if header.get("kind") != _WHAT or header.get("format") != _FORMAT:
        raise ValueError(f"{path} is no {_WHAT} of format {_FORMAT}; {_ANEW}")
    try:
        before, now = header["identity"], _identity(run)
        for name, value in now.items():
            if before.get(name) != value:
                raise _Other(f"{path} is of a run with {name} {before.get(name)!r}, this one has {value!r}")
        weights = {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")}
        _check_weights(path, run, weights)
        history = tuple(_record(plain) for plain in header["history"])
        run.model.load_state_dict(weights)
        run.optimizer.load_state_dict(_unpacked(header["optimizer"], tensors))
        run.sampler.load_state_dict(header["sampler"])
        run.logits = tensors.get("logits")
        if run.logits is not None and run.logits.shape != run.Y.shape:
            raise ValueError(f"logits of shape {tuple(run.logits.shape)}")
        if history and run.logits is None and run.settings.method.needs_confidences:
            raise ValueError("no logits")
        if len(history) > run.settings.epochs:
            raise ValueError(f"{len(history)} epochs of {run.settings.epochs}")
    except _Other as error:
        if not header.get("history"):
            raise _NothingLost from None
        raise ValueError(f"{error}; {_ANEW}") from None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError) as error:
        raise ValueError(f"{path} is damaged: its parts do not fit together ({error}); {_ANEW}") from error
    return history


class _Other(Exception):
    """The state of another run."""


class _NothingLost(ValueError):
    """The state of another run, before its first epoch."""


def _identity(run: Run) -> dict[str, Any]:
    """What must be the same for a run to go on, as JSON gives it back."""
    settings = asdict(run.settings)
    found = {**settings.pop("method"), **settings}
    options = [{k: v for k, v in group.items() if _is_option(v)} for group in run.optimizer.param_groups]
    rates = [{**group, "lr": rate} for group, rate in zip(options, run.rates, strict=True)]
    found["optimizer"] = [type(run.optimizer).__name__, *rates]
    found["labels"] = list(run.label_names)
    found["Y"] = hashlib.sha256(repr(run.Y.shape).encode() + np.packbits(run.Y).tobytes()).hexdigest()[:16]
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def _is_option(value: Any) -> bool:
    """Whether this is a number, a text, or some of them, such as AdamW's betas."""
    return _is_plain(value) or (isinstance(value, list | tuple) and all(map(_is_plain, value)))


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _check_weights(path: str, run: Run, weights: dict[str, Tensor]) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in run.model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name in (*expected, *found):
        if expected.get(name) != found.get(name):
            shapes = found.get(name, "none"), expected.get(name, "none")
            raise _Other(f"{path} has weights {name!r} of shape {shapes[0]}, the module {shapes[1]}")


def _record(plain: dict[str, Any]) -> EpochRecord:
    scores = plain.pop("scores")
    return EpochRecord(**plain, scores=None if scores is None else ManagementScores(**scores))


def _packed(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Nested values as JSON can hold them; tensors go to ``tensors``, and their names stand for them."""
    if isinstance(value, Tensor):
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, dict):
        return {"pairs": [[key, _packed(part, f"{name}.{key}", tensors)] for key, part in value.items()]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_packed(part, f"{name}.{i}", tensors) for i, part in enumerate(value)]}
    if _is_plain(value):
        return value
    raise TypeError(f"the optimizer keeps {name} as {type(value).__name__}, which no training state can hold")


def _unpacked(value: Any, tensors: dict[str, Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    for kind in (list, tuple):
        if kind.__name__ in value:
            return kind(_unpacked(part, tensors) for part in value[kind.__name__])
    return {key: _unpacked(part, tensors) for key, part in value["pairs"]}
