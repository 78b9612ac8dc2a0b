"""Make rare labels learnable: measure, resample and judge imbalanced multi-label data."""

__version__ = "0.1.0"
