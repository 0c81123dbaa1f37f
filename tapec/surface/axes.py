"""Axis arguments as NumPy takes them, in the form in which primitives want them."""

from __future__ import annotations

from operator import index
from typing import Any

from tapec.dispatch import located
from tapec.errors import AttributeValueError


def one_axis(axis: Any, ndim: int) -> int:
    """A single axis counted from the front.

    Raises:
        AttributeValueError: the axis is outside the rank.
    """
    number = index(axis)
    if not -ndim <= number < ndim:
        raise located(AttributeValueError(f"axis {number} is out of bounds for a tensor of dimension {ndim}"))
    return number + ndim if number < 0 else number


def several_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes in the order given; all of them for None. Axis 0 of a tensor without axes is none, as in NumPy's reductions.

    Raises:
        AttributeValueError: an axis is outside the rank, or named twice.
    """
    if axis is None:
        return tuple(range(ndim))
    if not ndim and not isinstance(axis, (tuple, list)):
        one_axis(axis, 1)
        return ()
    axes = tuple([one_axis(a, ndim) for a in axis]) if isinstance(axis, (tuple, list)) else (one_axis(axis, ndim),)
    if len(set(axes)) != len(axes):
        raise located(AttributeValueError(f"axes {axis} name one axis twice"))
    return axes


def kept(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape after a reduction with `keepdims`."""
    return tuple([1 if i in axes else n for i, n in enumerate(shape)])
