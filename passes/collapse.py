"""Collapsing loops: neighbouring axes that every access walks with one stride become one axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

from tapec.passes.loops import Access, Index, Inside, Instruction, Load, Nest, Reduce, Store, Window

Windows = tuple[Window | None, ...]


def _accesses(nest: Nest) -> list[Access]:
    return [i.access for i in nest.body if isinstance(i, Load | Store | Reduce)]


def _fixed_axes(nest: Nest) -> set[int]:
    """Axes whose position the body asks for, by number or through a window."""
    return {i.axis for i in nest.body if isinstance(i, Index)} | nest.windowed_axes


def collapse(nest: Nest, first: int = 0) -> Nest:
    """The same nest with as few axes as possible. Extents are numbers here; order of iteration does not change.

    Args:
        nest: the nest.
        first: so many axes, which can be merged, become one that no other joins.
    """
    fixed = _fixed_axes(nest)
    accesses = _accesses(nest)
    runs: list[list[int]] = []
    for axis, extent in enumerate(nest.extents):
        if extent == 1 and axis not in fixed:
            continue
        if runs and not runs[-1][-1] < first <= axis and _mergeable(nest, accesses, runs[-1][-1], axis, fixed):
            runs[-1].append(axis)
        else:
            runs.append([axis])
    return _regrouped(nest, runs)


def as_one_axis(nest: Nest, outer: int) -> Nest | None:
    """The nest with an axis and the one behind it as one; the outer one may have windows, which count its positions.

    None if accesses walk them apart, or if some are asked for otherwise.
    """
    inner = outer + 1
    within = _fixed_axes(replace(nest, body=tuple([_unwindowed(i, outer) for i in nest.body])))
    if not _mergeable(nest, _accesses(nest), outer, inner, within):
        return None
    windows = [
        i.access.windows if isinstance(i, Load) else i.windows for i in nest.body if isinstance(i, Load | Inside)
    ]
    if any(each and (w := each[outer]) is not None and w.step != 1 for each in windows):
        return None
    extent = int(nest.extents[inner])
    runs = [[axis] for axis in range(len(nest.extents)) if axis not in (outer, inner)]
    runs.insert(outer, [outer, inner])
    return _regrouped(replace(nest, body=tuple([_counted(i, outer, extent) for i in nest.body])), runs)


def _unwindowed(instruction: Instruction, axis: int) -> Instruction:
    """Without its window along an axis."""
    return _rewindowed(instruction, lambda windows: (*windows[:axis], None, *windows[axis + 1 :]))


def _counted(instruction: Instruction, axis: int, extent: int) -> Instruction:
    """With its window along an axis counted in positions of the next one, and along that one."""

    def moved(windows: Windows) -> Windows:
        w = windows[axis]
        counted = None if w is None else Window(w.start * extent, 1, w.extent * extent)
        return (*windows[:axis], None, counted, *windows[axis + 2 :])

    return _rewindowed(instruction, moved)


def _rewindowed(instruction: Instruction, change: Callable[[Windows], Windows]) -> Instruction:
    if isinstance(instruction, Inside):
        return replace(instruction, windows=change(instruction.windows))
    if isinstance(instruction, Load) and instruction.access.windows:
        return replace(instruction, access=replace(instruction.access, windows=change(instruction.access.windows)))
    return instruction


def squeezed(nest: Nest) -> Nest:
    """The same nest without axes of one position."""
    fixed = _fixed_axes(nest)
    return _regrouped(nest, [[axis] for axis, extent in enumerate(nest.extents) if extent != 1 or axis in fixed])


def _regrouped(nest: Nest, runs: list[list[int]]) -> Nest:
    extents = tuple([prod(int(nest.extents[axis]) for axis in run) for run in runs])
    reduced = tuple([nest.reduced[run[-1]] for run in runs])
    last = [run[-1] for run in runs]
    position = {axis: i for i, run in enumerate(runs) for axis in run}
    body = tuple([_moved(i, last, position) for i in nest.body])
    return replace(nest, extents=extents, reduced=reduced, body=body)


def mergeable(nest: Nest, outer: int, inner: int) -> bool:
    """Whether every access walks two neighbouring axes as one."""
    return _mergeable(nest, _accesses(nest), outer, inner, _fixed_axes(nest))


def _mergeable(nest: Nest, accesses: list[Access], outer: int, inner: int, fixed: set[int]) -> bool:
    if outer in fixed or inner in fixed or nest.reduced[outer] != nest.reduced[inner]:
        return False
    extent = nest.extents[inner]
    assert isinstance(extent, int)
    return all(a.strides[outer] == a.strides[inner] * extent for a in accesses)


def _moved(instruction: Instruction, last: list[int], position: dict[int, int]) -> Instruction:
    if isinstance(instruction, Index):
        return replace(instruction, axis=position[instruction.axis])
    if isinstance(instruction, Inside):
        return replace(instruction, windows=tuple([instruction.windows[axis] for axis in last]))
    if isinstance(instruction, Load | Store | Reduce):
        access = instruction.access
        strides = tuple([access.strides[axis] for axis in last])
        windows = tuple([access.windows[axis] for axis in last]) if access.windows else ()
        return replace(instruction, access=replace(access, strides=strides, windows=windows))
    return instruction
