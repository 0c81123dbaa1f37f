"""The kernel IR: what a grid of blocks of threads does, with the barriers written down.

A kernel is a sequence of *phases*. In a phase every thread runs the same text on its own, and none reads what another
one writes in it; between two phases all threads of a block wait for each other, and then see what was written. Values
that a thread keeps from one phase to the next stand in *slots*, values that a block's threads share in *shared* arrays,
and a warp's threads hand each other slots in an *exchange*.

So the order in which threads run inside a phase changes nothing, and a kernel means the same on a GPU, where a phase is
inlined behind a barrier (`device_text`), as on the host, where a phase is a loop over threads (`host_text`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tapec.passes.loops import Buffer

if TYPE_CHECKING:
    from tapec.passes.cuda.thread_text import Thread

WARP = 32
BLOCK = 256  # threads of a block, where nothing asks for another number
MANY_BLOCKS = 256  # as many keep a large GPU busy
# Every array that a kernel gets begins at a multiple of so many bytes: what one thread reads at once at most.
ALIGNMENT = 16
# What a block may declare for itself on every architecture.
SHARED_BYTES = 48 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """Memory of a block; what it holds when the block begins is anybody's guess.

    Args:
        element: LLVM's type of an element.
        count: number of elements.
    """

    element: str
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """Memory of a thread from phase to phase; registers, where LLVM can make some of it.

    Args:
        element: LLVM's type, a vector's too.
        count: number of elements.
    """

    element: str
    count: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Uniform:
    """An i64 that is the same for all threads of a block: the round of a `Repeat` or of an `Until`."""


@dataclass(frozen=True, slots=True, eq=False)
class Phase:
    """What each thread does before all of a block meet again.

    Args:
        label: for people.
        write: appends the text of one thread.
        alone: whether it touches nothing that another thread of the block does, so that it need not wait for others.
    """

    label: str
    write: Callable[[Thread], None]
    alone: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Exchange:
    """Slot `to` of every thread becomes slot `source` of the thread `distance` further on in its warp.

    Threads without such a neighbour get their own. Both slots hold one scalar.
    """

    source: Slot
    to: Slot
    distance: int


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """A body that runs `count` times; `round` counts from 0 to `count`."""

    count: int
    round: Uniform
    body: tuple[Part, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Until:
    """A body that runs as long as a byte is not 0; `round` counts from 0 to the number of rounds.

    Args:
        test: what writes the byte.
        flag: the byte; all threads read it behind a barrier.
        round: the counter.
        body: what runs while the byte is not 0.
    """

    test: tuple[Part, ...]
    flag: Shared
    round: Uniform
    body: tuple[Part, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of several bodies.

    Args:
        number: an i64 from 0 to the number of cases less 1, which all threads read behind a barrier.
        cases: the bodies.
    """

    number: Shared
    cases: tuple[tuple[Part, ...], ...]


Part = Phase | Exchange | Repeat | Until | Choice


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """A function that a grid of blocks runs.

    Args:
        name: its symbol.
        grid: number of blocks.
        block: threads of a block, a multiple of 32.
        reads: arrays that are only read.
        writes: arrays that are written, whether they are read or not.
        parts: what a block does, in order.
        shared: its shared arrays.
        slots: what a thread keeps from phase to phase.
    """

    name: str
    grid: int
    block: int
    reads: tuple[Buffer, ...]
    writes: tuple[Buffer, ...]
    parts: tuple[Part, ...]
    shared: tuple[Shared, ...] = ()
    slots: tuple[Slot, ...] = ()

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """The arrays in the order in which the kernel takes their addresses; the address of the status follows."""
        return self.reads + self.writes

    @property
    def uniforms(self) -> tuple[Uniform, ...]:
        """Its counters."""
        return tuple(_uniforms(self.parts))

    @property
    def shared_bytes(self) -> int:
        """Bytes of shared memory."""
        return layout(self.shared)[1]


def inner_parts(part: Part) -> tuple[Part, ...]:
    """The parts inside a loop or a choice."""
    if isinstance(part, Repeat):
        return part.body
    if isinstance(part, Until):
        return part.test + part.body
    if isinstance(part, Choice):
        return tuple([inner for case in part.cases for inner in case])
    return ()


def phases(parts: Sequence[Part]) -> Iterator[Phase]:
    """All phases, at any depth."""
    for part in parts:
        if isinstance(part, Phase):
            yield part
        else:
            yield from phases(inner_parts(part))


def _uniforms(parts: Sequence[Part]) -> Iterator[Uniform]:
    for part in parts:
        if isinstance(part, Repeat | Until):
            yield part.round
        yield from _uniforms(inner_parts(part))


def layout(arrays: Sequence[Shared | Slot]) -> tuple[list[int], int]:
    """Byte offset of each array when they lie one behind the other, and the bytes of all."""
    offsets, total = [], 0
    for array in arrays:
        offsets.append(total)
        total += -(-(size_of(array.element) * array.count) // ALIGNMENT) * ALIGNMENT
    return offsets, total


_BYTES = {"i1": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "float": 4, "double": 8, "ptr": 8}


def size_of(element: str) -> int:
    """Bytes of an LLVM type, scalar or vector of a power of two."""
    if element.startswith("<"):
        count, _, inner = element[1:-1].partition(" x ")
        return int(count) * _BYTES[inner]
    return _BYTES[element]
