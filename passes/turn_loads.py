"""Reductions that read along another axis than they go: what they read is turned first, by a nest of its own.

The order in which a reduction combines is fixed, so its loops can't change places as those of a map can
(`tapec.passes.nest_lanes.turned_axis`), and strides of a row or more find each cache line gone when they come back.
A copy in the order in which it is read costs one pass over memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

from tapec.ir.dtypes import DType
from tapec.passes.loops import Access, Buffer, Instruction, Load, Nest, Store
from tapec.passes.nest_lanes import turned_axis
from tapec.passes.steps import Step
from tapec.passes.views import dense_strides


def turned(steps: Sequence[Step], temporary: Callable[[DType, int], Buffer]) -> list[Step]:
    """The steps, with a copy in front of each nest that reduces what it would read in long strides.

    Args:
        steps: of one graph or region; nests have their axes as they were recorded.
        temporary: makes a buffer.
    """
    out: list[Step] = []
    for step in steps:
        if isinstance(step, Nest) and any(step.reduced):
            out += _turned(step, temporary)
        else:
            out.append(step)
    return out


def _turned(nest: Nest, temporary: Callable[[DType, int], Buffer]) -> list[Step]:
    copies: list[Step] = []
    body: list[Instruction] = []
    for i in nest.body:
        copy = _copy(nest, i, temporary) if isinstance(i, Load) else None
        if isinstance(i, Load) and copy is not None:
            store = copy.body[1]
            assert isinstance(store, Store)
            copies.append(copy)
            body.append(replace(i, access=store.access))
        else:
            body.append(i)
    return [*copies, replace(nest, body=tuple(body)) if copies else nest]


def _copy(nest: Nest, load: Load, temporary: Callable[[DType, int], Buffer]) -> Nest | None:
    """A map that writes what a load reads in the order in which it is read; None where that order is no worse."""
    access = load.access
    extents = tuple([int(n) if s != 0 else 1 for n, s in zip(nest.extents, access.strides, strict=True)])
    if any(w is not None for w in access.windows):
        return None
    dense = tuple([s if n > 1 else 0 for n, s in zip(extents, dense_strides(extents), strict=True)])
    source = Nest(extents, (False,) * len(extents), (Load(0, access),), False, "copy")
    if turned_axis(source) is None:
        return None
    to = Access(temporary(access.buffer.dtype, prod(extents)), 0, dense)
    return replace(source, body=(Load(0, access), Store(0, to)))
