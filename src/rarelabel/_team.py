"""The processes that train one module together."""

from __future__ import annotations

import atexit
import time
from collections.abc import Sequence
from dataclasses import dataclass

try:
    import torch
except ImportError as error:
    raise ImportError("this method needs PyTorch: pip install 'rarelabel[torch]'") from error

from torch import Tensor, distributed, nn

__all__ = ["Team", "join_team"]


@dataclass(frozen=True)
class Team:
    """The processes that train together; by itself, one.

    Parameters
    ----------
    rank, size : int, default=0 and 1
        Number of this process, and how many there are.
    """

    rank: int = 0
    size: int = 1

    def broadcast(self, module: nn.Module) -> None:
        """Give every process the first one's weights and buffers."""
        if self.size > 1:
            for tensor in [*module.parameters(), *module.buffers()]:
                distributed.broadcast(tensor.detach(), src=0)

    def share(self, batch: Sequence[Tensor]) -> Sequence[Tensor]:
        """The rows of a batch that this process computes."""
        return batch if self.size == 1 else [tensor[self.rank :: self.size] for tensor in batch]

    def weigh(self, values: Tensor, n_rows: int) -> Tensor:
        """A scalar whose mean over the processes is the mean over all rows of the batch."""
        return values if values.ndim == 0 else values.sum() * (self.size / n_rows)

    def agree(self, value: Tensor, wish: bool) -> tuple[float, bool]:
        """The mean of a value over the processes, and whether any has the wish."""
        if self.size == 1:
            return value.item(), wish
        both = torch.stack([value.detach(), torch.full_like(value, float(wish))])
        distributed.all_reduce(both)
        return both[0].item() / self.size, bool(both[1] > 0)

    def gather(self, parts: Tensor) -> Tensor:
        """The sum over the processes, in place: of arrays in which each filled rows of its own and left zeros."""
        if self.size > 1:
            distributed.all_reduce(parts)
        return parts

    def average_gradients(self, parameters: list[nn.Parameter]) -> None:
        """Make every gradient the mean over the processes.

        By hand and not by ``DistributedDataParallel``, whose hooks hang on the module's ``forward``: a loss may call
        any method of the module.
        """
        if self.size == 1:
            return
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([gradient.ravel() for gradient in gradients])
        distributed.all_reduce(flat)
        parts = torch.split(flat / self.size, [parameter.numel() for parameter in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.reshape(parameter.shape)


def join_team(place: torch.device) -> Team:
    """The processes that torchrun started; this one alone without torchrun.

    They stay joined until Python ends: a second meeting on the store of the first can find its old addresses and hang.
    There they part, for threads of a group that is still joined when its process ends can bring the process down.

    Examples
    --------
    >>> join_team(torch.device("cpu"))
    Team(rank=0, size=1)
    """
    if not distributed.is_available() or not distributed.is_torchelastic_launched():
        return Team()
    if not distributed.is_initialized():
        if place.type == "cuda":
            torch.cuda.set_device(place)
        distributed.init_process_group("cpu:gloo,cuda:nccl" if place.type == "cuda" else "gloo")
        atexit.register(_part)
    return Team(distributed.get_rank(), distributed.get_world_size())


def _part() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()
        # Processes that ended at once still died now and then (1 of 28 starts): it seems that a thread of the group
        # must not free its last tensor once Python has ended.
        time.sleep(0.3)
