"""What is compared, written down: data sets x approaches x classifiers x splits x seeds (needs the extra ``bench``).

A :class:`Spec` is data only, so it can be read from TOML, checked, hashed, stored beside the results, and run again.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
import warnings
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

try:
    from pydantic import (
        BaseModel,
        ConfigDict,
        Field,
        SerializerFunctionWrapHandler,
        ValidationError,
        field_validator,
        model_serializer,
        model_validator,
    )
except ImportError as error:
    raise ImportError("a comparison is written down with pydantic: pip install 'rarelabel[bench]'") from error

from rarelabel.evaluation.approaches import BASELINES, Approach, parse_approach
from rarelabel.evaluation.measures import DEFAULT_MEASURES, check_measures
from rarelabel.evaluation.trial import ClassifierChoice
from rarelabel.model_selection import MultilabelStratifiedKFold
from rarelabel.registry import make_classifier, make_sampler

__all__ = [
    "ApproachSpec",
    "ClassifierSpec",
    "DatasetSpec",
    "Folds",
    "Spec",
    "json_schema",
    "make_spec",
    "name_of_file",
    "read_spec",
    "write_toml",
]

Name = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    # inf and nan are parameters too, and JSON has no word for them: without the last setting both would be null
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, ser_json_inf_nan="constants")


class DatasetSpec(_Part):
    """A file of any format that :func:`rarelabel.datasets.read` takes, or a data set in memory (``path`` empty)."""

    name: Name
    path: str = ""
    labels: str | int | list[str] | None = None
    classes: str | None = None

    @model_validator(mode="after")
    def _check_classes(self) -> DatasetSpec:
        if self.labels is not None and self.classes is not None:
            raise ValueError(f"data set {self.name!r} has labels ({self.labels!r}) and classes ({self.classes!r})")
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A data set without ``classes`` says nothing of them, so that specs of before keep their fingerprints."""
        return {name: value for name, value in serialize(self).items() if name != "classes" or value is not None}


class ApproachSpec(_Part):
    """A way to deal with imbalance; see :class:`~rarelabel.evaluation.approaches.Approach`.

    ``described`` stands for a sampler that was given as an object; such a spec can only be run again with the object.
    """

    name: Name
    sampler: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    weights: bool = False
    thresholds: bool = False
    described: str = ""
    instance: Any = Field(default=None, exclude=True, repr=False)

    @model_validator(mode="after")
    def _check_sampler(self) -> ApproachSpec:
        if self.sampler is not None:
            make_sampler(self.sampler, **self.parameters)
        elif self.parameters:
            raise ValueError(f"approach {self.name!r} has parameters, but no sampler to give them to")
        return self

    @classmethod
    def of(cls, given: Any) -> ApproachSpec:
        """From a name such as ``"mlsmote+thresholds"``, a mapping, or a spec."""
        if isinstance(given, str):
            known = parse_approach(given)
            return cls(name=known.name, sampler=known.sampler, weights=known.class_weights, thresholds=known.thresholds)
        return given if isinstance(given, cls) else cls.model_validate(given)

    def approach(self) -> Approach:
        """What a trial takes."""
        if self.described and self.instance is None:
            needed = f"approach {self.name!r} needs the object {self.described}"
            raise ValueError(f"{needed}, which no file holds; pass it")
        return Approach(self.name, self.sampler, self.parameters, self.weights, self.thresholds, self.instance)


class ClassifierSpec(_Part):
    """A classifier by name, with parameters; ``described`` stands for one that was given as an object."""

    name: Name
    classifier: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    described: str = ""
    instance: Any = Field(default=None, exclude=True, repr=False)

    @model_validator(mode="after")
    def _check_classifier(self) -> ClassifierSpec:
        if not self.described:
            make_classifier(self.classifier or self.name, **self.parameters)
        return self

    @classmethod
    def of(cls, given: Any) -> ClassifierSpec:
        """From a name such as ``"br-tree"``, a mapping, or a spec."""
        if isinstance(given, str):
            return cls(name=given.lower())
        return given if isinstance(given, cls) else cls.model_validate(given)

    def choice(self) -> ClassifierChoice:
        """What a trial takes."""
        if self.described and self.instance is None:
            raise ValueError(
                f"classifier {self.name!r} needs the object {self.described}, which no file holds; pass it"
            )
        return ClassifierChoice(self.name, self.classifier or self.name, self.parameters, self.instance)


class Folds(_Part):
    """R repeats of K folds that are stratified by labels; written ``"RxK"``.

    Examples
    --------
    >>> Folds.of("2x5")
    Folds(n_repeats=2, n_splits=5, random_state=0)
    """

    n_repeats: int = Field(default=1, ge=1)
    n_splits: int = Field(default=5, ge=2)
    random_state: int = Field(default=0, ge=0)

    @classmethod
    def of(cls, given: Any) -> Folds:
        """From ``"2x5"``, a number of folds, a mapping, or a spec."""
        if isinstance(given, str):
            parts = given.lower().split("x")
            if not 1 <= len(parts) <= 2 or not all(part.strip().isdigit() for part in parts):
                raise ValueError(f"cannot understand the folds {given!r}: expected repeats x folds, such as 2x5")
            return cls(n_repeats=int(parts[0]) if len(parts) == 2 else 1, n_splits=int(parts[-1]))
        if isinstance(given, int):
            return cls(n_splits=given)
        return given if isinstance(given, cls) else cls.model_validate(given)

    def assign(self, Y: Any, repeat: int) -> Any:
        """The fold in which each row is held out, shape (n,)."""
        state = np.random.SeedSequence([self.random_state, repeat]).generate_state(1)[0] >> 1
        splitter = MultilabelStratifiedKFold(self.n_splits, shuffle=True, random_state=int(state))
        folds = np.empty(len(Y), dtype=np.int32)
        with warnings.catch_warnings():  # labels too rare for every fold are told by their names; see plan_tasks
            warnings.simplefilter("ignore", UserWarning)
            for fold, (_, held) in enumerate(splitter.split(np.zeros((len(Y), 1)), Y)):
                folds[held] = fold
        return folds


class Spec(_Part):
    """A comparison.

    Parameters
    ----------
    datasets : list of DatasetSpec
    approaches : list of ApproachSpec
        Names will do: ``"none"``, ``"weights"``, ``"thresholds"``, a sampler, or several joined by ``+``. The first
        three are added where they are missing, so that a sampler always competes with what costs no rows.
    classifiers : list of ClassifierSpec
        Names will do.
    cv : Folds, default="1x5"
    seeds : list of int, default=[0]
        Each is a whole run of samplers and classifiers on the same folds.
    measures : list of str
        Those that tables show; the first decides. All are stored.
    inner_splits : int, default=3
        Folds of the training rows on which thresholds are chosen.
    fidelity : {"first", "all", "none"}, default="first"
        Whether new rows are compared with the real ones: in the first fold of each repeat, in all, or not at all.
    time_limit : float, default=None
        Seconds that one resampling, and the training of one classifier, may take.

    Examples
    --------
    >>> spec = Spec(datasets=["birds.arff"], approaches=["mlsmote"], classifiers=["br-tree"], cv="2x5", seeds=3)
    >>> [approach.name for approach in spec.approaches], spec.seeds, spec.n_runs
    (['none', 'weights', 'thresholds', 'MLSMOTE'], [0, 1, 2], 120)
    """

    datasets: list[DatasetSpec] = Field(min_length=1)
    approaches: list[ApproachSpec] = Field(default_factory=list, validate_default=True)
    classifiers: list[ClassifierSpec] = Field(min_length=1)
    cv: Folds = Folds()
    seeds: list[int] = Field(default=[0], min_length=1)
    measures: list[str] = list(DEFAULT_MEASURES)
    inner_splits: int = Field(default=3, ge=2)
    fidelity: Literal["first", "all", "none"] = "first"
    time_limit: float | None = Field(default=None, gt=0)

    @field_validator("datasets", mode="before")
    @classmethod
    def _name_datasets(cls, given: Any) -> Any:
        return [
            {"name": name_of_file(each), "path": each} if isinstance(each, str) else each for each in _listed(given)
        ]

    @field_validator("approaches", mode="before")
    @classmethod
    def _add_baselines(cls, given: Any) -> Any:
        approaches = [ApproachSpec.of(each) for each in _listed(given)]
        named = {each.name for each in approaches}
        return [ApproachSpec.of(name) for name in BASELINES if name not in named] + approaches

    @field_validator("classifiers", mode="before")
    @classmethod
    def _name_classifiers(cls, given: Any) -> Any:
        return [ClassifierSpec.of(each) for each in _listed(given)]

    @field_validator("cv", mode="before")
    @classmethod
    def _parse_folds(cls, given: Any) -> Any:
        return Folds.of(given)

    @field_validator("seeds", mode="before")
    @classmethod
    def _count_seeds(cls, given: Any) -> Any:
        return list(range(given)) if isinstance(given, int) else given

    @field_validator("measures")
    @classmethod
    def _know_measures(cls, given: list[str]) -> list[str]:
        return list(check_measures(given))

    @model_validator(mode="after")
    def _check_names(self) -> Spec:
        for what in ("datasets", "approaches", "classifiers"):
            names = [each.name for each in getattr(self, what)]
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                raise ValueError(f"{what} must have different names; {', '.join(map(repr, repeated))} came twice")
        if len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ValueError(f"seeds must be different whole numbers from 0, got {self.seeds}")
        return self

    @property
    def n_runs(self) -> int:
        """How many records it makes."""
        per_fold = len(self.datasets) * len(self.approaches) * len(self.classifiers) * len(self.seeds)
        return per_fold * self.cv.n_repeats * self.cv.n_splits

    @property
    def fingerprint(self) -> str:
        """Hash of everything that is written down."""
        return _hash(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Everything as values that JSON takes."""
        return self.model_dump(mode="json")


def make_spec(**fields: Any) -> Spec:
    """A spec of the given fields.

    Raises
    ------
    ValueError
        If a field is missing, unknown or wrong; the message names field and value.

    Examples
    --------
    >>> make_spec(datasets=["birds.arff"], classifiers=["br-tre"])
    Traceback (most recent call last):
    ...
    ValueError: classifiers: no classifier is called 'br-tre'; ... did you mean br-tree or br-forest?
    """
    try:
        return Spec(**fields)
    except ValidationError as error:
        raise ValueError(_explained(error)) from None


def read_spec(path: str | PathLike[str]) -> Spec:
    """Read a spec from a TOML file. Relative paths of data sets are taken from the folder of the file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Spec

    Raises
    ------
    ValueError
        If the file is not TOML, or a field is missing, unknown or wrong; the message names field and value.
    """
    path = Path(path)
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from error
    try:
        spec = Spec.model_validate(given)
    except ValidationError as error:
        raise ValueError(f"{path}: {_explained(error)}") from None
    found = [
        each.model_copy(update={"path": str(path.parent / each.path)}) if each.path else each for each in spec.datasets
    ]
    return spec.model_copy(update={"datasets": found})


def json_schema() -> dict[str, Any]:
    """The JSON schema of a spec, for editors that complete and check TOML."""
    return Spec.model_json_schema()


def write_toml(spec: Spec) -> str:
    """The spec as the text of a TOML file that :func:`read_spec` reads.

    Examples
    --------
    >>> spec = Spec(datasets=["birds.arff"], classifiers=["mlknn"])
    >>> Spec.model_validate(tomllib.loads(write_toml(spec))) == spec
    True
    """
    fields = spec.model_dump(mode="json", exclude_none=True, exclude_defaults=False)
    tables = ("datasets", "approaches", "classifiers")
    lines = [f"{name} = {_toml(value)}" for name, value in fields.items() if name not in tables]
    for table in tables:
        for each in fields[table]:
            lines += ["", f"[[{table}]]"]
            said = {name: value for name, value in each.items() if value not in ("", {}) and value is not False}
            lines += [f"{name} = {_toml(value)}" for name, value in said.items()]
    return "\n".join(lines) + "\n"


def name_of_file(path: str) -> str:
    """What a data set is called after its file.

    Examples
    --------
    >>> name_of_file("data/birds.arff.gz")
    'birds'
    """
    name = Path(path).name.removesuffix(".gz")
    return name.rsplit(".", 1)[0] or name


def _listed(given: Any) -> list[Any]:
    return [given] if isinstance(given, str | Mapping | BaseModel) else list(given)


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=repr).encode()).hexdigest()


def _explained(error: ValidationError) -> str:
    """What is wrong, one clause for each field."""
    clauses = []
    for each in error.errors():
        where = ".".join(map(str, each["loc"])) or "spec"
        ours = each["type"] == "value_error"  # our own messages say what came
        got = "" if ours or not each["loc"] else f", got {each['input']!r}"
        clauses.append(f"{where}: {each['msg'].removeprefix('Value error, ')}{got}")
    return "; ".join(clauses)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        raise ValueError("TOML has no null: leave out the parameter that is None, or give another value")
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(each)}" for key, each in value.items()) + "}"
    return repr(value)
