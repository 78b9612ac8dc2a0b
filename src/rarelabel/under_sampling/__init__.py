"""Methods that remove rows."""

from rarelabel.under_sampling._lprus import LPRUS
from rarelabel.under_sampling._mlenn import MLeNN
from rarelabel.under_sampling._mlrus import MLRUS
from rarelabel.under_sampling._mltl import MLTL
from rarelabel.under_sampling._mlul import MLUL

__all__ = ["LPRUS", "MLRUS", "MLTL", "MLUL", "MLeNN"]
