"""Tables as values: what stands in which cell. The page and the LaTeX file print the same ones."""

from __future__ import annotations

from dataclasses import dataclass

from rarelabel.evaluation.report.gains import Judgement

__all__ = ["Cell", "Table", "number", "of_gain", "p_text", "p_value", "probability", "score", "signed"]


@dataclass(frozen=True)
class Cell:
    """What stands in a cell.

    Parameters
    ----------
    text : str
    spread : str, default=""
        Shown after it, smaller: ``± 0.012``.
    strong : bool, default=False
        Whether it is printed bold.
    judgement : Judgement or "", default=""
        Gives the cell its colour.
    left : bool, default=False
        Text, which is aligned on the left, where numbers are on the right.
    """

    text: str
    spread: str = ""
    strong: bool = False
    judgement: Judgement | str = ""
    left: bool = False


@dataclass(frozen=True)
class Table:
    """A table whose first column names the rows.

    Parameters
    ----------
    caption : str
    columns : tuple of str, shape (c,)
    rows : tuple of tuple of Cell, each of shape (c,)
    note : str, default=""
        Printed below.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def score(mean: float, deviation: float = float("nan"), *, strong: bool = False) -> Cell:
    """A mean and its spread, to three digits."""
    return Cell(number(mean), "" if deviation != deviation else f"± {deviation:.3f}", strong)


def number(value: float, digits: int = 3) -> str:
    """A number with a true minus sign; a dash where there is none.

    Examples
    --------
    >>> number(-0.0004), number(-1.5, 1), number(float("nan")), number(1234.5678, 1)
    ('0.000', '−1.5', '–', '1,234.6')
    """
    if value != value:
        return "–"
    text = f"{value:,.{digits}f}"
    return (text.lstrip("-") if not text.strip("-0.,") else text).replace("-", "−")


def signed(value: float) -> str:
    """A difference, always with its sign."""
    text = number(value)
    return text if value != value or text.startswith("−") or not text.strip("0.") else f"+{text}"


def probability(p: float) -> str:
    """Three digits, and never quite 0 or 1.

    Examples
    --------
    >>> probability(0.99996), probability(0.25), probability(0.0)
    ('> 0.999', '0.250', '< 0.001')
    """
    if p != p:
        return "–"
    return "> 0.999" if p > 0.9995 else "< 0.001" if p < 0.0005 else f"{p:.3f}"


def p_value(p: float) -> str:
    """A p-value; that of 0.03125 is 0.031, and that of 3e-17 < 0.001."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_text(p: float) -> str:
    """A p-value in a sentence.

    Examples
    --------
    >>> p_text(0.03125), p_text(3e-17)
    ('p = 0.031', 'p < 0.001')
    """
    return f"p {p_value(p)}" if p < 0.001 else f"p = {p_value(p)}"


def of_gain(mean: float, reach: float, judgement: Judgement) -> Cell:
    """A gain, half of its 95 % interval, and what is to be thought of it."""
    return Cell(signed(mean), "" if reach != reach else f"± {reach:.3f}", judgement == "better", judgement)
