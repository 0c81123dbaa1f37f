"""Matrix products of our own: the chain for each element that the CPU has (`docs/design/0002-numerics.md`): equal bits.

Small ones have a thread for each element. Larger ones are cut into tiles of 64 by 64 elements: a block of threads reads
16 steps of the inner axis of both operands into shared memory, and each thread has 4 by 4 elements in registers.
"""

from __future__ import annotations

from math import prod

from tapec.passes.cuda.grids import grid_kernel, operands_of
from tapec.passes.cuda.items import Items
from tapec.passes.cuda.kernel import Kernel, Phase, Repeat, Shared, Slot, Uniform
from tapec.passes.cuda.mapping import positions
from tapec.passes.cuda.reductions import for_each
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.library.lines import address
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import count_loop, i64, when
from tapec.passes.matmul_kernel import step as chain_step
from tapec.passes.product_names import BLOCK as CHAIN
from tapec.passes.steps import LibraryStep, Operand

TILE = 64  # rows and columns of a tile
_STEPS = 16  # of the inner axis in shared memory
_SIDE = 16  # threads along a side of a tile
_OWN = TILE // _SIDE  # elements of a thread along it
# Smaller results do not fill a tile.
_SMALLEST = 32


def product_items(step: LibraryStep) -> Items:
    """A thread for each element."""
    a, b = step.operands
    assert step.result is not None
    result = step.result
    *batch, m, n = step.shape
    extents, inner, dtype = (prod(batch), m, n), a.shape[-1], a.buffer.dtype
    element = memory_element(dtype)

    def item(thread: Thread, number: Reg) -> None:
        f, around = thread.f, thread.around
        z, i, j = positions(f, number, extents, prod(extents))
        row = f.add(f.mul(z, i64(a.strides[0])), f.mul(i, i64(a.strides[1])))
        column = f.add(f.mul(z, i64(b.strides[0])), f.mul(j, i64(b.strides[2])))
        left, right = address(f, a, around), address(f, b, around)
        total, chain = (f.alloca(element, 1, dtype.itemsize) for _ in range(2))
        f.store(f.number(0, element), total)

        def block(first: Reg) -> None:
            f.store(f.number(0, element), chain)
            stop = f.intrinsic("smin", f.add(first, i64(CHAIN)), i64(inner))

            def link(p: Reg) -> None:
                x = f.load(f.element_pointer(left, f.add(row, f.mul(p, i64(a.strides[2]))), element), element)
                y = f.load(f.element_pointer(right, f.add(column, f.mul(p, i64(b.strides[1]))), element), element)
                f.store(chain_step(f, dtype, x, y, f.load(chain, element)), chain)

            count_loop(f, first, stop, 1, link)
            f.store(
                _with_block(f, step, f.load(total, element), f.load(chain, element), f.icmp("eq", first, i64(0))), total
            )

        count_loop(f, i64(0), i64(inner), CHAIN, block)
        f.store(f.load(total, element), f.element_pointer(around.pointer(result), number, element))

    return Items(prod(extents), item)


def _with_block(f: FunctionText, step: LibraryStep, total: Reg, chain: Reg, is_first: Reg) -> Reg:
    """The total with the next block; the first one is taken as it is, since 0 + -0 is not -0."""
    add = "fadd" if step.operands[0].buffer.dtype.is_float else "add"
    return f.select(is_first, chain, f.binary(add, total, chain))


def product_kernels(step: LibraryStep, workspace: Workspace) -> list[Kernel]:
    """`out[..., i, j] = sum over p of a[..., i, p] * b[..., p, j]`."""
    if not prod(step.shape):
        return []
    name = workspace.name("product")
    if min(step.shape[-2:]) >= _SMALLEST and step.operands[0].shape[-1] >= _STEPS:
        return [_Tiled(step).kernel(name)]
    items = product_items(step)
    return [grid_kernel(name, items.count, operands_of(step), step.results, items.item)]


class _Tiled:
    """A product in tiles."""

    def __init__(self, step: LibraryStep) -> None:
        self.step = step
        self.a, self.b = step.operands
        *batch, self.m, self.n = step.shape
        self.inner, self.batch = self.a.shape[-1], prod(batch)
        self.dtype = self.a.buffer.dtype
        self.element = memory_element(self.dtype)
        self.left, self.right = (Shared(self.element, _STEPS * (TILE + 1)) for _ in range(2))
        self.chains, self.totals = (Slot(self.element, _OWN * _OWN) for _ in range(2))
        self.round = Uniform()
        self.tiles = (self.batch, -(-self.m // TILE), -(-self.n // TILE))

    def kernel(self, name: str) -> Kernel:
        rounds = Repeat(
            -(-self.inner // _STEPS), self.round, (Phase("read", self._read), Phase("multiply", self._multiply))
        )
        parts = (Phase("begin", self._begin, alone=True), rounds, Phase("store", self._store, alone=True))
        reads, writes = tuple(dict.fromkeys(operands_of(self.step))), self.step.results
        shared, slots = (self.left, self.right), (self.chains, self.totals)
        return Kernel(name, prod(self.tiles), _SIDE * _SIDE, reads, writes, parts, shared, slots)

    def _corner(self, thread: Thread) -> tuple[Reg, Reg, Reg]:
        f = thread.f
        z, row, column = positions(f, thread.block, self.tiles, prod(self.tiles))
        return z, f.mul(row, i64(TILE)), f.mul(column, i64(TILE))

    def _slots(self, thread: Thread, slot: Slot) -> list[Reg]:
        f = thread.f
        return [f.element_pointer(thread.slot(slot), i64(i), self.element) for i in range(_OWN * _OWN)]

    def _begin(self, thread: Thread) -> None:
        f = thread.f
        for place in [*self._slots(thread, self.chains), *self._slots(thread, self.totals)]:
            f.store(f.number(0, self.element), place)

    def _read(self, thread: Thread) -> None:
        f = thread.f
        z, row, column = self._corner(thread)
        first = f.mul(thread.round(self.round), i64(_STEPS))
        a, b = self.a, self.b
        self._fill(thread, a, self.left, (z, row, first), (a.strides[1], a.strides[2]), self.m)
        self._fill(thread, b, self.right, (z, column, first), (b.strides[2], b.strides[1]), self.n)

    def _fill(
        self,
        thread: Thread,
        operand: Operand,
        shared: Shared,
        corner: tuple[Reg, Reg, Reg],
        strides: tuple[int, int],
        extent: int,
    ) -> None:
        """Reads a tile of an operand; `strides` and `extent` are along the side that the result has, and inwards."""
        f = thread.f
        z, start, first = corner
        base = address(f, operand, thread.around)
        offset = f.mul(z, i64(operand.strides[0]))
        by_side = strides[0] == 1  # threads beside each other read what lies side by side

        def one(number: Reg) -> None:
            if by_side:
                step, side = positions(f, number, (_STEPS, TILE), _STEPS * TILE)
            else:
                side, step = positions(f, number, (TILE, _STEPS), _STEPS * TILE)
            at, p = f.add(start, side), f.add(first, step)

            def copy() -> None:
                within = f.add(f.mul(at, i64(strides[0])), f.mul(p, i64(strides[1])))
                value = f.load(f.element_pointer(base, f.add(offset, within), self.element), self.element)
                place = f.add(f.mul(step, i64(TILE + 1)), side)
                f.store(value, f.element_pointer(thread.shared(shared), place, self.element))

            when(f, f.binary("and", f.icmp("slt", at, i64(extent)), f.icmp("slt", p, i64(self.inner))), copy)

        for_each(thread, _STEPS * TILE, one)

    def _multiply(self, thread: Thread) -> None:
        f = thread.f
        row, column = positions(f, thread.index, (_SIDE, _SIDE), _SIDE * _SIDE)
        chains, totals = self._slots(thread, self.chains), self._slots(thread, self.totals)
        first = f.mul(thread.round(self.round), i64(_STEPS))
        count = f.intrinsic("smin", f.sub(i64(self.inner), first), i64(_STEPS))

        def value(shared: Shared, step: Reg, side: Reg) -> Reg:
            at = f.add(f.mul(step, i64(TILE + 1)), side)
            return f.load(f.element_pointer(thread.shared(shared), at, self.element), self.element)

        def link(step: Reg) -> None:
            xs = [value(self.left, step, f.add(row, i64(i * _SIDE))) for i in range(_OWN)]
            ys = [value(self.right, step, f.add(column, i64(j * _SIDE))) for j in range(_OWN)]
            for i, x in enumerate(xs):
                for j, y in enumerate(ys):
                    place = chains[i * _OWN + j]
                    f.store(chain_step(f, self.dtype, x, y, f.load(place, self.element)), place)

        count_loop(f, i64(0), count, 1, link)
        done = f.add(first, count)
        ends = f.icmp("eq", f.binary("and", done, i64(CHAIN - 1)), i64(0))
        over = f.binary("or", ends, f.icmp("eq", done, i64(self.inner)))

        def add() -> None:
            is_first = f.icmp("sle", done, i64(CHAIN))
            for chain, total in zip(chains, totals, strict=True):
                held, block = f.load(total, self.element), f.load(chain, self.element)
                f.store(_with_block(f, self.step, held, block, is_first), total)
                f.store(f.number(0, self.element), chain)

        when(f, over, add)

    def _store(self, thread: Thread) -> None:
        f = thread.f
        z, first_row, first_column = self._corner(thread)
        row, column = positions(f, thread.index, (_SIDE, _SIDE), _SIDE * _SIDE)
        assert self.step.result is not None
        base, totals = thread.pointer(self.step.result), self._slots(thread, self.totals)

        def element(i: int, j: int) -> None:
            y, x = f.add(f.add(first_row, row), i64(i * _SIDE)), f.add(f.add(first_column, column), i64(j * _SIDE))

            def write() -> None:
                at = f.add(f.mul(f.add(f.mul(z, i64(self.m)), y), i64(self.n)), x)
                f.store(f.load(totals[i * _OWN + j], self.element), f.element_pointer(base, at, self.element))

            when(f, f.binary("and", f.icmp("slt", y, i64(self.m)), f.icmp("slt", x, i64(self.n))), write)

        for i in range(_OWN):
            for j in range(_OWN):
                element(i, j)
