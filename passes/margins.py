"""Reductions that ride along in a nest whose range is theirs, or a margin longer.

The value of a function of neighbours (`x[1:] - x[:-1]`) is a sum over n - 1 positions, its gradient a map over n. They
are two nests, since fusion asks for one domain, and each reads all of `x`. Here the sum goes into the map: what it
reads is read inside of a window, and where that ends its summands are the identity, which changes no bit. Elements keep
their places in the order of `tapec.passes.reducing`, as the margin lies behind them.

    reduce i0<n-1:                          reduce i0<n:
      %0 = load x[i0]                         %0 = load x[i0] where i0 in [0,n-1)
      %1 = mul %0, %0                         %1 = mul %0, %0
      sum %1 -> s                             sum (inside ? %1 : -0.0) -> s
    for i0<n:                         ->      %2 = load x[i0] where i0 in [1,n)
      %2 = load x[i0] where i0 in [1,n)       store %2 -> y[i0]
      store %2 -> y[i0]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tapec.ops import elementwise as ew
from tapec.passes.body_writer import BodyWriter
from tapec.passes.collapse import as_one_axis, collapse
from tapec.passes.identities import identity
from tapec.passes.interior import interior
from tapec.passes.loops import Buffer, Compute, Constant, Inside, Load, Nest, Reduce, Store, Window
from tapec.passes.nest_lanes import turned_axis
from tapec.passes.step_effects import effects
from tapec.passes.steps import Step

# Bytes that both nests read: less stays in the first-level cache from one to the other.
LEAST_BYTES: Final = 1 << 15
# A margin is at most one position of so many: in it, the reduction is computed for nothing.
MOST_MARGIN: Final = 8
# A body of more instructions runs out of registers.
MOST_INSTRUCTIONS: Final = 160
# How many steps may lie between the two.
NEAR: Final = 8


def riding(steps: Sequence[Step]) -> list[Step]:
    """The steps, without reductions that another nest can do on its way.

    Args:
        steps: of one graph or region; nests have their axes as they were recorded.
    """
    out = list(steps)
    index = 0
    while index < len(out):
        if not _ride(out, index):
            index += 1
    return out


def _ride(steps: list[Step], index: int) -> bool:
    """Joins a step with the first of those behind it that goes with it, if there is one, in the place of the first."""
    first = steps[index]
    if not isinstance(first, Nest):
        return False
    read, written = (set(buffers) for buffers in effects(first))
    for place in range(index + 1, min(index + 1 + NEAR, len(steps))):
        step = steps[place]
        reads, writes = effects(step)
        apart = not (writes & (read | written) or reads & written)
        both = _joined(first, step) if apart and isinstance(step, Nest) else None
        if both is not None:
            steps[index] = both
            del steps[place]
            return True
        read |= reads
        written |= writes
    return False


def _joined(first: Nest, second: Nest) -> Nest | None:
    """One nest in the place of two that do not depend on one another; None where they are better left alone."""
    for rider, host in ((first, second), (second, first)):
        if not _is_reduction(rider) or not _fits(rider, host) or not _shares(rider, host):
            continue
        both = _as_row(_with(rider, host))
        if both is not None and len(both.body) <= MOST_INSTRUCTIONS:
            return both
    return None


def _is_reduction(nest: Nest) -> bool:
    """Whether a nest does nothing but reduce rows, at any position of which it may be asked for what it computes."""
    return (
        nest.row
        and not any(isinstance(i, Store) for i in nest.body)
        and not any(isinstance(i, Compute) and i.primitive is ew.wrap_index for i in nest.body)
    )


def _fits(rider: Nest, host: Nest) -> bool:
    """Whether the host walks the rider's positions in the rider's order, and few others, which lie behind them."""
    if len(rider.extents) != len(host.extents) or turned_axis(host) is not None:
        return False
    if any(host.reduced) and (host.reduced, host.row) != (rider.reduced, rider.row):
        return False
    first = rider.reduced.index(True)
    pairs = [(int(n), int(m)) for n, m in zip(rider.extents, host.extents, strict=True)]
    n, m = pairs[first]
    return n <= m <= n + n // MOST_MARGIN and all(a == b for axis, (a, b) in enumerate(pairs) if axis != first)


def _shares(rider: Nest, host: Nest) -> bool:
    """Whether there is a trip through memory to be saved, and most of the host lies in all of its windows."""
    shared = _loaded(rider) & _loaded(host)
    if sum(buffer.nbytes for buffer in shared) < LEAST_BYTES:
        return False
    inside = interior(host)
    return inside is None or all(8 * (high - low) >= 7 * int(host.extents[a]) for a, (low, high) in inside.items())


def _loaded(nest: Nest) -> set[Buffer]:
    return {i.access.buffer for i in nest.body if isinstance(i, Load)}


def _as_row(nest: Nest) -> Nest | None:
    """The nest, if it reduces along one axis, on which rows are read where they lie; two axes may have to become it."""
    collapsed = collapse(nest)
    if sum(collapsed.reduced) == 1:
        return nest
    first = collapsed.reduced.index(True)
    return as_one_axis(collapsed, first) if collapsed.reduced[first:] == (True, True) else None


def _with(rider: Nest, host: Nest) -> Nest:
    """The host, with the reductions of the rider."""
    axis = rider.reduced.index(True)
    extent = int(rider.extents[axis])
    margin = None if extent == host.extents[axis] else Window(0, 1, extent)
    out = BodyWriter()
    registers: dict[int, int] = {}
    for i in rider.body:
        if isinstance(i, Load) and margin is not None:
            windows = i.access.windows or (None,) * len(rider.extents)
            if windows[axis] is None:
                i = replace(i, access=replace(i.access, windows=(*windows[:axis], margin, *windows[axis + 1 :])))
        if isinstance(i, Reduce) and margin is not None:
            test = out.add(Inside(0, tuple([margin if a == axis else None for a in range(len(rider.extents))])))
            nothing = out.add(Constant(0, identity(i.primitive.name, i.dtype), i.dtype))
            operands = (test, registers[i.value], nothing)
            out.body.append(replace(i, value=out.add(Compute(0, ew.select, operands, {}, i.dtype, None))))
        else:
            out.copy(i, registers)
    registers = {}
    for i in host.body:
        out.copy(i, registers)
    label = "+".join(dict.fromkeys([*rider.label.split("+"), *host.label.split("+")]))
    return Nest(host.extents, rider.reduced, tuple(out.body), True, label)
