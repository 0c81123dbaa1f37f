"""Stores that go past the caches: results of nests that move more than the caches hold.

An ordinary store reads the line that it is about to overwrite. Where a nest fills whole lines that nobody will find in
a cache later, that is a third or half of its traffic.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import prod

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import either, i64
from tapec.passes.loops import Buffer, Load, Nest, Reduce, Store

# Bytes that nests move, from which on their results are not to be found in a cache afterwards: a last-level cache of a
# server has 16 to 36 MiB for a few cores.
BEYOND_CACHES = 24 << 20
# Bytes that a nest writes one behind the other, from which on nearly all of its lines are whole: a line in parts goes
# to memory in parts.
LEAST_RUN = 1 << 10
LINE = 64  # bytes of a cache line


def streamed(nests: Iterable[Nest], local: Collection[Buffer] = ()) -> frozenset[Buffer]:
    """The buffers that nests which run as one fill past the caches.

    Args:
        nests: nests.
        local: buffers of which they use the same small part again and again.
    """
    written: set[Buffer] = set()
    others: set[Buffer] = set()
    moved = 0
    for nest in nests:
        reached: dict[Buffer, int] = {}  # a neighbour's elements come with one's own
        for i in nest.body:
            if isinstance(i, Load | Store | Reduce) and i.access.buffer not in local:
                (written if isinstance(i, Store) and _runs(nest, i) else others).add(i.access.buffer)
                extents = [n for n, stride in zip(nest.extents, i.access.strides, strict=True) if stride != 0]
                if all(isinstance(n, int) for n in extents):
                    buffer = i.access.buffer
                    nbytes = prod(map(int, extents)) * buffer.dtype.itemsize
                    reached[buffer] = min(reached.get(buffer, 0) + nbytes, max(buffer.nbytes, nbytes))
        moved += sum(reached.values())
    return frozenset(written - others) if moved >= BEYOND_CACHES else frozenset()


def _runs(nest: Nest, store: Store) -> bool:
    """Whether what a store fills lies in long runs."""
    runs = [n for n, stride in zip(nest.extents, store.access.strides, strict=True) if stride == 1]
    return all(isinstance(n, str) or n * store.access.buffer.dtype.itemsize >= LEAST_RUN for n in runs)


def store_past_caches(f: FunctionText, value: Reg, pointer: Reg, vector_bits: int) -> None:
    """Writes a vector of neighbours past the caches, where it is some of the machine's and lies on their boundary."""
    align = vector_bits // 8
    if value.width * value.bits // 8 % align:
        f.store(value, pointer)
        return
    at = f.convert("ptrtoint", pointer, "i64")
    aligned = f.icmp("eq", f.binary("and", at, i64(align - 1)), i64(0))

    def past() -> None:
        f.line(f"store {value.type} {value.text}, ptr {pointer.text}, align {align}, !nontemporal !{{i32 1}}")

    either(f, aligned, past, lambda: f.store(value, pointer))


def finish_streams(f: FunctionText) -> None:
    """Has everybody who sees what follows see those stores, too."""
    f.line("fence seq_cst")
