"""A window that moves by the same step each round, inside the loop: an index in the place of a constant start."""

from __future__ import annotations

from typing import Any

from tapec.ir.builder import emit
from tapec.ir.graph import Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import indexing, movement, update
from tapec.passes.views import dense_strides
from tapec.passes.windows import WINDOWED, Moving


def row_major(op: Op, moving: Moving) -> tuple[int, int] | None:
    """Of a window of one element its row-major position: that of start 0, and the step per start; else None."""
    measured = WINDOWED[op.primitive]
    if (op.result if measured is None else op.operands[measured]).type.size != 1:
        return None
    strides = dense_strides(op.operands[0].shape)
    start: Any = op.attributes["start"]
    others = sum(n * s for axis, (n, s) in enumerate(zip(start, strides, strict=True)) if axis != moving.axis)
    return others, strides[moving.axis]


def is_line(op: Op, moving: Moving) -> bool:
    """Whether a window that moves by an index is one element, or all that the index picks."""
    if moving.size != 1:
        return False
    measured = WINDOWED[op.primitive]
    size = (op.result if measured is None else op.operands[measured]).shape
    step: Any = op.attributes["step"]
    others = [axis for axis in range(len(size)) if axis != moving.axis]
    whole = all(size[axis] == op.operands[0].shape[axis] and (size[axis] == 1 or step[axis] == 1) for axis in others)
    return whole or all(n == 1 for n in size)


def at_index(ops: list[Op], op: Op, operands: tuple[Value, ...], index: Value, axis: int | None) -> Value:
    """Appends ops that do what `op` does with its window at `index`; their result.

    Args:
        ops: where to.
        op: a `slice`, `slice_set` or `slice_add`.
        operands: its operands.
        index: an i64 scalar for a window that has extent 1 on `axis`, else all its positions there.
        axis: of the index; None if it counts in row-major order, which it may for windows of one element.
    """
    return _AtIndex(ops, op, operands, index, axis).write()


class _AtIndex:
    def __init__(self, ops: list[Op], op: Op, operands: tuple[Value, ...], index: Value, axis: int | None) -> None:
        self.graph = Graph("", ops=ops)
        self.op = op
        self.x = operands[0]
        self.new = operands[-1]
        self.index = index
        self.axis = axis
        self.row = index.shape  # what stands for the axis in a row

    def write(self) -> Value:
        """The result."""
        row: tuple[int, ...] = ()
        if self.axis is None:
            lines, axis = self._emit(movement.reshape, self.x, shape=(self.x.type.size,)), 0
        else:
            lines, axis = self.x, self.axis
            row = self.x.shape[:axis] + self.row + self.x.shape[axis + 1 :]
        if self.op.primitive is movement.slice_:
            found = self._part(self._emit(indexing.take, lines, self.index, axis=axis))
            return self._emit(movement.reshape, found, shape=self.op.result.shape)
        size = () if self.axis is None else self.new.shape[:axis] + self.row + self.new.shape[axis + 1 :]
        if self._is_all(size, row):
            new = self._emit(movement.reshape, self.new, shape=row)
            made = self._changed(self.op.primitive, lines, new, axis)
        else:
            old = self._emit(indexing.take, lines, self.index, axis=axis)
            new = self._emit(movement.reshape, self.new, shape=size)
            changed = self._emit(self.op.primitive, old, new, **self._window("start", "step"))
            made = self._changed(update.slice_set, lines, changed, axis)
        return self._emit(movement.reshape, made, shape=self.op.result.shape)

    def _changed(self, primitive: Primitive, lines: Value, new: Value, axis: int) -> Value:
        """A whole line set, or added to."""
        if primitive is update.slice_add:
            return self._emit(indexing.scatter_add, lines, self.index, new, axis=axis)
        return self._emit(indexing.put, lines, self.index, new, axis=axis, distinct=True)

    def _part(self, line: Value) -> Value:
        window = self._window("start", "size", "step")
        return line if self._is_all(window["size"], line.shape) else self._emit(movement.slice_, line, **window)

    def _is_all(self, size: tuple[int, ...], row: tuple[int, ...]) -> bool:
        """Whether the window is a whole line, as it lies."""
        steps = self._window("step")["step"]
        return size == row and all(n == 1 or step == 1 for n, step in zip(row, steps, strict=True))

    def _window(self, *names: str) -> dict[str, tuple[int, ...]]:
        """The window in a row: all of what the index counts along."""
        attributes: Any = self.op.attributes
        if self.axis is None:
            return dict.fromkeys(names, ())
        whole = {"start": (0,) * len(self.row), "size": self.row, "step": (1,) * len(self.row)}
        axis = self.axis
        return {name: attributes[name][:axis] + whole[name] + attributes[name][axis + 1 :] for name in names}

    def _emit(self, primitive: Primitive, *operands: Value, **attributes: Any) -> Value:
        return emit(self.graph, primitive, operands, attributes, self.op.location, self.op.phase).result
