"""What of BalanceMix a training run does: the steps of its ablation, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["KINDS", "METHODS", "Kind", "Method", "Partner", "find_method"]

Partner = Literal["random", "minority"]
Kind = Literal["clean", "relabelled", "ambiguous"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Method:
    """What a training run does of BalanceMix.

    Parameters
    ----------
    partner : {"random", "minority"} or None, default=None
        Which rows are mixed with random ones: others at random, as in Mixup, or those of a :class:`MinoritySampler`.
        None: nothing is mixed.
    kinds : tuple of {"clean", "relabelled", "ambiguous"}, default=()
        Which kinds of labels count once warm-up is over; the others have weight 0. Empty: all as they are given.
    loss : {"bce", "asl"}, default="bce"
        Binary cross-entropy, or :class:`AsymmetricLoss`.

    Raises
    ------
    ValueError
        If a part is unknown, or re-labelled labels are to count without clean ones.

    Examples
    --------
    >>> from rarelabel.augmentation import METHODS, Method
    >>> METHODS["mixup"] == Method(partner="random")
    True
    >>> list(METHODS)
    ['bce', 'mixup', 'minority', 'clean', 'relabelled', 'balancemix', 'asl', 'asl-mixup']
    """

    partner: Partner | None = None
    kinds: tuple[Kind, ...] = ()
    loss: Literal["bce", "asl"] = "bce"

    def __post_init__(self) -> None:
        if self.partner not in (None, *get_args(Partner)):
            raise ValueError(f"partner must be one of {get_args(Partner)} or None, got {self.partner!r}")
        if self.loss not in ("bce", "asl"):
            raise ValueError(f"loss must be 'bce' or 'asl', got {self.loss!r}")
        if self.kinds and ("clean" not in self.kinds or not set(self.kinds) <= set(KINDS)):
            raise ValueError(f"kinds must be 'clean' and others of {KINDS}, or none at all, got {self.kinds!r}")

    @property
    def needs_confidences(self) -> bool:
        """Whether all rows must be predicted after each epoch."""
        return self.partner == "minority" or bool(self.kinds)


METHODS: dict[str, Method] = {
    "bce": Method(),
    "mixup": Method("random"),
    "minority": Method("minority"),
    "clean": Method("minority", ("clean",)),
    "relabelled": Method("minority", ("clean", "relabelled")),
    "balancemix": Method("minority", KINDS),
    "asl": Method(loss="asl"),
    "asl-mixup": Method("random", loss="asl"),
}
"""The six steps of the ablation of Song et al. (2024, Table 5), and the asymmetric loss alone and with Mixup, as the
paper has all it compares with."""


def find_method(method: str | Method) -> Method:
    """The method of that name; ValueError lists those there are."""
    if isinstance(method, Method):
        return method
    if method not in METHODS:
        raise ValueError(f"method must be a Method or one of {', '.join(METHODS)}, got {method!r}")
    return METHODS[method]
