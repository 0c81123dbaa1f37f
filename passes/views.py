"""Views: values that are another value's memory, read in another order.

Broadcasts, transposes, slices and most reshapes move no data: they are an offset and one stride per axis over a *base*,
a value whose elements lie dense and row-major in a buffer.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import elementwise as ew
from tapec.ops import movement

Shape = tuple[int, ...]


def dense_strides(shape: Shape) -> Shape:
    """Row-major strides, in elements."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


class View(NamedTuple):
    """Element `i` of the view is element `offset + sum(i * strides)` of `base`.

    Args:
        base: the value that owns the memory.
        offset: position of the view's first element, in elements.
        shape: the view's extents.
        strides: elements from one index to the next, per axis; 0 where the view repeats.
    """

    base: Value
    offset: int
    shape: Shape
    strides: Shape

    @property
    def is_dense(self) -> bool:
        """Whether the elements follow one another without gaps, in row-major order."""
        return all(
            n == 1 or s == d for n, s, d in zip(self.shape, self.strides, dense_strides(self.shape), strict=True)
        )

    @property
    def is_all(self) -> bool:
        """Whether it has all of its base's elements, in the order in which they lie."""
        return self.offset == 0 and self.base.type.size == prod(self.shape) and self.is_dense

    def over(self, domain: Shape) -> Shape:
        """Strides of this view when it is broadcast to `domain`."""
        pad = len(domain) - len(self.shape)
        pairs = zip(self.shape, self.strides, domain[pad:], strict=True)
        return (0,) * pad + tuple([s if n == d and n != 1 else 0 for n, s, d in pairs])


def whole(value: Value) -> View:
    """A value as a view of itself."""
    return View(value, 0, value.shape, dense_strides(value.shape))


def reshape_strides(shape: Shape, strides: Shape, new: Shape) -> Shape | None:
    """Strides of the reshaped view, or None if the reshape needs a copy."""
    if prod(new) == 0:
        return dense_strides(new)
    runs: list[list[int]] = []  # [extent, stride] of maximal runs that one stride walks through
    for n, s in zip(shape, strides, strict=True):
        if n == 1:
            continue
        if runs and runs[-1][1] == n * s:
            runs[-1] = [runs[-1][0] * n, s]
        else:
            runs.append([n, s])
    out: list[int] = []
    left, step = runs.pop() if runs else [1, 1]
    for n in reversed(new):
        if n == 1:
            out.append(step)
            continue
        if left == 1:
            if not runs:
                return None
            left, step = runs.pop()
        if left % n:
            return None
        out.append(step)
        left //= n
        step *= n
    return tuple(reversed(out)) if left == 1 and not runs else None


def _moved(op: Op, source: View) -> View | None:
    """The view that a movement op makes of its operand's view; None where it needs a copy."""
    a: Any = op.attributes
    shape = op.result.shape
    match op.primitive.name:
        case "broadcast":
            return View(source.base, source.offset, shape, source.over(shape))
        case "reshape":
            strides = reshape_strides(source.shape, source.strides, shape)
            return None if strides is None else View(source.base, source.offset, shape, strides)
        case "transpose":
            return View(source.base, source.offset, shape, tuple([source.strides[i] for i in a["permutation"]]))
        case "windows":
            steps = [s * k for s, k in zip(source.strides, a["step"], strict=True)]
            return View(source.base, source.offset, shape, (*steps, *source.strides))
        case _:
            offset = source.offset
            if prod(shape):
                offset += sum(i * s for i, s in zip(a["start"], source.strides, strict=True))
            return View(
                source.base, offset, shape, tuple([s * k for s, k in zip(source.strides, a["step"], strict=True)])
            )


_SAME = frozenset({ew.stop_gradient, ew.barrier})
VIEWS = frozenset({movement.broadcast, movement.reshape, movement.transpose, movement.slice_, movement.windows}) | _SAME


class ViewTable(dict[Value, View]):
    """The view of every value of a graph; values that own their memory are views of themselves."""

    def __missing__(self, value: Value) -> View:
        view = None
        if value.op is not None and value.op.primitive in VIEWS:
            source = self[value.op.operands[0]]
            view = source if value.op.primitive in _SAME else _moved(value.op, source)
        if view is None:
            view = whole(value)
        self[value] = view
        return view


def views_of(graph: Graph, seeds: Mapping[Value, View] | None = None) -> ViewTable:
    """Views of all values, filled in program order so that no lookup recurses deeply.

    Args:
        graph: whose values.
        seeds: views that inputs are of values outside the graph (in regions).
    """
    table = ViewTable(seeds or {})
    for op in graph.ops:
        for value in op.results:
            table[value]
    return table
