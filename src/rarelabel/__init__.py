"""Make rare labels learnable: measure, resample and judge imbalanced multi-label data.

Names are loaded when they are first used, so ``import rarelabel`` is quick and needs neither torch nor pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rarelabel.generative import AEMLO as AEMLO
    from rarelabel.generative import CVAE as CVAE
    from rarelabel.generative import CWGANGP as CWGANGP
    from rarelabel.generative import MLDM as MLDM
    from rarelabel.generative import SEMResDDPM as SEMResDDPM
    from rarelabel.generative import TabDDPM as TabDDPM
    from rarelabel.generative import load_model as load_model
    from rarelabel.imbalance import describe as describe
    from rarelabel.over_sampling import LPROS as LPROS
    from rarelabel.over_sampling import MLROS as MLROS
    from rarelabel.over_sampling import MLSMOTE as MLSMOTE
    from rarelabel.over_sampling import MLSOL as MLSOL
    from rarelabel.over_sampling import REMEDIAL as REMEDIAL
    from rarelabel.over_sampling import MLRkNNOS as MLRkNNOS
    from rarelabel.under_sampling import LPRUS as LPRUS
    from rarelabel.under_sampling import MLRUS as MLRUS
    from rarelabel.under_sampling import MLTL as MLTL
    from rarelabel.under_sampling import MLUL as MLUL
    from rarelabel.under_sampling import MLeNN as MLeNN

__version__ = "0.1.0"

_HOME = {
    "AEMLO": "generative",
    "CVAE": "generative",
    "CWGANGP": "generative",
    "LPROS": "over_sampling",
    "LPRUS": "under_sampling",
    "MLDM": "generative",
    "MLROS": "over_sampling",
    "MLRUS": "under_sampling",
    "MLRkNNOS": "over_sampling",
    "MLSMOTE": "over_sampling",
    "MLSOL": "over_sampling",
    "MLTL": "under_sampling",
    "MLUL": "under_sampling",
    "MLeNN": "under_sampling",
    "REMEDIAL": "over_sampling",
    "SEMResDDPM": "generative",
    "TabDDPM": "generative",
    "describe": "imbalance",
    "load_model": "generative",
}

__all__ = [
    "AEMLO",
    "CVAE",
    "CWGANGP",
    "LPROS",
    "LPRUS",
    "MLDM",
    "MLROS",
    "MLRUS",
    "MLSMOTE",
    "MLSOL",
    "MLTL",
    "MLUL",
    "REMEDIAL",
    "MLRkNNOS",
    "MLeNN",
    "SEMResDDPM",
    "TabDDPM",
    "describe",
    "load_model",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"rarelabel.{_HOME[name]}"), name)
    raise AttributeError(f"module 'rarelabel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
