"""Windows that move from round to round, as one array of all of them, in the order in which the loop reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tapec.ir.graph import Op, Value
from tapec.ops import indexing, movement
from tapec.passes.windows import Moving

if TYPE_CHECKING:
    from tapec.passes.rolled_loop import Loop, Rolled


def _moved_window(loop: Loop, window: Moving) -> tuple[int, int]:
    """Start and step of a window's axis over all rounds, in the order in which the loop runs through its slices."""
    segment = loop.segment
    first, step = window.start(segment.low), window.step
    return (first + step * (segment.rounds - 1), -step) if loop.reverse else (first, step)


def moving_rows(loop: Loop, op: Op, window: Moving) -> np.ndarray[Any, Any]:
    """Per round the positions that a slice reads on the axis on which its window moves."""
    segment = loop.segment
    attributes: Any = op.attributes
    starts = np.array([window.start(k) for k in range(segment.low, segment.high)], np.int64)
    if loop.reverse:
        starts = starts[::-1]
    stride = int(attributes["step"][window.axis])
    rows: np.ndarray[Any, Any] = starts[:, None] + stride * np.arange(window.size)
    return rows


def _sliced(op: Op, axis: int, shape: tuple[int, ...]) -> dict[str, Any] | None:
    """Attributes of the slice that reads what `op` does on all axes but one, and everything there; None if that is all
    of a value of `shape`.
    """
    attributes: Any = op.attributes
    size = with_axis(attributes["size"], axis, shape[axis])
    if size == shape and all(s == 1 for i, s in enumerate(attributes["step"]) if i != axis):
        return None
    return {
        "start": with_axis(attributes["start"], axis, 0),
        "size": size,
        "step": with_axis(attributes["step"], axis, 1),
    }


def stacked_windows(rolling: Rolled, loop: Loop, op: Op, window: Moving, source: Value) -> Value:
    """The windows of all rounds, stacked along a new first axis, or along the window's axis if that has extent 1."""
    axis, rounds = window.axis, loop.segment.rounds
    attributes: Any = op.attributes
    first, step = _moved_window(loop, window)
    if window.even and window.size == 1:
        replaced = {
            "start": with_axis(attributes["start"], axis, first),
            "size": with_axis(attributes["size"], axis, rounds),
            "step": with_axis(attributes["step"], axis, step),
        }
        return _first(rolling, rolling.emit(movement.slice_, (source,), replaced), axis)
    if window.even and window.step == window.size and attributes["step"][axis] == 1:
        return _side_by_side(rolling, loop, op, window, source)
    whole = _sliced(op, axis, source.shape)
    if whole is not None:
        source = rolling.emit(movement.slice_, (source,), whole)
    table = rolling.table(moving_rows(loop, op, window))
    return _first(rolling, rolling.emit(indexing.take, (source, table), {"axis": axis}), axis)


def _side_by_side(rolling: Rolled, loop: Loop, op: Op, window: Moving, source: Value) -> Value:
    """Windows each of which begins where the one before it ends: a reshape."""
    axis, rounds, size = window.axis, loop.segment.rounds, window.size
    attributes: Any = op.attributes
    replaced = {
        "start": with_axis(attributes["start"], axis, window.start(loop.segment.low)),
        "size": with_axis(attributes["size"], axis, rounds * size),
        "step": attributes["step"],
    }
    whole = rolling.emit(movement.slice_, (source,), replaced)
    shape = (*whole.shape[:axis], rounds, size, *whole.shape[axis + 1 :])
    stack = _first(rolling, rolling.emit(movement.reshape, (whole,), {"shape": shape}), axis)
    if not loop.reverse:
        return stack
    others = len(stack.shape) - 1
    backwards = {"start": (rounds - 1, *(0,) * others), "size": stack.shape, "step": (-1, *(1,) * others)}
    return rolling.emit(movement.slice_, (stack,), backwards)


def _first(rolling: Rolled, value: Value, axis: int) -> Value:
    """With an axis in front of all others."""
    if axis == 0:
        return value
    order = (axis, *(i for i in range(len(value.shape)) if i != axis))
    return rolling.emit(movement.transpose, (value,), {"permutation": order})


def with_axis(values: tuple[int, ...], axis: int, value: int) -> tuple[int, ...]:
    """A tuple with one entry replaced."""
    return (*values[:axis], value, *values[axis + 1 :])
