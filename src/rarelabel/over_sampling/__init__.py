"""Methods that add rows."""

from rarelabel.over_sampling._lpros import LPROS
from rarelabel.over_sampling._mlrknnos import MLRkNNOS
from rarelabel.over_sampling._mlros import MLROS
from rarelabel.over_sampling._mlsmote import MLSMOTE
from rarelabel.over_sampling._mlsol import MLSOL
from rarelabel.over_sampling._remedial import REMEDIAL

__all__ = ["LPROS", "MLROS", "MLSMOTE", "MLSOL", "REMEDIAL", "MLRkNNOS"]
