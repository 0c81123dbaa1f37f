"""Where code is written: what a function gives to the nests in it, and a point in the loops of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tapec.ir.graph import Location
from tapec.passes.llvm_text import Reg
from tapec.passes.loops import Buffer
from tapec.passes.shared_formulas import Formula


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a nest needs of the function that it stands in.

    Args:
        pointer: address of a buffer's first element.
        fault: records an index out of range when the (scalar or vector) condition holds in any lane.
        fail: records this status.
        guard: reports a guard's value, and ends the run where it is not the expected one.
        vector_bits: width of the machine's vector registers.
        shared: formulas that are called instead of written.
        streamed: buffers that are filled past the caches.
        ahead: of buffers that are read, how many elements further on lies what is wanted soon: it is asked for.
    """

    pointer: Callable[[Buffer], Reg]
    fault: Callable[[Reg, Location | None], None]
    fail: Callable[[Reg], None]
    guard: Callable[[Reg, Reg], None]
    vector_bits: int
    shared: frozenset[Formula] = frozenset()
    streamed: frozenset[Buffer] = frozenset()
    ahead: Mapping[Buffer, int] = field(default_factory=dict)


@dataclass(slots=True)
class Place:
    """A point in the loops.

    Attributes:
        depth: number of loops entered.
        index: position along each axis whose loop was entered.
        width: lanes along the lane axis; 1 while its loop was not entered.
        mask: lanes that exist; None for all.
        within: whether all lanes are known to lie in every window.
        registers: what the body has computed so far.
        pointers: per access, the address for the positions known so far.
        sorted: per load that was done together with its neighbours, its vector.
    """

    depth: int = 0
    index: dict[int, Reg] = field(default_factory=dict)
    width: int = 1
    mask: Reg | None = None
    within: bool = False
    registers: dict[int, Reg] = field(default_factory=dict)
    pointers: dict[int, Reg] = field(default_factory=dict)
    sorted: dict[int, Reg] = field(default_factory=dict)

    def inside(
        self, axis: int, index: Reg, width: int | None = None, mask: Reg | None = None, within: bool = False
    ) -> Place:
        """The point one loop further in."""
        return Place(
            self.depth + 1,
            {**self.index, axis: index},
            self.width if width is None else width,
            mask if mask is not None else self.mask,
            within,
            dict(self.registers),
            dict(self.pointers),
        )
