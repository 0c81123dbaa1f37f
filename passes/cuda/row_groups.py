"""Chains of nests over the same rows as one kernel: softmax, normalisations, and what follows them.

A block of threads has some rows, and does all nests of the chain on them; what one nest leaves for the next stays in
shared memory. What a nest computes, and in which order, is settled before, so that no bit depends on it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import prod

from tapec.passes.arena import buffers_of, owner
from tapec.passes.cuda.block_span import Rows
from tapec.passes.cuda.blocks import LOCAL_BYTES, BlockProgram
from tapec.passes.cuda.kernel import MANY_BLOCKS, Kernel
from tapec.passes.cuda.reductions import power_below
from tapec.passes.cuda.row_view import RowTable, as_rows
from tapec.passes.loops import Buffer, Nest
from tapec.passes.steps import Step

# Fewer rows than this leave most of a GPU idle, unless a row is short.
_MANY_ROWS = 128
_SHORT_ROW = 4096
# Elements of the largest nest that a block of threads has: some for each thread.
_ELEMENTS = 2048


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Nests that run together.

    Args:
        nests: with the rows as axis 0.
        table: how buffers are shared out.
        steps: how many steps of the program it stands for.
    """

    nests: tuple[Nest, ...]
    table: RowTable
    steps: int


def row_group(steps: Sequence[Step]) -> RowGroup | None:
    """The longest chain that the first steps are, if it is worth a kernel of its own."""
    best: RowGroup | None = None
    for extent in _extents(steps):
        group = _gather(steps, extent)
        if group is not None and (best is None or group.steps > best.steps):
            best = group
    return best


def _extents(steps: Sequence[Step]) -> list[int]:
    """Extents that the axis of the rows may have: those along which some early nest of the chain keeps a reduction."""
    found = []
    for step in steps[:8]:
        if not isinstance(step, Nest):
            break
        if any(step.reduced) and not step.reduced[0]:
            found.append(int(step.extents[0]))
    return list(dict.fromkeys(found))


def _gather(steps: Sequence[Step], extent: int) -> RowGroup | None:
    table, nests = RowTable(extent, owner), []
    for step in steps:
        nest = as_rows(step, extent) if isinstance(step, Nest) else None
        if nest is None or not table.add(nest):
            break
        nests.append(nest)
    longest = max([prod(int(n) for n in nest.extents) // extent for nest in nests], default=0)
    if len(nests) < 2 or not any(any(n.reduced) for n in nests) or (extent < _MANY_ROWS and longest > _SHORT_ROW):
        return None
    return RowGroup(tuple(nests), table, len(nests))


def group_kernel(name: str, group: RowGroup, outside: Collection[Buffer]) -> Kernel:
    """The kernel of a chain; `outside` are buffers that something else touches."""
    table = group.table
    own = {b for b in table.written if b.kind == "temporary" and b in table.rows} - set(outside)
    program = BlockProgram(Rows(table.extent, _count(group, own)))
    program.keep(own)
    for nest in group.nests:
        program.nest(nest)
    touched = dict.fromkeys(b for nest in group.nests for b in sorted(buffers_of(nest), key=lambda b: b.name))
    return program.kernel(
        name, [b for b in touched if b not in table.written], [b for b in touched if b in table.written]
    )


def _count(group: RowGroup, own: Collection[Buffer]) -> int:
    """Rows of a block: enough work for its threads, few enough for shared memory and for many blocks."""
    extent = group.table.extent
    longest = max(prod(int(n) for n in nest.extents) // extent for nest in group.nests)
    count = power_below(max(_ELEMENTS // longest, 1))
    row_bytes = sum(b.nbytes for b in own) // extent
    if row_bytes:
        count = min(count, power_below(max(LOCAL_BYTES // row_bytes, 1)))
    while count > 1 and extent // count < MANY_BLOCKS:
        count //= 2
    return count
