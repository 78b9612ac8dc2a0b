"""The report of training on images as one HTML file: how good the model is, and pictures of suspicious labels."""

from __future__ import annotations

import base64
import hashlib
import io
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rarelabel.datasets import LabelledImages, atomic_path
from rarelabel.tasks._outputs import PathLike

if TYPE_CHECKING:
    from PIL.Image import Image

    from rarelabel.tasks._training_images import ImageTraining

__all__ = ["check_page", "write_page"]

_PICTURES = 60
_SIDE = 128


def check_page(path: PathLike | None) -> None:
    """Raise ImportError if a page cannot be made."""
    if path is not None:
        try:
            import jinja2  # noqa: F401
        except ImportError:
            raise ImportError("the report needs jinja2: pip install 'rarelabel[report]'") from None


def write_page(result: ImageTraining, train: LabelledImages, path: PathLike) -> None:
    """Write the page: it loads nothing, runs no script, and equal results make equal bytes.

    Parameters
    ----------
    result : ImageTraining
    train : LabelledImages
        The images trained on, whose pictures are shown.
    path : path-like
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    style = resources.files("rarelabel.evaluation.report").joinpath("report.css").read_text(encoding="utf-8")
    here = resources.files("rarelabel.tasks")
    style += here.joinpath("training_images.css").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(here.joinpath("training_images.html.jinja").read_text(encoding="utf-8"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    html = template.render(style=Markup(style), style_hash=Markup(f"sha256-{digest}"), **_contents(result, train))
    with atomic_path(path) as temporary:
        temporary.write_bytes(html.encode("utf-8", "replace"))


def _contents(result: ImageTraining, train: LabelledImages) -> dict[str, Any]:
    precision = result.average_precision
    doubted = result.suspicious.label.tolist()
    labels = [
        {
            "name": result.label_names[k],
            "positives": f"{result.counts[k]:,}",
            "group": result.group_of[k],
            "precision": "none held out" if np.isnan(precision[k]) else f"{precision[k]:.3f}",
            "suspicious": f"{doubted.count(result.label_names[k]):,}",
        }
        for k in np.argsort(result.counts, kind="stable")
    ]
    return {
        "result": result,
        "mean": None if np.isnan(result.groups["all"]) else f"{result.groups['all']:.3f}",
        "groups": [
            (name, sum(group == name for group in result.group_of), f"{value:.3f}")
            for name, value in result.groups.items()
            if name != "all" and not np.isnan(value)
        ],
        "labels": labels,
        "history": [str(record) for record in result.history],
        "cards": _cards(result, train),
        "source": Path(result.source).name,
        "n_contradicted": len(_contradicted(result)),
        "n_unsure": int((result.suspicious.suggested < 0).sum()),
    }


def _cards(result: ImageTraining, train: LabelledImages) -> list[dict[str, Any]]:
    """What is shown of the labels that the model contradicts, and then of those it is not sure about."""
    found = result.suspicious
    unsure = np.flatnonzero(found.suggested < 0)
    row_of = {name: row for row, name in enumerate(train.paths)}
    cards = []
    for i in [*_contradicted(result).tolist(), *unsure.tolist()][:_PICTURES]:
        row = row_of[str(found.row[i])]
        label, given = str(found.label[i]), bool(found.given[i])
        others = [name for name, there in zip(train.label_names, train.Y[row], strict=True) if there and name != label]
        cards.append(
            {
                "uri": _data_uri(train.picture(row)),
                "image": str(found.row[i]),
                "label": label,
                "given": given,
                "says": int(found.suggested[i]),
                "confidence": None if found.confidence is None else f"{found.confidence[i]:.0%}",
                "probability": f"{found.clean_probability[i]:.0%}",
                "others": ", ".join(others) or "none",
            }
        )
    return cards


def _contradicted(result: ImageTraining) -> NDArray[np.intp]:
    """Positions in the list of the labels that the model says are otherwise."""
    found = result.suspicious
    return np.flatnonzero((found.suggested >= 0) & (found.suggested != found.given))


def _data_uri(picture: Image) -> str:
    picture = picture.copy()
    picture.thumbnail((_SIDE, _SIDE))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
