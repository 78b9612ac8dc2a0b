"""BalanceMix: training on labels that are rare and partly wrong, as a whole and in parts for a loop of your own.

Names are loaded when they are first used. :class:`LabelManager` and what it gives need NumPy alone,
:class:`RandAugment` the extra ``vision``, networks and their training the extra ``torch``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rarelabel.augmentation._balancemix import BalanceMix as BalanceMix
    from rarelabel.augmentation._balancemix_classifier import BalanceMixClassifier as BalanceMixClassifier
    from rarelabel.augmentation._balancemix_record import EpochRecord as EpochRecord
    from rarelabel.augmentation._image_model import ImageModel as ImageModel
    from rarelabel.augmentation._image_model import load_image_model as load_image_model
    from rarelabel.augmentation._label_manager import LabelManager as LabelManager
    from rarelabel.augmentation._losses import AsymmetricLoss as AsymmetricLoss
    from rarelabel.augmentation._losses import reliability_weighted_bce as reliability_weighted_bce
    from rarelabel.augmentation._managed_labels import ManagedLabels as ManagedLabels
    from rarelabel.augmentation._managed_labels import ManagementScores as ManagementScores
    from rarelabel.augmentation._methods import METHODS as METHODS
    from rarelabel.augmentation._methods import Method as Method
    from rarelabel.augmentation._minority_sampler import MinoritySampler as MinoritySampler
    from rarelabel.augmentation._mixtures import TwoGaussians as TwoGaussians
    from rarelabel.augmentation._mixup import mixup as mixup
    from rarelabel.augmentation._rand_augment import ImageView as ImageView
    from rarelabel.augmentation._rand_augment import RandAugment as RandAugment
    from rarelabel.augmentation._streams import random_stream as random_stream
    from rarelabel.augmentation._suspicious import SuspiciousLabels as SuspiciousLabels

_HOME = {
    "METHODS": "_methods",
    "AsymmetricLoss": "_losses",
    "BalanceMix": "_balancemix",
    "BalanceMixClassifier": "_balancemix_classifier",
    "EpochRecord": "_balancemix_record",
    "ImageModel": "_image_model",
    "ImageView": "_rand_augment",
    "LabelManager": "_label_manager",
    "ManagedLabels": "_managed_labels",
    "ManagementScores": "_managed_labels",
    "Method": "_methods",
    "MinoritySampler": "_minority_sampler",
    "RandAugment": "_rand_augment",
    "SuspiciousLabels": "_suspicious",
    "TwoGaussians": "_mixtures",
    "load_image_model": "_image_model",
    "mixup": "_mixup",
    "random_stream": "_streams",
    "reliability_weighted_bce": "_losses",
}

__all__ = [
    "METHODS",
    "AsymmetricLoss",
    "BalanceMix",
    "BalanceMixClassifier",
    "EpochRecord",
    "ImageModel",
    "ImageView",
    "LabelManager",
    "ManagedLabels",
    "ManagementScores",
    "Method",
    "MinoritySampler",
    "RandAugment",
    "SuspiciousLabels",
    "TwoGaussians",
    "load_image_model",
    "mixup",
    "random_stream",
    "reliability_weighted_bce",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"rarelabel.augmentation.{_HOME[name]}"), name)
    raise AttributeError(f"module 'rarelabel.augmentation' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
