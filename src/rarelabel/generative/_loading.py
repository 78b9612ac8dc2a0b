"""Model files of whatever method."""

from __future__ import annotations

from os import PathLike, fspath
from typing import Any

from rarelabel.generative._aemlo import AEMLO
from rarelabel.generative._cvae import CVAE
from rarelabel.generative._cwgan_gp import CWGANGP
from rarelabel.generative._mldm import MLDM
from rarelabel.generative._persistence import method_of
from rarelabel.generative._semres_ddpm import SEMResDDPM
from rarelabel.generative._tab_ddpm import TabDDPM

__all__ = ["METHODS", "load_model"]

METHODS: dict[str, type[Any]] = {
    "AEMLO": AEMLO,
    "CVAE": CVAE,
    "CWGANGP": CWGANGP,
    "MLDM": MLDM,
    "SEMResDDPM": SEMResDDPM,
    "TabDDPM": TabDDPM,
}
"""Name in a model file to the class that reads it."""


def load_model(path: str | PathLike[str], device: str = "auto") -> Any:
    """Read a trained model from a file, whatever method wrote it.

    Parameters
    ----------
    path : path-like
        A file that ``save`` of a sampler or ``rarelabel resample --save-model`` wrote.
    device : str, default="auto"
        Where to draw: ``"cpu"``, ``"cuda"``, ...

    Returns
    -------
    sampler
        Of the class that wrote the file, ready to ``sample``.

    Raises
    ------
    ValueError
        If the file is damaged, or from another version or a method that this version does not know.
    FileNotFoundError
        If there is no such file.
    ImportError
        If safetensors is not installed.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from rarelabel import TabDDPM, load_model
    >>> X, y = np.random.default_rng(0).normal(size=(60, 3)), np.array(["often"] * 50 + ["rare"] * 10)
    >>> model = TabDDPM(training_steps=5, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(os.path.join(folder, "model.safetensors"))
    ...     again = load_model(os.path.join(folder, "model.safetensors"))
    >>> type(again).__name__, bool((again.sample(9)[0] == model.sample(9)[0]).all())
    ('TabDDPM', True)
    """
    method = method_of(path)
    if method not in METHODS:
        known = ", ".join(sorted(METHODS))
        raise ValueError(
            f"{fspath(path)} holds a model of {method!r}, which this version does not know; it knows {known}"
        )
    return METHODS[method].load(path, device=device)
