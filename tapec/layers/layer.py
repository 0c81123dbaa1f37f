"""What layers share: a name, a dtype, and Variables that are made at the first call."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from tapec.dispatch import cast, lift
from tapec.errors import DTypeError
from tapec.ir import dtypes
from tapec.layers.initializers import Initializer
from tapec.module import Module
from tapec.naming import name_scope, snake_case, unique_name
from tapec.placement import beside
from tapec.suspension import suspended
from tapec.tensor import Tensor
from tapec.variable import Variable


class Layer(Module, ABC):
    """A function of one tensor, with Variables of its own.

    Args:
        name: stands before the names of the Variables; the class's name and a number if it is not given.
        dtype: of the Variables. Inputs are converted to it, float64 arrays to a float32 layer for one.
        trainable: whether tapes watch the weights.

    Attributes:
        built: whether the Variables have been made.

    >>> import numpy as np, tapec as tp
    >>> class Scale(tp.layers.Layer):
    ...     def build(self, shape):
    ...         self.factor = self.add_weight("factor", shape[-1:], tp.layers.initializers.get("ones"))
    ...     def call(self, x, training):
    ...         return x * self.factor
    >>> Scale()(np.full((1, 2), 3.0)).tolist()
    [[3.0, 3.0]]
    """

    def __init__(self, *, name: str | None = None, dtype: Any = np.float32, trainable: bool = True) -> None:
        super().__init__(name if name is not None else unique_name(snake_case(type(self).__name__)))
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        if not dtypes.of(self.dtype).is_float:
            raise DTypeError(f"layers compute with floats, got dtype {self.dtype}")
        self.trainable = trainable
        self.built = False
        self._lock = threading.RLock()

    @abstractmethod
    def build(self, shape: tuple[int, ...]) -> None:
        """Makes the Variables for inputs of a shape, with `add_weight`.

        Raises:
            ShapeError: the layer takes no inputs of this shape.
        """

    @abstractmethod
    def call(self, x: Tensor, training: bool) -> Tensor:
        """The result for an input of the layer's dtype."""

    def convert(self, x: Any) -> Tensor:
        """The input as `call` takes it."""
        return cast(lift(x), self.dtype)

    def __call__(self, x: Any, training: bool = False) -> Tensor:
        """The result for one input.

        Args:
            x: a tensor, Variable or array.
            training: whether this is a step of training; dropout and batch normalisation do other things then.

        Raises:
            ShapeError: the layer does not take this shape.
        """
        value = self.convert(x)
        if not self.built:
            self._build(value)
        return self.call(value, training)

    def _build(self, value: Tensor) -> None:
        """Makes the Variables, where the first input lies."""
        with self._lock:
            if not self.built:
                with suspended(), beside(value), name_scope(self.name):
                    self.build(value.shape)
                self.built = True

    def add_weight(
        self, name: str, shape: tuple[int, ...], initializer: Initializer, *, trainable: bool = True
    ) -> Variable:
        """A new Variable of the layer's dtype; to be called by `build`, which keeps it in an attribute."""
        return Variable(initializer(shape, self.dtype), trainable=trainable and self.trainable, name=name)

    def __repr__(self) -> str:
        return f"<tapec.layers.{type(self).__name__} {self.name}>"


class Stateless(Layer, ABC):
    """A layer without Variables."""

    def build(self, shape: tuple[int, ...]) -> None:
        """See `Layer.build`."""
