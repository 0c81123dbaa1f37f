"""Short axes: an innermost axis of two to four positions beside many others, as points, quaternions and colours have.

Nothing is gained by walking such an axis in a loop, or across lanes: loops and passes see one value for each of its
positions instead. What is *short* depends on a shape alone, since the order in which reductions combine depends on it
(`docs/design/0002-numerics.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Final, TypeVar

Shape = tuple[int, ...]
T = TypeVar("T")

# Positions of a short axis at most: what a few of them need together fits the registers.
MOST: Final = 4
# Elements that the longer axes have together at least: fewer are no loop of vectors.
LEAST: Final = 16


def short_axis(shape: Shape) -> int | None:
    """The innermost axis longer than 1 if it is short and others are long; None if there is no such axis."""
    if 0 in shape or not has_long_axes(shape):
        return None
    axis = innermost(shape)
    return axis if axis is not None and shape[axis] <= MOST else None


def has_long_axes(shape: Shape) -> bool:
    """Whether the axes that are too long to be short have enough elements together."""
    return prod(n for n in shape if n > MOST) >= LEAST


def innermost(shape: Shape) -> int | None:
    """The innermost axis longer than 1."""
    return next((axis for axis in reversed(range(len(shape))) if shape[axis] > 1), None)


def without(shape: Shape, axis: int) -> Shape:
    """A shape without one axis."""
    return (*shape[:axis], *shape[axis + 1 :])


def shifted(axes: Shape, axis: int) -> Shape:
    """Axes, without one of them, as they are numbered when that one is gone."""
    return tuple([i - (i > axis) for i in axes if i != axis])


def halved(lanes: Sequence[T], combine: Callable[[T, T], T]) -> T:
    """As `tapec.passes.reducing` combines lanes: each of the first half with one of the second."""
    while len(lanes) > 1:
        half = 1 << (len(lanes) - 1).bit_length() - 1
        low, high = lanes[:half], lanes[half:]
        lanes = [*[combine(a, b) for a, b in zip(low, high, strict=False)], *low[len(high) :]]
    return lanes[0]
