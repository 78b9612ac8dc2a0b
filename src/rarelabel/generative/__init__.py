"""Methods that learn what rows look like and draw new ones."""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError("rarelabel.generative needs PyTorch: pip install 'rarelabel[torch]'") from error

from rarelabel.generative._aemlo import AEMLO
from rarelabel.generative._cvae import CVAE
from rarelabel.generative._cwgan_gp import CWGANGP
from rarelabel.generative._loading import load_model
from rarelabel.generative._mldm import MLDM
from rarelabel.generative._semres_ddpm import SEMResDDPM
from rarelabel.generative._tab_ddpm import TabDDPM

__all__ = ["AEMLO", "CVAE", "CWGANGP", "MLDM", "SEMResDDPM", "TabDDPM", "load_model"]
