"""Values written position by position of their short axis: what each op becomes.

A *part* of a value is the value at one position, without the axis. Ops that have no row here get whole values, which a
concatenation makes of the parts, and parts of their results are slices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tapec.ir.graph import Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import contraction, movement
from tapec.ops import elementwise as ew
from tapec.passes.graph_pass import Rebuild
from tapec.passes.identities import COMBINE
from tapec.passes.rewriting import Rewriter
from tapec.passes.short_axes import Shape, halved, shifted, without
from tapec.passes.short_classes import is_short_product


class Parts:
    """The new graph, with the parts of what is written out.

    Args:
        rebuild: the graph in the making.
        rewriter: appends to it.
        chosen: values of the old graph that are written out, each with its axis.
        products: whether short products are written out too.
    """

    def __init__(self, rebuild: Rebuild, rewriter: Rewriter, chosen: Mapping[Value, int], products: bool) -> None:
        self.rebuild = rebuild
        self.rewriter = rewriter
        self.chosen = chosen
        self.products = products
        self._parts: dict[Value, list[Value]] = {}

    def add(self, op: Op) -> None:
        """Appends what an op becomes."""
        self.rewriter.like = op
        write = _WRITE.get("elementwise" if op.primitive.family is ew.ELEMENTWISE else op.primitive.name)
        if write is None or not write(self, op):
            for value in op.operands:
                self.whole(value)
            self.rebuild.copy(op)

    def whole(self, value: Value) -> Value:
        """The new value of an old one, put together if only its parts are there."""
        found = self.rebuild.mapping.get(value)
        if found is None:
            found = self.rebuild.mapping[value] = self._stacked(self._parts[value], self.chosen[value], value.shape)
        return found

    def part(self, value: Value, axis: int, position: int) -> Value:
        """What an old value is at one position of an axis."""
        if self.chosen.get(value) == axis and value in self._parts:
            return self._parts[value][position]
        make, shape = self.rewriter.make, without(value.shape, axis)
        whole = self.whole(value)
        if value.shape[axis] > 1:
            start = tuple([position if i == axis else 0 for i in range(len(value.shape))])
            size = tuple([1 if i == axis else n for i, n in enumerate(value.shape)])
            whole = make(movement.slice_, whole, start=start, size=size, step=(1,) * len(size))
        return make(movement.reshape, whole, shape=shape)

    def beside(self, value: Value, result: Value, axis: int, position: int) -> Value:
        """The part of an operand that a broadcasting op takes for a position of its result."""
        own = axis - len(result.shape) + len(value.shape)
        if own < 0:
            return self.whole(value)
        return self.part(value, own, position if value.shape[own] > 1 else 0)

    def deliver(self, value: Value, axis: int, parts: list[Value]) -> bool:
        """Says what the parts of an old value are along an axis."""
        if self.chosen.get(value) == axis:
            self._parts[value] = parts
        else:
            self.rebuild.mapping[value] = self._stacked(parts, axis, value.shape)
        return True

    def deliver_whole(self, value: Value, new: Value) -> bool:
        """Says what becomes of an old value."""
        self.rebuild.mapping[value] = self.rewriter.make(movement.reshape, new, shape=value.shape)
        return True

    def applied(self, op: Op, operands: Sequence[Value], shape: Shape) -> Value:
        """An elementwise op of some shape, without the axes of extent 1 that would keep its loops from others'."""
        units = [axis for axis, n in enumerate(shape) if n == 1]
        squeezed = tuple([n for n in shape if n != 1])
        if units:
            operands = [self._squeezed(v, units, len(shape)) for v in operands]
        made = self.rewriter.fit(self.rewriter.make(op.primitive, *operands, **op.attributes), squeezed)
        return self.rewriter.make(movement.reshape, made, shape=shape)

    def reduced(self, primitive: Primitive, value: Value, axes: Shape) -> Value:
        """A reduction of a new value, without the axes of extent 1 either."""
        make, shape = self.rewriter.make, value.shape
        longer = [axis for axis, n in enumerate(shape) if n != 1]
        squeezed = make(movement.reshape, value, shape=tuple([shape[axis] for axis in longer]))
        along = tuple([longer.index(axis) for axis in axes if axis in longer])
        made = make(primitive, squeezed, axes=along) if along else squeezed
        return make(movement.reshape, made, shape=tuple([n for axis, n in enumerate(shape) if axis not in axes]))

    def _squeezed(self, value: Value, units: Sequence[int], rank: int) -> Value:
        extra = rank - len(value.shape)
        shape = tuple([n for axis, n in enumerate(value.shape) if axis + extra not in units])
        return self.rewriter.make(movement.reshape, value, shape=shape)

    def _stacked(self, parts: Sequence[Value], axis: int, shape: Shape) -> Value:
        size = (*shape[:axis], 1, *shape[axis + 1 :])
        rows = [self.rewriter.make(movement.reshape, part, shape=size) for part in parts]
        return self.rewriter.make(movement.concat, *rows, axis=axis)


def _elementwise(parts: Parts, op: Op) -> bool:
    result, axis = op.result, parts.chosen.get(op.result)
    if axis is None:
        made = parts.applied(op, [parts.whole(v) for v in op.operands], result.shape)
        return parts.deliver_whole(result, made)
    shape = without(result.shape, axis)
    beside = [[parts.beside(v, result, axis, k) for v in op.operands] for k in range(result.shape[axis])]
    return parts.deliver(result, axis, [parts.applied(op, operands, shape) for operands in beside])


def _broadcast(parts: Parts, op: Op) -> bool:
    (x,), result, axis = op.operands, op.result, parts.chosen.get(op.result)
    if axis is None:
        return False
    shape = without(result.shape, axis)
    made = [parts.rewriter.fit(parts.beside(x, result, axis, k), shape) for k in range(result.shape[axis])]
    return parts.deliver(result, axis, made)


def _reshape(parts: Parts, op: Op) -> bool:
    (x,), result = op.operands, op.result
    axis, own = parts.chosen.get(result), parts.chosen.get(x)
    if axis is None or own is None or result.shape[axis] != x.shape[own]:
        return False
    shape = without(result.shape, axis)
    made = [parts.rewriter.make(movement.reshape, parts.part(x, own, k), shape=shape) for k in range(x.shape[own])]
    return parts.deliver(result, axis, made)


def _transpose(parts: Parts, op: Op) -> bool:
    (x,), result = op.operands, op.result
    axis = parts.chosen.get(x)
    if axis is None:
        return False
    permutation: Any = op.attributes["permutation"]
    order = shifted(permutation, axis)
    make, count = parts.rewriter.make, x.shape[axis]
    made = [make(movement.transpose, parts.part(x, axis, k), permutation=order) for k in range(count)]
    return parts.deliver(result, permutation.index(axis), made)


def _slice(parts: Parts, op: Op) -> bool:
    (x,), result = op.operands, op.result
    axis = parts.chosen.get(x)
    if axis is None or 0 in result.shape:
        return False
    a: Any = op.attributes
    rest = {name: without(a[name], axis) for name in ("start", "size", "step")}
    made = []
    for k in range(result.shape[axis]):
        part = parts.part(x, axis, a["start"][axis] + k * a["step"][axis])
        made.append(parts.rewriter.make(movement.slice_, part, **rest))
    return parts.deliver(result, axis, made)


def _unslice(parts: Parts, op: Op) -> bool:
    (x,), result = op.operands, op.result
    axis = parts.chosen.get(result)
    if axis is None or 0 in x.shape:
        return False
    a: Any = op.attributes
    start, step = a["start"][axis], a["step"][axis]
    filled = {start + i * step: i for i in range(x.shape[axis])}
    shape = without(result.shape, axis)
    rest = {"start": without(a["start"], axis), "step": without(a["step"], axis), "shape": shape}
    made = []
    for k in range(result.shape[axis]):
        if k in filled:
            made.append(parts.rewriter.make(movement.unslice, parts.part(x, axis, filled[k]), **rest))
        else:
            made.append(parts.rewriter.fit(parts.rewriter.constant(0, x.type.dtype), shape))
    return parts.deliver(result, axis, made)


def _concat(parts: Parts, op: Op) -> bool:
    result, axis = op.result, parts.chosen.get(op.result)
    if axis is None or op.attributes["axis"] != axis:
        return False
    made = [parts.part(v, axis, k) for v in op.operands for k in range(v.shape[axis])]
    return parts.deliver(result, axis, made)


def _reduction(parts: Parts, op: Op) -> bool:
    (x,), result = op.operands, op.result
    axis = parts.chosen.get(x)
    axes: Any = op.attributes["axes"]
    if axis is None:
        return parts.deliver_whole(result, parts.reduced(op.primitive, parts.whole(x), axes))
    rest = shifted(axes, axis)
    each = [parts.part(x, axis, k) for k in range(x.shape[axis])]
    if axis in axes:
        combine = COMBINE[op.primitive]
        together = halved(each, lambda a, b: parts.rewriter.make(combine, a, b))
        return parts.deliver_whole(result, parts.reduced(op.primitive, together, rest))
    made = [parts.reduced(op.primitive, part, rest) for part in each]
    return parts.deliver(result, axis - sum(i < axis for i in axes), made)


def _matmul(parts: Parts, op: Op) -> bool:
    if not parts.products or not is_short_product(op):
        return False
    (a, b), result, make = op.operands, op.result, parts.rewriter.make
    inner, columns = len(a.shape) - 1, len(b.shape) - 1
    made = []
    for j in range(b.shape[columns]):
        column = parts.part(b, columns, j)
        chain = parts.rewriter.constant(0.0, result.type.dtype)
        for k in range(a.shape[inner]):
            start, size = (*(0 for _ in column.shape[:-1]), k), (*column.shape[:-1], 1)
            factor = make(movement.slice_, column, start=start, size=size, step=(1,) * len(size))
            chain = make(contraction.fma, parts.part(a, inner, k), factor, chain)
        made.append(chain)
    return parts.deliver(result, columns, made)


_WRITE: dict[str, Callable[[Parts, Op], bool]] = {
    "elementwise": _elementwise,
    "broadcast": _broadcast,
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "unslice": _unslice,
    "concat": _concat,
    "sum": _reduction,
    "prod": _reduction,
    "max": _reduction,
    "min": _reduction,
    "matmul": _matmul,
}
