"""A trained network with what is needed to use it: names of the labels, size of the images, a file for all of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

try:
    import torch
except ImportError as error:
    raise ImportError("models of images need PyTorch: pip install 'rarelabel[torch]'") from error

from rarelabel import nn
from rarelabel._device import choose_device
from rarelabel._tensor_files import read_tensor_file, write_tensor_file
from rarelabel.datasets import decode_image

__all__ = ["ImageModel", "load_image_model"]

_KIND = "image model"
_FORMAT = 1


@final
@dataclass(frozen=True, eq=False)
class ImageModel:
    """A network that says which labels an image has, as ``rarelabel train-images`` writes it.

    Parameters
    ----------
    module : torch.nn.Module
        From pixels in [0, 255], shape (b, 3, size, size), to logits.
    network : {"small", "resnet18", "resnet50"}
        What :func:`rarelabel.nn.make_resnet` calls it.
    head : {"linear", "query"}
    label_names : tuple of str, shape (K,)
    size : int
        Side of its images.
    about : mapping, default={}
        Anything else worth keeping, such as how it was trained, as JSON can hold it.
    """

    module: nn.ResNet = field(repr=False)
    network: str
    head: nn.Head
    label_names: tuple[str, ...]
    size: int
    about: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def predict_proba(
        self, images: Any, *, batch_size: int = 64, device: str | torch.device = "auto"
    ) -> NDArray[np.float64]:
        """Probability of each label of each image.

        Parameters
        ----------
        images : LabelledImages, or sequence of paths or of pixels
            What :func:`rarelabel.datasets.read_images` gave with this model's ``size``; image files; or arrays of
            uint8 of shape (3, size, size).
        batch_size : int, default=64
        device : str or torch.device, default="auto"

        Returns
        -------
        ndarray of float in [0, 1], shape (m, K)

        Raises
        ------
        ValueError
            If an image cannot be read or has another size, ``images`` is no sequence, ``batch_size`` below 1, or a
            logit not finite.
        """
        if isinstance(images, str | os.PathLike):
            raise ValueError(f"images is the one path {os.fspath(images)!r}, expected a sequence: [path]")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size!r}")
        place = choose_device(device)
        self.module.to(place).eval()
        found = [np.zeros((0, len(self.label_names)))]
        for start in range(0, len(images), batch_size):
            rows = range(start, min(start + batch_size, len(images)))
            x = torch.from_numpy(np.stack([self._pixels(images[row]) for row in rows])).to(place)
            with torch.no_grad():
                found.append(self.module(x).double().sigmoid().cpu().numpy())
        probabilities: NDArray[np.float64] = np.concatenate(found)
        bad = np.flatnonzero(~np.isfinite(probabilities).all(axis=1))
        if len(bad):
            raise ValueError(
                f"logits of {len(bad):,} of {len(images):,} images are not finite, the first is image {bad[0]}: "
                "the model's weights are not finite, or too large"
            )
        return probabilities

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file of safetensors for :func:`load_image_model`, whole or not at all."""
        header = {
            "kind": _KIND,
            "format": _FORMAT,
            "network": self.network,
            "head": self.head,
            "label_names": list(self.label_names),
            "size": self.size,
            "about": dict(self.about),
        }
        write_tensor_file(path, header, self.module.state_dict())

    def _pixels(self, image: Any) -> NDArray[np.uint8]:
        if isinstance(image, str | os.PathLike):
            try:
                picture = decode_image(Path(image).read_bytes(), self.size)
            except FileNotFoundError:
                raise ValueError(f"there is no image {os.fspath(image)!r}") from None
            except Exception as error:  # whatever a damaged image brings up in Pillow
                raise ValueError(f"the image {os.fspath(image)!r} cannot be read: {error}") from error
            return np.asarray(picture).transpose(2, 0, 1)
        pixels = np.asarray(image[0] if isinstance(image, tuple | list) else image)
        if pixels.shape != (3, self.size, self.size) or pixels.dtype != np.uint8:
            raise ValueError(
                f"expected uint8 of shape {(3, self.size, self.size)}, got {pixels.dtype} of shape {pixels.shape}; "
                f"read_images(..., size={self.size}) gives it"
            )
        return pixels


def load_image_model(path: str | os.PathLike[str]) -> ImageModel:
    """Read a model that :meth:`ImageModel.save` or ``rarelabel train-images`` wrote; nothing in the file can run.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no model of images, or damaged.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from rarelabel.augmentation import ImageModel, load_image_model
    >>> from rarelabel.nn import resnet_small
    >>> model = ImageModel(resnet_small(2, random_state=0), "small", "linear", ("car", "tree"), size=32)
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.safetensors")
    ...     loaded = load_image_model(f"{folder}/model.safetensors")
    >>> bool((loaded.predict_proba(images) == model.predict_proba(images)).all()), loaded.label_names
    (True, ('car', 'tree'))
    """
    header, tensors = read_tensor_file(path, what=_KIND)
    if header.get("kind") != _KIND or header.get("format") != _FORMAT:
        raise ValueError(f"{os.fspath(path)} is no {_KIND} of format {_FORMAT}")
    try:
        names, size, about = _checked(header)
        module = nn.make_resnet(header["network"], len(names), head=header["head"], random_state=0)
        module.load_state_dict(tensors)
        model = ImageModel(module, header["network"], header["head"], names, size, about)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ValueError(f"{os.fspath(path)} is damaged: its parts do not fit together ({reason})") from error
    module.eval()
    return model


def _checked(header: Mapping[str, Any]) -> tuple[tuple[str, ...], int, dict[str, Any]]:
    """Names of the labels, side of the images, and what else a header tells; ValueError names what is no such thing."""
    names, size, about = header["label_names"], header["size"], header["about"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len({*names}) < len(names):
        raise ValueError(f"label_names is {names!r:.80}, expected different texts")
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise ValueError(f"size is {size!r:.80}, expected a whole number of at least 1")
    if not isinstance(about, dict):
        raise ValueError(f"about is {about!r:.80}, expected names and values")
    return tuple(names), size, about
