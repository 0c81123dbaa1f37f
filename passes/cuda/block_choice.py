"""Which loops and branches become one kernel: over rows that never meet, or small enough for one block of threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod

from tapec.ops import contraction, indexing, ordering
from tapec.passes.arena import buffers_around, owner
from tapec.passes.cuda.block_control import write_steps
from tapec.passes.cuda.block_span import Rows
from tapec.passes.cuda.blocks import LOCAL_BYTES, BlockProgram
from tapec.passes.cuda.kernel import BLOCK, MANY_BLOCKS, WARP, Kernel
from tapec.passes.cuda.nests import nest_kernels
from tapec.passes.cuda.reductions import power_below, power_of_two
from tapec.passes.cuda.row_view import RowTable, as_rows
from tapec.passes.cuda.steps import ITEMS
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.in_place import UPDATES
from tapec.passes.loops import Buffer, Nest
from tapec.passes.steps import Branch, LibraryStep, Loop, Step, Sweeps, Tiles, While, inner_steps, leaves
from tapec.passes.update_nests import copy_nest

# What one block of threads does in about the time that launching a kernel takes.
_MOST_POSITIONS = 1 << 15
_MOST_SERIAL = 1 << 9
_MOST_MULTIPLICATIONS = 1 << 18
_LEAST_ROWS = 32

_Control = Loop | While | Branch | Sweeps


def control_kernels(step: _Control, workspace: Workspace) -> list[Kernel] | None:
    """The kernel of a step of control flow, or None if it is too large or needs memory that grows.

    Where one block of threads does it, many do the copies of large arrays that it begins with, in kernels before it.
    """
    name = workspace.name(type(step).__name__.lower())
    steps = list(_every(step))
    if any(isinstance(s, Sweeps | Tiles) or (isinstance(s, While) and s.memory is not None) for s in steps):
        return None
    rows, before = _rows(step), list[Kernel]()
    if rows is not None:
        table, threads = rows
        program = BlockProgram(_dealt(table, step.local, threads), threads)
        program.keep([b for b in step.local if b in table.rows])
    elif all(_fits(leaf) for leaf in leaves((step,))):
        copies, step = _begun_in_place(step)
        before = [kernel for copy in copies for kernel in nest_kernels(copy, workspace)]
        program = BlockProgram(None, _threads(max([_positions(n) for n in steps if isinstance(n, Nest)], default=1)))
        program.keep(step.local)
    else:
        return None
    write_steps(program, (step,))
    touched = sorted(buffers_around(step), key=lambda b: b.name)
    return [*before, program.kernel(name, touched, [b for b in touched if b.kind != "input"])]


def _begun_in_place(step: _Control) -> tuple[list[Nest], _Control]:
    """A loop whose large carries lie where their results do when it begins, and the copies for that."""
    if not isinstance(step, Loop | While):
        return [], step
    copies, carries = [], []
    for carry in step.carries:
        if carry.current.size > _MOST_POSITIONS and carry.initial.buffer is not carry.current:
            copies.append(copy_nest(carry.initial, carry.current))
            carry = replace(carry, initial=replace(carry.initial, buffer=carry.current, offset=0))
        carries.append(carry)
    return copies, replace(step, carries=tuple(carries))


def _every(step: Step) -> Iterator[Step]:
    yield step
    for inner in inner_steps(step):
        yield from _every(inner)


def _positions(nest: Nest) -> int:
    return prod(int(n) for n in nest.extents)


def _threads(positions: int) -> int:
    return max(WARP, min(BLOCK, power_of_two(positions)))


def _fits(leaf: Step) -> bool:
    """Whether one block of threads does a step in reasonable time."""
    if isinstance(leaf, Nest):
        return _positions(leaf) <= _MOST_POSITIONS
    if not isinstance(leaf, LibraryStep):
        return False
    if leaf.primitive is contraction.matmul:
        return prod(leaf.shape) * leaf.operands[0].shape[-1] <= _MOST_MULTIPLICATIONS
    sizes = [prod(o.shape) for o in leaf.operands]
    if leaf.primitive is ordering.argsort:
        return sizes[0] <= _MOST_SERIAL
    if leaf.primitive in UPDATES:  # in place: the rest of the array is not touched
        return sum(sizes[1:]) <= _MOST_POSITIONS and _indices_of_line(leaf) <= _MOST_SERIAL
    if leaf.primitive in (indexing.take, indexing.take_along):
        return sizes[1] + prod(leaf.shape) <= _MOST_POSITIONS
    return leaf.primitive in ITEMS and sum(sizes) + prod(leaf.shape) <= _MOST_POSITIONS


def _indices_of_line(update: LibraryStep) -> int:
    """How many indices a thread of an update walks, one after the other."""
    where = update.operands[1].shape
    return where[update.attributes["axis"]] if update.primitive is indexing.scatter_add_along else prod(where)


# Rows ----------------------------------------------------------------------------------------------------------------


def _rows(step: Step) -> tuple[RowTable, int] | None:
    """How a loop's buffers are shared out among rows that never meet, and threads of a block; None if they meet."""
    if not isinstance(step, Loop):
        return None
    nests = [s for s in _every(step) if isinstance(s, Nest)]
    if not nests or not all(isinstance(s, Nest | Loop) for s in _every(step)):
        return None
    for extent in sorted({int(n.extents[0]) for n in nests if n.extents}, reverse=True):
        if extent < _LEAST_ROWS:
            break
        table = _table(step, nests, extent)
        if table is not None:
            longest = max(_positions(n) for n in nests) // extent
            threads = BLOCK
            while threads > WARP and extent * longest // threads < MANY_BLOCKS:
                threads //= 2
            return table, threads
    return None


def _table(loop: Loop, nests: Sequence[Nest], extent: int) -> RowTable | None:
    table = RowTable(extent, owner)
    for nest in nests:
        view = as_rows(nest, extent)
        if view is None or not table.add(view):
            return None
    for step in _every(loop):
        if not isinstance(step, Loop):
            continue
        for carry in step.carries:
            if not all(table.claim(b, True) for b in (carry.current, carry.next, carry.result)):
                return None
            source, first = carry.initial.buffer, carry.initial.offset
            if source in table.written and (first or source not in table.rows):
                return None
    return table


def _dealt(table: RowTable, local: frozenset[Buffer], threads: int) -> Rows:
    """A row or more for each thread, as far as shared memory holds what they keep."""
    row_bytes = sum(b.nbytes for b in local if b in table.rows) // table.extent
    count = threads
    if row_bytes * count > LOCAL_BYTES:
        count = max(power_below(max(LOCAL_BYTES // row_bytes, 1)), WARP)
    return Rows(table.extent, count)
