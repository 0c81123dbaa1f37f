"""What optimizers share: the learning rate, the slots, and the checks before anything is assigned."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from tapec.dispatch import apply, cast, lift, located
from tapec.errors import DTypeError, ShapeError
from tapec.ir.dtypes import FLOATS
from tapec.module import Module
from tapec.naming import name_scope, unique_name
from tapec.ops import elementwise as ew
from tapec.placement import placed
from tapec.random.generator import number
from tapec.suspension import suspended
from tapec.tape_arguments import warn
from tapec.tensor import Tensor
from tapec.variable import Variable

LearningRate: TypeAlias = "float | Variable | Callable[[Tensor], Any]"

_F64 = np.dtype(np.float64)


class _Seen:
    """The Variables that have slots. They belong to their model: this is nothing that a Module looks into.

    Attributes:
        positions: by the Variable's id, where its slots are.
        variables: the Variables, so that no other object gets the id of one.
    """

    __slots__ = ("positions", "variables")

    def __init__(self) -> None:
        self.positions: dict[int, int] = {}
        self.variables: list[Variable] = []


class Optimizer(Module, ABC):
    """Updates Variables by gradients.

    Args:
        learning_rate: a number, which becomes a Variable, so that compiled steps see it change; a Variable; or a
            function of the number of steps taken, an int64 tensor, which is called at every step.
        name: stands before the names of the slots.

    Attributes:
        iterations: Variable, int64; how many steps have been taken.
        slots: for each Variable seen, in that order, what the optimizer keeps of it, by name.

    >>> import tapec as tp
    >>> optimizer = tp.optimizers.SGD(lambda step: 0.5**step)  # 1, 1/2, 1/4, ...
    >>> w = tp.Variable(0.0)
    >>> for _ in range(3):
    ...     _ = optimizer.apply_gradients([(tp.constant(-1.0), w)])
    >>> optimizer.iterations.numpy().item(), w.numpy().item()
    (3, 1.75)
    """

    def __init__(self, learning_rate: LearningRate, name: str | None) -> None:
        super().__init__(name if name is not None else unique_name(type(self).__name__.lower()))
        with suspended(), name_scope(self.name):
            self.iterations = Variable(np.int64(0), trainable=False, name="iterations")
            self._rate: Variable | Callable[[Tensor], Any]
            if isinstance(learning_rate, Variable) or callable(learning_rate):
                self._rate = learning_rate
            else:
                self._rate = Variable(np.float64(learning_rate), trainable=False, name="learning_rate")
        self.slots: list[dict[str, Variable]] = []
        self._seen = _Seen()
        self._warned = False
        self._lock = threading.RLock()

    @property
    def learning_rate(self) -> Any:
        """The Variable or the function; assigning a number gives the Variable that value."""
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value: LearningRate) -> None:
        if isinstance(value, Variable) or callable(value) or not isinstance(self._rate, Variable):
            raise TypeError(
                "a compiled step keeps the learning rate that it was recorded with: assign a number, which the Variable"
                " `learning_rate` takes, or make another optimizer"
            )
        self._rate.assign(value)

    @abstractmethod
    def slot_names(self) -> Sequence[str]:
        """What is kept of each Variable; all of it starts at 0."""

    @abstractmethod
    def scalars(self, rate: Tensor, step: Tensor) -> Sequence[Tensor]:
        """Numbers of one step that all Variables share, from the learning rate and the step's number, 1 for the first.

        Both are float64; the numbers are converted to each Variable's dtype.
        """

    @abstractmethod
    def update(
        self, value: Tensor, gradient: Tensor, slots: Mapping[str, Tensor], scalars: Sequence[Tensor]
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """A Variable's new value and its new slots."""

    def build(self, variables: Iterable[Variable]) -> None:
        """Makes the slots of Variables that have none; `apply_gradients` does it too, `tp.load` needs it before."""
        with self._lock, suspended(), name_scope(self.name):
            for variable in variables:
                if id(variable) in self._seen.positions:
                    continue
                with name_scope(variable.name.removesuffix(":0")), placed(variable._device):
                    made = {
                        slot: Variable(np.zeros(variable.shape, variable.dtype), trainable=False, name=slot)
                        for slot in self.slot_names()
                    }
                self._seen.positions[id(variable)] = len(self.slots)
                self._seen.variables.append(variable)
                self.slots.append(made)
                if self.iterations._device is None and variable._device is not None:
                    # Where steps run: a count on the host would have every compiled step wait for the device.
                    self.iterations.move(variable._device)

    def apply_gradients(self, gradients_and_variables: Iterable[tuple[Any, Variable]]) -> None:
        """Takes one step. Nothing is assigned unless every gradient fits.

        Args:
            gradients_and_variables: pairs. A Variable whose gradient is None stays as it is; the first time that
                happens, a warning names all such Variables.

        Raises:
            ValueError: there is no gradient at all, or a Variable stands twice.
            ShapeError: a gradient has another shape than its Variable.
            DTypeError: a Variable is not floating.
        """
        pairs = list(gradients_and_variables)
        self._check(pairs)
        present = [(lift(gradient, variable.dtype), variable) for gradient, variable in pairs if gradient is not None]
        for gradient, variable in present:
            if gradient.shape != variable.shape:
                raise located(
                    ShapeError(f"{variable.name} has shape {variable.shape}, its gradient has shape {gradient.shape}")
                )
        self.build([variable for _, variable in present])
        taken = self.iterations.value()
        step = apply(ew.add, (taken, number(1, np.int64)))
        rate = self._rate.value() if isinstance(self._rate, Variable) else lift(self._rate(taken))
        shared = self.scalars(cast(rate, _F64), cast(step, _F64))
        for gradient, variable in present:
            slots = self.slots[self._seen.positions[id(variable)]]
            value, moved = self.update(
                variable.value(),
                cast(gradient, variable.dtype),
                {slot: kept.value() for slot, kept in slots.items()},
                [cast(scalar, variable.dtype) for scalar in shared],
            )
            for slot, new in moved.items():
                slots[slot].assign(new)
            variable.assign(value)
        self.iterations.assign(step)

    def _check(self, pairs: list[tuple[Any, Variable]]) -> None:
        if len({id(variable) for _, variable in pairs}) != len(pairs):
            raise ValueError("a Variable stands twice among the gradients; add its gradients up first")
        for _, variable in pairs:
            if variable.dtype.kind not in FLOATS:
                raise DTypeError(f"{variable.name} is {variable.dtype}; only floating Variables are optimised")
        missing = [variable.name for gradient, variable in pairs if gradient is None]
        if len(missing) == len(pairs):
            raise ValueError(f"No gradients provided for any variable: {missing}")
        if missing and not self._warned:
            self._warned = True
            warn(f"Gradients do not exist for variables {missing} when minimizing the loss; they stay as they are")
