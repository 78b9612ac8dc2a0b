"""Where tensors live, and torch's randomness made an argument."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

try:
    import torch
except ImportError as error:
    raise ImportError("this method needs PyTorch: pip install 'rarelabel[torch]'") from error

__all__ = ["choose_device", "forked_rng", "limited_threads", "torch_generator"]


def choose_device(device: str | torch.device = "auto") -> torch.device:
    """The device to compute on.

    Parameters
    ----------
    device : "auto", "cpu", "cuda", "cuda:1", torch.device, ..., default="auto"
        ``"auto"`` takes CUDA where there is one, else the processor. Where torchrun started several processes,
        ``"auto"`` and ``"cuda"`` are the process's own GPU.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If torch does not know the device, or this computer has none such.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise ValueError(
            f"device must be 'auto' or a device of torch such as 'cpu' or 'cuda', got {device!r}"
        ) from None
    if chosen.type == "cuda":
        n_devices = torch.cuda.device_count()
        if n_devices <= (chosen.index or 0):
            raise ValueError(f"device {str(device)!r} was asked for, but torch finds {n_devices} CUDA devices here")
        if chosen.index is None:
            chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % n_devices)
    elif chosen.type != "cpu":
        try:
            torch.empty(0, device=chosen)
        except (RuntimeError, AssertionError) as error:
            why = str(error).partition(". ")[0]
            raise ValueError(f"device {str(device)!r} was asked for, but torch cannot use it here: {why}") from None
    return chosen


def torch_generator(rng: np.random.Generator, device: str | torch.device = "cpu") -> torch.Generator:
    """A torch generator seeded by one draw from ``rng``.

    Examples
    --------
    >>> a, b = (torch_generator(np.random.default_rng(7)) for _ in range(2))
    >>> bool(torch.rand(1, generator=a) == torch.rand(1, generator=b))
    True
    """
    return torch.Generator(device).manual_seed(int(rng.integers(2**63)))


@contextmanager
def forked_rng(generator: torch.Generator, device: str | torch.device = "cpu") -> Iterator[None]:
    """Let torch's global generators be seeded from ``generator`` inside, and be as they were after.

    For what takes no generator: dropout, and the first weights of a layer.

    Examples
    --------
    >>> before = torch.get_rng_state()
    >>> with forked_rng(torch.Generator().manual_seed(0)):
    ...     layer = torch.nn.Linear(2, 1)
    >>> bool((torch.get_rng_state() == before).all())
    True
    """
    seed = int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
    chosen = torch.device(device)
    with torch.random.fork_rng([chosen] if chosen.type == "cuda" else []):
        # the one place where a global generator may be seeded: it is put back
        torch.default_generator.manual_seed(seed)
        if chosen.type == "cuda":
            with torch.cuda.device(chosen):
                torch.cuda.manual_seed(seed)
        yield


@contextmanager
def limited_threads(n_threads: int | None) -> Iterator[None]:
    """Let torch use ``n_threads`` threads inside (None: as many as before), and as many as before after.

    Examples
    --------
    >>> before = torch.get_num_threads()
    >>> with limited_threads(1):
    ...     torch.get_num_threads()
    1
    >>> torch.get_num_threads() == before
    True
    """
    if n_threads is None:
        yield
        return
    if n_threads < 1:
        raise ValueError(f"n_threads must be at least 1, got {n_threads!r}")
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
