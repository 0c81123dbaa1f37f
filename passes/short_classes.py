"""Which values are written position by position of their short axis: those for which something makes it worth it.

Values that ops tie together along the axis (operands and results of elementwise ops, say) are all written so, or none.
A loop over elements that lie one behind the other needs no such thing: a short axis is in the way where something is
repeated along it or beside it, where it is reduced or kept by a reduction, and where its positions are taken apart.
"""

from __future__ import annotations

from typing import Final

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import contraction, movement
from tapec.ops import elementwise as ew
from tapec.passes.short_axes import MOST, Shape, has_long_axes, innermost, short_axis

# Whose result has the short axis of the operand, whatever is done along the others.
_ALIKE: Final = frozenset({movement.broadcast, movement.reshape, movement.transpose, movement.slice_, movement.unslice})


def written_out(graph: Graph, products: bool = True) -> dict[Value, int]:
    """The values of a graph that are to be written position by position, each with its short axis.

    Args:
        graph: the graph.
        products: whether short products are written out too.
    """
    axes = {value: axis for value in _values(graph) if (axis := short_axis(value.shape)) is not None}
    if not axes:
        return {}
    classes = _Classes(axes, products)
    for op in graph.ops:
        classes.add(op)
    return {value: axis for value, axis in axes.items() if classes.is_worth_it(value)}


def is_short_product(op: Op) -> bool:
    """Whether a product has few columns and a short inner axis, beside many rows or matrices."""
    if op.primitive is not contraction.matmul or not op.result.type.dtype.is_float or 0 in op.result.shape:
        return False
    *rest, columns = op.result.shape
    inner = op.operands[0].shape[-1]
    return columns <= MOST and 0 < inner <= MOST and has_long_axes(tuple(rest))


def _values(graph: Graph) -> list[Value]:
    return [*graph.inputs, *(value for op in graph.ops for value in op.results)]


class _Classes:
    """Sets of values that belong together. One is worth it if the axis is in the way and if something is computed."""

    def __init__(self, axes: dict[Value, int], products: bool) -> None:
        self.axes = axes
        self._products = products
        self._in_the_way: set[Value] = set()
        self._computed: set[Value] = set()
        self._leader: dict[Value, Value] = {}

    def find(self, value: Value) -> Value:
        """What stands for the set of a value."""
        leader = self._leader.setdefault(value, value)
        while leader is not self._leader[leader]:
            self._leader[value] = leader = self._leader[leader]
        return leader

    def _join(self, a: Value, b: Value) -> None:
        first, second = self.find(a), self.find(b)
        if first is not second:
            self._leader[second] = first
            for some in (self._in_the_way, self._computed):
                if second in some:
                    some.add(first)

    def is_worth_it(self, value: Value) -> bool:
        """Whether the set of a value is worth it."""
        leader = self.find(value)
        return leader in self._in_the_way and leader in self._computed

    def _note(self, some: set[Value], *values: Value) -> None:
        some.update([self.find(v) for v in values if v in self.axes])

    def add(self, op: Op) -> None:
        """Takes what one op says of its operands and results."""
        primitive = op.primitive
        if primitive.family is ew.ELEMENTWISE:
            self._note(self._computed, op.result)
            for value in op.operands:
                self._elementwise(op.result, value)
        elif primitive in _ALIKE:
            self._alike(op.operands[0], op.result)
            if _apart(op, self.axes):
                self._note(self._in_the_way, op.operands[0], op.result)
        elif primitive is movement.concat and op.attributes["axis"] == self.axes.get(op.result):
            for value in op.operands:
                self._alike(value, op.result)
            self._note(self._in_the_way, op.result)
        elif primitive.family.name == "reduction":
            self._alike(op.operands[0], op.result)
            self._needs(op.operands[0])
        elif self._products and is_short_product(op):
            self._needs(op.operands[0], op.result)

    def _needs(self, *values: Value) -> None:
        self._note(self._in_the_way, *values)
        self._note(self._computed, *values)

    def _alike(self, a: Value, b: Value) -> None:
        """Joins two values if both are written out or none: their positions correspond."""
        if a in self.axes and b in self.axes:
            self._join(a, b)

    def _elementwise(self, result: Value, value: Value) -> None:
        axis = self.axes.get(result)
        if axis is None or value.type.size == 1:
            return
        own = axis - len(result.shape) + len(value.shape)
        along = own >= 0 and value.shape[own] == result.shape[axis]
        if along and value in self.axes:
            self._join(result, value)
        if not along or _beside(value.shape[:own], result.shape[:axis]):
            self._note(self._in_the_way, result)


def _beside(own: Shape, result: Shape) -> bool:
    """Whether a value is repeated along the axis before the short one, so that no loop walks the two as one."""
    axis = innermost(result)
    if axis is None:
        return False
    at = axis - len(result) + len(own)
    return at < 0 or own[at] == 1


def _apart(op: Op, axes: dict[Value, int]) -> bool:
    """Whether a movement takes positions of a short axis apart, or puts them together."""
    if op.primitive not in (movement.slice_, movement.unslice):
        return False
    (value,) = op.operands
    axis = axes.get(value, axes.get(op.result))
    return axis is not None and value.shape[axis] != op.result.shape[axis]
