"""Loops and branches over steps, in LLVM text.

Small carries are copied at the end of an iteration, which LLVM turns into registers. Large ones live in two buffers
whose addresses change places instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tapec.passes.kernel_status import NO_MEMORY
from tapec.passes.library.lines import copy_bytes
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import count_loop, i64, when
from tapec.passes.loops import Branch, Buffer, Carry, Loop, Operand, Step, Sweep, Sweeps, While
from tapec.passes.lower import REGISTER_BYTES

_MOST_BYTES = 1 << 62


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


def emit_control(scope: Scope, step: Loop | While | Branch | Sweeps) -> None:
    """Appends a step of control flow."""
    if isinstance(step, Loop):
        _loop(scope, step)
    elif isinstance(step, While):
        _while(scope, step)
    elif isinstance(step, Sweeps):
        _sweeps(scope, step)
    else:
        _branch(scope, step)


def _operand(scope: Scope, operand: Operand) -> Reg:
    base = scope.pointer(operand.buffer)
    if operand.offset == 0:
        return base
    return scope.f.element_pointer(base, i64(operand.offset), memory_element(operand.buffer.dtype))


class _Carries:
    """The carries of one loop: set before it, moved on after each iteration, in place behind it."""

    def __init__(self, scope: Scope, carries: Sequence[Carry]) -> None:
        self.scope = scope
        self.f = scope.f
        self.copied = [c for c in carries if c.current.nbytes <= REGISTER_BYTES]
        self.swapped = [c for c in carries if c.current.nbytes > REGISTER_BYTES]
        for carry in carries:
            copy_elements(self.f, scope.pointer(carry.current), _operand(scope, carry.initial), carry.current)
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
        for carry in self.copied:
            copy_elements(f, self.scope.pointer(carry.result), self.scope.pointer(carry.current), carry.current)
        for carry, home, (slot, _) in zip(self.swapped, self.homes, self.slots, strict=True):
            self.scope.bind(carry.current, home[0])
            self.scope.bind(carry.next, home[1])
            there = f.load(slot, "ptr")
            away = f.icmp("ne", there, home[0])
            when(f, away, lambda c=carry, h=home[0], t=there: copy_elements(f, h, t, c.current))  # type: ignore[misc]


def copy_elements(f: FunctionText, to: Reg, source: Reg, buffer: Buffer) -> None:
    """Copies a buffer's elements: one load and store where it is a scalar, which registers come of, else bytes."""
    if buffer.size == 1:
        element = memory_element(buffer.dtype)
        f.store(f.load(source, element), to)
    elif buffer.size:
        copy_bytes(f, to, source, buffer.nbytes)


def _loop(scope: Scope, loop: Loop) -> None:
    f = scope.f
    carries = _Carries(scope, loop.carries)
    bases = {part: scope.pointer(part.base) for part in loop.slices if part.base is not None}

    def iteration(index: Reg) -> None:
        at = f.sub(i64(loop.count - 1), index) if loop.reverse else index
        for part, base in bases.items():
            first = f.mul(at, i64(part.size))
            offset = f.add(first, i64(part.offset)) if part.offset else first
            scope.bind(part, f.element_pointer(base, offset, memory_element(part.dtype)))
        carries.enter()
        scope.write(loop.body)
        carries.advance()

    count_loop(f, i64(0), i64(loop.count), 1, iteration)
    carries.leave()


def _while(scope: Scope, loop: While) -> None:
    f = scope.f
    carries = _Carries(scope, loop.carries)
    trips = f.alloca("i64", 1)
    f.store(i64(0), trips)
    head, body, done = (f.fresh(name) for name in ("while", "round", "ended"))
    f.branch(head)
    f.label(head)
    carries.enter()
    scope.write(loop.test)
    goes_on = f.icmp("ne", f.load(scope.pointer(loop.condition), "i8"), Reg("0", "i8"))
    f.branch_if(goes_on, body, done)
    f.label(body)
    scope.write(loop.body)
    carries.advance()
    f.store(f.add(f.load(trips, "i64"), i64(1)), trips)
    f.branch(head)
    f.label(done)
    carries.leave()
    f.store(f.load(trips, "i64"), scope.pointer(loop.trips))


def _sweeps(scope: Scope, step: Sweeps) -> None:
    """Memory of one row per round, and the loops over it; if there is none, a status and no loops."""
    f = scope.f
    f.declarations |= {"declare ptr @malloc(i64)", "declare void @free(ptr)"}
    asked = f.load(_operand(scope, step.rounds), "i64")
    rounds = f.select(f.icmp("slt", asked, i64(0)), i64(0), asked)
    most = i64(_MOST_BYTES // max(step.row_bytes, 1))
    nbytes = f.mul(f.select(f.icmp("sgt", rounds, most), most, rounds), i64(step.row_bytes))
    # One byte more, since malloc(0) may give null.
    memory = f.assign(f"call ptr @malloc(i64 {f.add(nbytes, i64(1)).text})", "ptr")
    fits = f.icmp("sle", rounds, most)
    have, none, done = (f.fresh(name) for name in ("rows", "no_rows", "swept"))
    f.branch_if(f.select(fits, f.icmp("ne", memory, Reg("null", "ptr")), Reg("false", "i1")), have, none)
    f.label(none)
    scope.fail(i64(NO_MEMORY))
    f.branch(done)
    f.label(have)
    for sweep in step.sweeps:
        _sweep(scope, sweep, rounds, memory, step.row_bytes)
    f.branch(done)
    f.label(done)
    f.line(f"call void @free(ptr {memory.text})")


def _sweep(scope: Scope, sweep: Sweep, rounds: Reg, memory: Reg, row_bytes: int) -> None:
    f = scope.f
    carries = _Carries(scope, sweep.carries)

    def iteration(index: Reg) -> None:
        at = f.sub(f.sub(rounds, i64(1)), index) if sweep.reverse else index
        start = f.mul(at, i64(row_bytes))
        for row, offset in sweep.rows:
            scope.bind(row, f.element_pointer(memory, f.add(start, i64(offset)), "i8"))
        carries.enter()
        scope.write(sweep.body)
        carries.advance()

    count_loop(f, i64(0), rounds, 1, iteration)
    carries.leave()


def _branch(scope: Scope, branch: Branch) -> None:
    f = scope.f
    dtype = branch.index.buffer.dtype
    index = f.load(_operand(scope, branch.index), memory_element(dtype))
    if dtype.bits < 64:
        index = f.convert("sext" if dtype.kind == "i" else "zext", index, "i64")
    signed = dtype.kind != "u"
    top = i64(len(branch.cases) - 1)
    index = f.select(f.icmp("sgt" if signed else "ugt", index, top), top, index)
    if signed:
        index = f.select(f.icmp("slt", index, i64(0)), i64(0), index)
    done = f.fresh("chosen")
    names = [f.fresh("case") for _ in branch.cases]
    targets = " ".join(f"i64 {i}, label %{name}" for i, name in enumerate(names[:-1]))
    f.line(f"switch i64 {index.text}, label %{names[-1]} [ {targets} ]")
    for name, steps in zip(names, branch.cases, strict=True):
        f.label(name)
        scope.write(steps)
        f.branch(done)
    f.label(done)
