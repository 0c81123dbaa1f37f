"""The primitives as functions of tensors, for the formulas of this package. They cast nothing."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from tapec.dispatch import apply, cast, lift
from tapec.ir.dtypes import FLOATS
from tapec.ops import elementwise as ew
from tapec.ops import indexing, movement, reduction
from tapec.tensor import Tensor

INFINITY = inf


def select(condition: Tensor, a: Tensor | float, b: Tensor | float) -> Tensor:
    """`a` where `condition`, else `b`; one of them is a tensor, a number takes its dtype, whatever that is."""
    if not isinstance(a, Tensor):
        assert isinstance(b, Tensor)
        a = cast(lift(a, b._array.dtype), b._array.dtype)
    if not isinstance(b, Tensor):
        b = cast(lift(b, a._array.dtype), a._array.dtype)
    return apply(ew.select, (condition, a, b))


def magnitude(x: Tensor) -> Tensor:
    """|x| whose derivative at 0 is 1 from the right, never 0, so that odd and even extensions differentiate there."""
    return select(x < 0, -x, x)


def odd(x: Tensor, right: Tensor) -> Tensor:
    """The odd function whose value at `magnitude(x)` is `right`."""
    return select(x < 0, -right, right)


def exp(x: Tensor) -> Tensor:
    """e to the power x."""
    return apply(ew.exp, (x,))


def expm1(x: Tensor) -> Tensor:
    """exp(x) - 1."""
    return apply(ew.expm1, (x,))


def log(x: Tensor) -> Tensor:
    """Natural logarithm."""
    return apply(ew.log, (x,))


def log1p(x: Tensor) -> Tensor:
    """log(1 + x)."""
    return apply(ew.log1p, (x,))


def sqrt(x: Tensor) -> Tensor:
    """Square root."""
    return apply(ew.sqrt, (x,))


def power(a: Tensor | float, b: Tensor | float) -> Tensor:
    """Power of floats; one of them is a tensor, a number takes its dtype."""
    if not isinstance(a, Tensor):
        assert isinstance(b, Tensor)
        a = lift(a, b._array.dtype)
    if not isinstance(b, Tensor):
        b = lift(b, a._array.dtype)
    return apply(ew.pow, (a, b))


def sin(x: Tensor) -> Tensor:
    """Sine."""
    return apply(ew.sin, (x,))


def cos(x: Tensor) -> Tensor:
    """Cosine."""
    return apply(ew.cos, (x,))


def atan2(y: Tensor | float, x: Tensor | float) -> Tensor:
    """Angle of the point (x, y); one of them is a tensor, a number takes its dtype."""
    if not isinstance(y, Tensor):
        assert isinstance(x, Tensor)
        y = lift(y, x._array.dtype)
    if not isinstance(x, Tensor):
        x = lift(x, y._array.dtype)
    return apply(ew.atan2, (y, x))


def maximum(a: Tensor, b: Tensor) -> Tensor:
    """Larger one; NaN if either is."""
    return apply(ew.maximum, (a, b))


def minimum(a: Tensor, b: Tensor) -> Tensor:
    """Smaller one; NaN if either is."""
    return apply(ew.minimum, (a, b))


def both(a: Tensor, b: Tensor) -> Tensor:
    """Logical and of booleans."""
    return apply(ew.bit_and, (a, b))


def either(a: Tensor, b: Tensor) -> Tensor:
    """Logical or of booleans."""
    return apply(ew.bit_or, (a, b))


def inverted(a: Tensor) -> Tensor:
    """Logical not of booleans."""
    return apply(ew.bit_not, (a,))


def stop_gradient(x: Tensor) -> Tensor:
    """`x`, through which no derivative flows."""
    return apply(ew.stop_gradient, (x,))


def truth(x: Tensor) -> Tensor:
    """Whether each element is not zero."""
    return x if x._array.dtype.kind == "b" else x != 0


def reshape(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """`x` reshaped; `x` itself if it has the shape."""
    return x if x._array.shape == shape else apply(movement.reshape, (x,), {"shape": shape})


def broadcast(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """`x` repeated to `shape`; `x` itself if it has it."""
    return x if x._array.shape == shape else apply(movement.broadcast, (x,), {"shape": shape})


def transpose(x: Tensor, permutation: tuple[int, ...]) -> Tensor:
    """`x` with its axes permuted; `x` itself if that changes nothing."""
    if permutation == tuple(range(len(permutation))):
        return x
    return apply(movement.transpose, (x,), {"permutation": permutation})


def window(x: Tensor, axis: int, start: int, size: int, step: int = 1) -> Tensor:
    """Elements `start + i * step`, `i < size`, along one axis; `x` itself if those are all in order."""
    shape = x._array.shape
    if start == 0 and size == shape[axis] and step == 1:
        return x
    rank = len(shape)
    starts = tuple([start if i == axis else 0 for i in range(rank)])
    sizes = tuple([size if i == axis else n for i, n in enumerate(shape)])
    steps = tuple([step if i == axis else 1 for i in range(rank)])
    return apply(movement.slice_, (x,), {"start": starts, "size": sizes, "step": steps})


def concat(parts: list[Tensor], axis: int) -> Tensor:
    """Tensors of one dtype one after another; the only one itself."""
    return parts[0] if len(parts) == 1 else apply(movement.concat, tuple(parts), {"axis": axis})


def reduce_sum(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Sum over axes; `x` itself if there are none."""
    return apply(reduction.sum, (x,), {"axes": axes}) if axes else x


def take(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """`x` at `indices` along `axis`."""
    return apply(indexing.take, (x, indices), {"axis": axis})


def constant(value: Any, dtype: np.dtype[Any]) -> Tensor:
    """A scalar of a dtype."""
    return lift(np.asarray(value, dtype))


def filled(value: bool | float, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
    """A tensor of one number."""
    return broadcast(lift(np.asarray(value, dtype)), shape)


def strong(value: Any) -> Tensor:
    """What NumPy's functions make of an operand: a tensor whose dtype does not give way."""
    x = lift(value)
    return cast(x, x._array.dtype) if x._weak else x


def floating(value: Any) -> Tensor:
    """An operand as NumPy's averages take it: integers and booleans as float64."""
    x = strong(value)
    return x if x._array.dtype.kind in FLOATS else cast(x, np.dtype(np.float64))
