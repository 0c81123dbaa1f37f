"""The steps of a program: what it does to memory, in order.

A `Program` is a list of steps over buffers. Most steps are `Nest`s (`tapec.passes.loops`), alone or in `Tiles`; what is
no loop nest is a `LibraryStep`, of which products can be in tiles, too. Loops, branches and sweeps have steps inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from tapec.ir.dtypes import DType
from tapec.ir.graph import Location
from tapec.ir.primitive import Primitive
from tapec.passes.loops import Buffer, Nest
from tapec.passes.product_plan import Axes


@dataclass(frozen=True, slots=True)
class Operand:
    """Memory that a library step reads: a dense buffer from `offset` on, or a matrix with the given strides."""

    buffer: Buffer
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LibraryStep:
    """One op that is not a loop nest of ours: a gather, scatter, sort, matrix product, factorization, guard, ...

    `shape` is that of the first result; `scratch` is memory that the step needs while it runs.
    """

    primitive: Primitive
    operands: tuple[Operand, ...]
    results: tuple[Buffer, ...]
    scratch: tuple[Buffer, ...]
    shape: tuple[int, ...]
    attributes: dict[str, Any]
    location: Location | None

    @property
    def result(self) -> Buffer | None:
        """The first result; guards have none."""
        return self.results[0] if self.results else None


@dataclass(frozen=True, slots=True)
class Sum:
    """A nest that reduces the axis along which it is tiled: one load and one reduction.

    It has the tiled axis only (a *row*), or that one and a kept one behind it (*columns*).

    Args:
        nest: the nest.
        partials: what each block of elements has come to so far: the lanes of a row, or all the columns.
    """

    nest: Nest
    partials: Buffer


@dataclass(frozen=True, slots=True)
class Product:
    """A large matrix product whose matrices, rows or inner index are the axis along which it is tiled.

    Args:
        step: the product.
        axes: how its operands lie, or those of the transposed product, with its rows first. Of one with a tiled inner
            index the rows are the shorter side.
        turned: whether it is the transposed product.
        partials: what each block of the inner index has come to; None if it is the first axis of the matrices that is
            tiled, or, of one matrix, the rows.
    """

    step: LibraryStep
    axes: Axes
    turned: bool
    partials: Buffer | None

    @property
    def operands(self) -> tuple[Operand, Operand]:
        """The left operand and the right one, in the order of `axes`."""
        a, b = self.step.operands
        return (b, a) if self.turned else (a, b)

    @property
    def dtype(self) -> DType:
        """Of all of the matrices."""
        return self.step.operands[0].buffer.dtype

    @property
    def results(self) -> int:
        """Number of elements of the result."""
        return prod(self.step.shape)


@dataclass(frozen=True, slots=True)
class Tiles:
    """Nests that run together: all of them on a few positions of an axis, then on the next few.

    Args:
        extent: of the axis. Axis 0 of each nest is that axis, or it with others collapsed into it; likewise the
            matrices, the rows or the inner index of each product.
        tile: positions taken at once.
        unit: threads begin at multiples of this.
        items: what runs, in order.
        local: buffers that nothing else reads, with the number of elements that belong to one position. They hold one
            tile of each thread.
    """

    extent: int
    tile: int
    unit: int
    items: tuple[Nest | Sum | Product, ...]
    local: dict[Buffer, int]

    @property
    def nests(self) -> tuple[Nest, ...]:
        """The nests, sums included."""
        return tuple([i.nest if isinstance(i, Sum) else i for i in self.items if not isinstance(i, Product)])

    @property
    def products(self) -> tuple[Product, ...]:
        """The products."""
        return tuple([i for i in self.items if isinstance(i, Product)])

    @property
    def members(self) -> tuple[Nest | LibraryStep, ...]:
        """What runs in them: the nests, and the products as they would be alone."""
        return (*self.nests, *[product.step for product in self.products])

    @property
    def partials(self) -> tuple[Buffer, ...]:
        """Memory of the blocks of what is reduced over the axis."""
        blocks = [i.partials for i in self.items if isinstance(i, Sum | Product)]
        return tuple([b for b in blocks if b is not None])


@dataclass(frozen=True, slots=True)
class Carry:
    """A value that goes from one iteration to the next.

    Args:
        initial: what it is before the first.
        current: what the body reads. A small one is a temporary, so that it can be a register; of a large one it is
            `result`.
        next: what the body writes, which becomes `current` at the end of the iteration; `current` itself where the body
            changes some elements in place.
        result: where the last `current` is found after the loop.
    """

    initial: Operand
    current: Buffer
    next: Buffer
    result: Buffer


@dataclass(frozen=True, slots=True)
class Loop:
    """A body that runs a fixed number of times (`scan`).

    Args:
        count: how often.
        reverse: whether slices are visited from the last to the first.
        carries: values from iteration to iteration.
        slices: buffers that stand for the present iteration's part of another buffer.
        body: steps of one iteration.
        local: temporaries that no later iteration reads.
    """

    count: int
    reverse: bool
    carries: tuple[Carry, ...]
    slices: tuple[Buffer, ...]
    body: tuple[Step, ...]
    local: frozenset[Buffer]


@dataclass(frozen=True, slots=True)
class While:
    """A body that runs as long as a condition holds.

    Args:
        carries: values from iteration to iteration.
        test: steps that compute `condition`.
        condition: one boolean.
        body: steps of one iteration.
        trips: receives the number of iterations, an i64.
        local: temporaries that no later iteration reads.
        rows: the parts of the row that each iteration writes, with the offset of each in bytes.
        row_bytes: size of a row.
        memory: receives where the rows lie, and their number, for `Sweeps`; None if there are none.
    """

    carries: tuple[Carry, ...]
    test: tuple[Step, ...]
    condition: Buffer
    body: tuple[Step, ...]
    trips: Buffer
    local: frozenset[Buffer]
    rows: tuple[tuple[Buffer, int], ...] = ()
    row_bytes: int = 0
    memory: Buffer | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """One of several bodies, by an index that is moved into their range."""

    index: Operand
    cases: tuple[tuple[Step, ...], ...]
    local: frozenset[Buffer]


@dataclass(frozen=True, slots=True)
class Sweep:
    """One of the loops of `Sweeps`.

    Args:
        reverse: whether it goes from the last round to the first.
        carries: values from iteration to iteration.
        rows: the parts of the present round's row that it reads or writes, with the offset of each in bytes.
        given: likewise of the row that a `While` has written.
        body: steps of one iteration.
    """

    reverse: bool
    carries: tuple[Carry, ...]
    rows: tuple[tuple[Buffer, int], ...]
    given: tuple[tuple[Buffer, int], ...]
    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Sweeps:
    """Loops one after the other, of a number of rounds that is known when they begin; they share a row per round.

    Args:
        rounds: their number, an i64.
        row_bytes: size of a row; the memory of all rows is taken when the loops begin, and given back behind them.
        sweeps: the loops.
        local: temporaries that no later iteration reads.
        memory: says where the rows lie that a `While` has written; they are given back behind the loops. Or None.
        given_bytes: size of such a row.
    """

    rounds: Operand
    row_bytes: int
    sweeps: tuple[Sweep, ...]
    local: frozenset[Buffer]
    memory: Buffer | None = None
    given_bytes: int = 0

    @property
    def carries(self) -> tuple[Carry, ...]:
        """Those of all of the loops."""
        return tuple([carry for sweep in self.sweeps for carry in sweep.carries])


Step = Nest | Tiles | LibraryStep | Loop | While | Branch | Sweeps


def inner_steps(step: Step) -> tuple[Step, ...]:
    """The steps inside a step of control flow."""
    if isinstance(step, Loop):
        return step.body
    if isinstance(step, While):
        return step.test + step.body
    if isinstance(step, Branch):
        return tuple([s for case in step.cases for s in case])
    if isinstance(step, Sweeps):
        return tuple([s for sweep in step.sweeps for s in sweep.body])
    return ()


def leaves(steps: Sequence[Step]) -> Iterator[Nest | Tiles | LibraryStep]:
    """All steps that are no control flow, at any depth."""
    for step in steps:
        if isinstance(step, Nest | Tiles | LibraryStep):
            yield step
        else:
            yield from leaves(inner_steps(step))


@dataclass(frozen=True, slots=True)
class Program:
    """Everything that one compiled function does.

    Args:
        name: of the graph.
        inputs: one buffer per graph input.
        outputs: one buffer per graph output.
        temporaries: arena memory, with the byte offset of each.
        registers: temporaries so small, and so short-lived, that they lie on the stack one by one, where LLVM makes
            registers of them.
        arena_bytes: size of the arena.
        steps: in order.
        guards: number of guard values that it reports.
        kept: those temporaries that say where rows lie from one step to another: a run that ends between the two gives
            the rows back.
    """

    name: str
    inputs: tuple[Buffer, ...]
    outputs: tuple[Buffer, ...]
    temporaries: dict[Buffer, int]
    registers: frozenset[Buffer]
    arena_bytes: int
    steps: tuple[Step, ...]
    guards: int
    kept: tuple[Buffer, ...] = ()
