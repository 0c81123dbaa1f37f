"""What loops carry, in LLVM text.

Small carries are copied at the end of an iteration, which LLVM turns into registers. Large ones live in two buffers
whose addresses change places instead. Those whose next value is made where the present one lies just stay there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from tapec.passes.in_place import REGISTER_BYTES
from tapec.passes.library.lines import copy_bytes
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import i64, when
from tapec.passes.loops import Buffer
from tapec.passes.steps import Carry, Operand, Step


class Scope(Protocol):
    """The writer of steps, as far as control flow needs it."""

    f: FunctionText

    def pointer(self, buffer: Buffer) -> Reg:
        """Address of a buffer's first element."""

    def bind(self, buffer: Buffer, pointer: Reg) -> None:
        """From here on a buffer lies at this address; for addresses that change from iteration to iteration."""

    def write(self, steps: Sequence[Step]) -> None:
        """Appends steps."""

    def fail(self, status: Reg) -> None:
        """Has the program return this status."""


def address_of(scope: Scope, operand: Operand) -> Reg:
    """Address of an operand's first element."""
    base = scope.pointer(operand.buffer)
    if operand.offset == 0:
        return base
    return scope.f.element_pointer(base, i64(operand.offset), memory_element(operand.buffer.dtype))


class Carries:
    """The carries of one loop: set before it, moved on after each iteration, in place behind it."""

    def __init__(self, scope: Scope, carries: Sequence[Carry]) -> None:
        self.scope = scope
        self.f = scope.f
        self.small = [c for c in carries if c.current.nbytes <= REGISTER_BYTES]
        self.copied = [c for c in self.small if c.next is not c.current]
        self.swapped = [c for c in carries if c.current.nbytes > REGISTER_BYTES and c.next is not c.current]
        for carry in carries:
            if carry.initial.buffer is not carry.current:
                copy_elements(self.f, scope.pointer(carry.current), address_of(scope, carry.initial), carry.current)
        self.homes = [(scope.pointer(c.current), scope.pointer(c.next)) for c in self.swapped]
        self.slots = [(self.f.alloca("ptr", 1), self.f.alloca("ptr", 1)) for _ in self.swapped]
        for (current, following), (slot, other) in zip(self.homes, self.slots, strict=True):
            self.f.store(current, slot)
            self.f.store(following, other)

    def enter(self) -> None:
        """The addresses of this iteration."""
        for carry, (slot, other) in zip(self.swapped, self.slots, strict=True):
            self.scope.bind(carry.current, self.f.load(slot, "ptr"))
            self.scope.bind(carry.next, self.f.load(other, "ptr"))

    def advance(self) -> None:
        """What the body wrote becomes what the next iteration reads."""
        f = self.f
        for carry in self.copied:
            copy_elements(f, self.scope.pointer(carry.current), self.scope.pointer(carry.next), carry.current)
        for slot, other in self.slots:
            current, following = f.load(slot, "ptr"), f.load(other, "ptr")
            f.store(following, slot)
            f.store(current, other)

    def leave(self) -> None:
        """The results are put where the rest of the program looks for them."""
        f = self.f
        for carry in self.small:
            copy_elements(f, self.scope.pointer(carry.result), self.scope.pointer(carry.current), carry.current)
        for carry, home, (slot, _) in zip(self.swapped, self.homes, self.slots, strict=True):
            self.scope.bind(carry.current, home[0])
            self.scope.bind(carry.next, home[1])
            there = f.load(slot, "ptr")
            away = f.icmp("ne", there, home[0])
            when(f, away, partial(copy_elements, f, home[0], there, carry.current))


def copy_elements(f: FunctionText, to: Reg, source: Reg, buffer: Buffer) -> None:
    """Copies a buffer's elements: one load and store where it is a scalar, which registers come of, else bytes."""
    if buffer.size == 1:
        element = memory_element(buffer.dtype)
        f.store(f.load(source, element), to)
    elif buffer.size:
        copy_bytes(f, to, source, buffer.nbytes)
