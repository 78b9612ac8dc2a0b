"""A table as one matrix of real numbers that a model can learn, and any such matrix back as valid rows.

A numeric column becomes one column of about unit scale, a category with k >= 3 values k columns of zeros and a one,
anything with two states (a binary category, a number with two values, a label, "is it missing?", "is it the usual
value?") one column of zeros and ones. What comes back is valid whatever the matrix holds: whole numbers are whole,
categories known, numbers inside the range seen while fitting.
"""

from rarelabel.encoding._blocks import Block, BlockKind, idle_numbers
from rarelabel.encoding._encoder import NumericTransform, TableEncoder

__all__ = ["Block", "BlockKind", "NumericTransform", "TableEncoder", "idle_numbers"]
