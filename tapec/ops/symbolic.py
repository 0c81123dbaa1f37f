"""Formulas over graph values: Python's operators and the primitives as functions of `Sym`.

Derivative rules and passes write with these. Python numbers become constants of the other operand's dtype.
"""

from __future__ import annotations

from typing import Any

from tapec.ir.builder import Builder
from tapec.ir.dtypes import DType
from tapec.ir.graph import Value
from tapec.ir.primitive import Primitive
from tapec.ir.types import TensorType
from tapec.ops import contraction, creation, indexing, movement, reduction
from tapec.ops import elementwise as ew


class Sym:
    """A value together with the builder that appends to its graph."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: Builder, value: Value) -> None:
        self.builder = builder
        self.value = value

    @property
    def type(self) -> TensorType:
        """The value's type."""
        return self.value.type

    @property
    def shape(self) -> tuple[int, ...]:
        """The value's shape."""
        return self.value.type.shape

    @property
    def dtype(self) -> DType:
        """The value's element type."""
        return self.value.type.dtype

    def constant(self, number: bool | float) -> Sym:
        """A scalar of this value's dtype."""
        kind = self.dtype.kind
        exact = bool(number) if kind == "b" else float(number) if kind == "f" else int(number)
        op = self.builder.emit(creation.constant, (), {"value": exact, "dtype": self.dtype.name})
        return Sym(self.builder, op.result)

    def _lift(self, other: Sym | float) -> Sym:
        return other if isinstance(other, Sym) else self.constant(other)

    def __add__(self, other: Sym | float) -> Sym:
        return apply(ew.add, self, self._lift(other))

    def __radd__(self, other: float) -> Sym:
        return apply(ew.add, self._lift(other), self)

    def __sub__(self, other: Sym | float) -> Sym:
        return apply(ew.sub, self, self._lift(other))

    def __rsub__(self, other: float) -> Sym:
        return apply(ew.sub, self._lift(other), self)

    def __mul__(self, other: Sym | float) -> Sym:
        return apply(ew.mul, self, self._lift(other))

    def __rmul__(self, other: float) -> Sym:
        return apply(ew.mul, self._lift(other), self)

    def __truediv__(self, other: Sym | float) -> Sym:
        return apply(ew.div, self, self._lift(other))

    def __rtruediv__(self, other: float) -> Sym:
        return apply(ew.div, self._lift(other), self)

    def __neg__(self) -> Sym:
        return apply(ew.neg, self)

    def __lt__(self, other: Sym | float) -> Sym:
        return apply(ew.lt, self, self._lift(other))

    def __le__(self, other: Sym | float) -> Sym:
        return apply(ew.le, self, self._lift(other))

    def __gt__(self, other: Sym | float) -> Sym:
        return apply(ew.gt, self, self._lift(other))

    def __ge__(self, other: Sym | float) -> Sym:
        return apply(ew.ge, self, self._lift(other))


def apply(primitive: Primitive, *operands: Sym, **attributes: Any) -> Sym:
    """Emits `primitive` through the first operand's builder; its single result."""
    builder = operands[0].builder
    return Sym(builder, builder.emit(primitive, tuple([x.value for x in operands]), attributes).result)


def equal(a: Sym, b: Sym | float) -> Sym:
    """Elementwise equality (`==` is left to mean that two `Sym` are the same object)."""
    return apply(ew.eq, a, a._lift(b))


def select(condition: Sym, a: Sym | float, b: Sym | float, like: Sym | None = None) -> Sym:
    """`a` where `condition`, else `b`; `like` gives the dtype when both are numbers."""
    pattern = a if isinstance(a, Sym) else b if isinstance(b, Sym) else like
    assert pattern is not None
    return apply(ew.select, condition, pattern._lift(a), pattern._lift(b))


def cast(x: Sym, dtype: DType) -> Sym:
    """`x` in another dtype; `x` itself if it has it."""
    return x if x.dtype is dtype else apply(ew.cast, x, dtype=dtype.name)


def broadcast(x: Sym, shape: tuple[int, ...]) -> Sym:
    """`x` repeated to `shape`; `x` itself if it has it."""
    return x if x.shape == shape else apply(movement.broadcast, x, shape=shape)


def reshape(x: Sym, shape: tuple[int, ...]) -> Sym:
    """`x` reshaped; `x` itself if it has the shape."""
    return x if x.shape == shape else apply(movement.reshape, x, shape=shape)


def transpose(x: Sym, permutation: tuple[int, ...]) -> Sym:
    """`x` with its axes permuted."""
    return apply(movement.transpose, x, permutation=permutation)


def reduce_sum(x: Sym, axes: tuple[int, ...]) -> Sym:
    """Sum over `axes`; `x` itself if there are none."""
    return apply(reduction.sum, x, axes=axes) if axes else x


def matmul(a: Sym, b: Sym) -> Sym:
    """Batched matrix product."""
    return apply(contraction.matmul, a, b)


def take(x: Sym, indices: Sym, axis: int) -> Sym:
    """`x` at `indices` along `axis`."""
    return apply(indexing.take, x, indices, axis=axis)


def zeros(builder: Builder, type: TensorType) -> Sym:
    """Zeros of a type."""
    value: bool | float = False if type.dtype.kind == "b" else 0.0 if type.dtype.is_float else 0
    scalar = Sym(builder, builder.emit(creation.constant, (), {"value": value, "dtype": type.dtype.name}).result)
    return broadcast(scalar, type.shape)
