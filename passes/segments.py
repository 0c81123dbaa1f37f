"""Nests whose windows lie side by side, cut where one ends and the next begins.

The gradient of slices that share out an axis among them (the gates of an LSTM, the parts of a concatenation) is one
nest with a window for each. No position lies in all of them, so that each vector would load them all under masks, and
compute what is made of each. Between two bounds a window covers everything or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from tapec.ir import dtypes
from tapec.ops import elementwise as ew
from tapec.passes.loops import (
    Access,
    Compute,
    Constant,
    Index,
    Inside,
    Instruction,
    Load,
    Nest,
    Reduce,
    Store,
    Window,
    needed,
    zero,
)
from tapec.passes.reducing import LANES

MOST_SEGMENTS: Final = 8  # each is a nest of its own
LEAST_POSITIONS: Final = LANES  # whole vectors

Windows = tuple[Window | None, ...]


def segmented(nest: Nest) -> list[Nest]:
    """Nests over parts of an axis, which together do the same; the nest alone if it has no such windows."""
    for axis in sorted(nest.windowed_axes):
        bounds = _bounds(nest, axis)
        if bounds is not None:
            return [piece for start, stop in pairwise(bounds) for piece in segmented(_part(nest, axis, start, stop))]
    return [nest]


def _bounds(nest: Nest, axis: int) -> list[int] | None:
    """Where windows along an axis begin and end, with the ends of the axis; None if it is not to be cut."""
    extent = nest.extents[axis]
    windows = [w for i in nest.body if isinstance(i, Load | Inside) and (w := _along(i, axis)) is not None]
    if nest.reduced[axis] or not isinstance(extent, int) or any(w.step != 1 for w in windows):
        return None
    if any(isinstance(i, Index) and i.axis == axis for i in nest.body):
        return None
    if max(w.start for w in windows) < min(w.start + w.extent for w in windows):
        return None  # most positions lie in all of them, and need no masks
    bounds = sorted({0, extent, *[at for w in windows for at in (w.start, w.start + w.extent)]})
    lengths = [stop - start for start, stop in pairwise(bounds)]
    return bounds if len(lengths) <= MOST_SEGMENTS and min(lengths) >= LEAST_POSITIONS else None


def _along(i: Load | Inside, axis: int) -> Window | None:
    windows = i.access.windows if isinstance(i, Load) else i.windows
    return windows[axis] if windows else None


def _part(nest: Nest, axis: int, start: int, stop: int) -> Nest:
    """The nest over the positions from `start` to `stop` of an axis, between which no window begins or ends."""
    body: list[Instruction] = []
    same: dict[int, int] = {}  # registers that are others here
    known: dict[int, bool] = {}
    for i in nest.body:
        if isinstance(i, Load | Inside):
            window = _along(i, axis)
            covered = window is None or window.start <= start < window.start + window.extent
            body.append(_loaded(i, axis, start, covered) if isinstance(i, Load) else _tested(i, axis, covered))
            if isinstance(body[-1], Constant) and isinstance(i, Inside):
                known[i.out] = covered
        elif isinstance(i, Compute):
            operands = [same.get(register, register) for register in i.operands]
            if i.primitive is ew.select and operands[0] in known:
                same[i.out] = operands[1 if known[operands[0]] else 2]
            else:
                body.append(replace(i, operands=tuple(operands)))
        elif isinstance(i, Store | Reduce):
            body.append(replace(i, value=same.get(i.value, i.value), access=_moved(i.access, axis, start)))
        else:
            body.append(i)
    extents = (*nest.extents[:axis], stop - start, *nest.extents[axis + 1 :])
    return replace(nest, extents=extents, body=needed(body))


def _loaded(load: Load, axis: int, start: int, covered: bool) -> Load | Constant:
    return (
        replace(load, access=_moved(load.access, axis, start)) if covered else zero(load.out, load.access.buffer.dtype)
    )


def _tested(test: Inside, axis: int, covered: bool) -> Inside | Constant:
    rest = _without(test.windows, axis)
    return Inside(test.out, rest) if covered and rest else Constant(test.out, covered, dtypes.BOOL)


def _moved(access: Access, axis: int, start: int) -> Access:
    """An access whose positions along an axis are counted from `start`, in the axis' window if it has one."""
    window = access.windows[axis] if access.windows else None
    stride = access.strides[axis]
    assert isinstance(stride, int)
    offset = access.offset + stride * (start - (window.start if window is not None else 0))
    return replace(access, offset=offset, windows=_without(access.windows, axis))


def _without(windows: Sequence[Window | None], axis: int) -> Windows:
    """The windows along other axes; empty if there are none."""
    rest = tuple([None if a == axis else w for a, w in enumerate(windows)])
    return rest if any(w is not None for w in rest) else ()
