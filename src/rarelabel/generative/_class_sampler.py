"""What samplers share that balance classes by rows of one trained model."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import Matrix, Resampled
from rarelabel.encoding import NumericTransform
from rarelabel.generative._balancing import BalancingStrategy
from rarelabel.generative._bounds import check_counts, check_switches
from rarelabel.generative._class_files import class_parts, read_classes
from rarelabel.generative._class_model import (
    ClassModel,
    Draw,
    Learn,
    Train,
    plan_classes,
    prepare_class_model,
    resample_classes,
    sample_classes,
)
from rarelabel.generative._conditions import encode_conditions
from rarelabel.generative._label_model import check_label_model, fit_label_model
from rarelabel.generative._model import Denoiser, TableModel, history_of
from rarelabel.generative._persistence import ModelFile, Parts
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan

__all__ = ["ClassMixin"]

if TYPE_CHECKING:
    from rarelabel.generative._generative import GenerativeMixin

    _Generative = GenerativeMixin
else:  # a sampler has this mixin before GenerativeMixin, not on top of it
    _Generative = object


class ClassMixin(_Generative):
    """A sampler of classes, around what it says of its network; it answers what GenerativeMixin asks of a sampler.

    That is what its parameters may be (:meth:`_check`), how the network is trained (:attr:`_learning`), and how
    encoded rows are drawn from it (:attr:`_drawing`).
    """

    sampling_strategy: BalancingStrategy
    numeric_transform: NumericTransform
    label_model: Any
    n_choices: int
    reject_copies: bool

    trained_: ClassModel

    _train_later: Train
    """Trains the network where only classes that are not learned are to grow, until other rows are drawn or a file is
    written."""

    _takes_classes: ClassVar[bool] = True

    _takes_columns: ClassVar[bool] = True
    """Whether the network can be told columns."""

    _network: ClassVar[Denoiser | None] = None
    """What makes the network of a model file, where its name does not say."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        return tags

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        parameters = self.get_params(deep=False)
        check_counts(parameters, ("n_choices",))
        check_switches(parameters, ("reject_copies",))
        check_label_model(self.label_model)
        self._check(parameters)
        return plan_classes(type(self).__name__, self.sampling_strategy, X, Y, schema, self._labels)

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        if not plan.n_new:
            return Resampled(np.arange(len(Y)), X[:0], Y[:0])
        self._train(X, Y, schema, plan, rng)
        judge = None
        if self.label_model is not None:
            judge = fit_label_model(self.label_model, self.trained_.encoder, X, Y, rng)
        return resample_classes(
            self.trained_,
            plan,
            self._draw_learned,
            reject_copies=self.reject_copies,
            judge=judge,
            n_choices=self.n_choices,
            rng=rng,
        )

    def _train(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> None:
        transform = self.numeric_transform
        prepared, train = prepare_class_model(X, Y, schema, plan, self._learning, numeric_transform=transform, rng=rng)
        if prepared.needs_network:
            self._train_network(prepared, train, stacklevel=5)
        else:
            self.trained_, self._train_later = prepared, train
            self.stopped_, self.loss_history_ = "finished", np.empty((0, 3))

    def _train_network(self, prepared: ClassModel, train: Train, *, stacklevel: int) -> TableModel:
        model, result = train()
        if result.stopped == "not finite":
            message = f"{type(self).__name__}: the loss became NaN or infinite after {result.n_steps} steps; "
            warnings.warn(message + "the weights before are used", UserWarning, stacklevel=stacklevel)
        self.trained_ = replace(prepared, model=model)
        self.stopped_, self.loss_history_ = result.stopped, history_of(result)
        return model

    def _model(self, *, stacklevel: int) -> TableModel:
        """The network, trained now where nothing needed it before."""
        if self.trained_.model is not None:
            return self.trained_.model
        model = self._train_network(self.trained_, self._train_later, stacklevel=stacklevel + 1)
        del self._train_later  # and the encoded table with it
        return model

    def _draw_learned(
        self, values: NDArray[np.float32], known: NDArray[np.bool_], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        return self._drawing(self._model(stacklevel=9), values, known, rng)

    def _draw(
        self, n: int, conditions: Mapping[Hashable, Any] | None, rng: np.random.Generator
    ) -> tuple[Matrix, NDArray[np.bool_]]:
        known = None
        if conditions is not None:
            known = encode_conditions(conditions, self._container, self.trained_.encoder)
        X, Y, self.drawn_for_ = sample_classes(
            self.trained_,
            self.schema_,
            n,
            known,
            self._draw_learned,
            type(self).__name__,
            takes_columns=self._takes_columns,
            reject_copies=self.reject_copies,
            rng=rng,
        )
        return X, Y

    def _parts(self) -> Parts:
        return class_parts(self.trained_, self._model(stacklevel=4))

    def _restore(self, content: ModelFile) -> None:
        self.trained_ = read_classes(content, self._network)

    @abstractmethod
    def _check(self, parameters: Mapping[str, Any]) -> None:
        """Raise ValueError for a parameter that means nothing."""

    @property
    @abstractmethod
    def _learning(self) -> Learn:
        """How the network is trained on encoded rows."""

    @property
    @abstractmethod
    def _drawing(self) -> Draw:
        """How encoded rows come from the network."""
