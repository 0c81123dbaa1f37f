"""Loops and branches inside one kernel: their steps in a block of threads, one after the other.

As on the CPU, small carries are copied at the end of a round, and large ones live in two places that take turns: in odd
rounds the second is the present one. Those whose next value is made where the present one lies just stay there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from tapec.passes.cuda.blocks import BlockProgram, Move
from tapec.passes.cuda.kernel import Choice, Repeat, Uniform, Until
from tapec.passes.cuda.reductions import for_each
from tapec.passes.cuda.row_view import as_rows
from tapec.passes.cuda.steps import ITEMS
from tapec.passes.cuda.thread_text import Thread
from tapec.passes.in_place import REGISTER_BYTES
from tapec.passes.library.table import EMITTERS
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import i64
from tapec.passes.loops import Buffer, Nest
from tapec.passes.steps import Branch, Carry, LibraryStep, Loop, Operand, Step, While


def write_steps(program: BlockProgram, steps: Sequence[Step]) -> None:
    """Appends steps, which `block_choice` has found to fit."""
    for step in steps:
        if isinstance(step, Nest):
            nest = step if program.rows is None else as_rows(step, program.rows.extent)
            assert nest is not None
            program.nest(nest)
        elif isinstance(step, LibraryStep):
            _library(program, step)
        elif isinstance(step, Loop):
            _loop(program, step)
        elif isinstance(step, While):
            _while(program, step)
        else:
            assert isinstance(step, Branch)
            _branch(program, step)


def _library(program: BlockProgram, step: LibraryStep) -> None:
    label = step.primitive.name
    items = None
    if step.primitive in ITEMS and all(o.buffer.size for o in step.operands):
        items = ITEMS[step.primitive](step)
    if items is None:
        # The CPU's loops, on one thread: the order of what they do matters, or there is nothing to do.
        program.first_thread(label, lambda t: EMITTERS[step.primitive](t.f, step, t.around))
        return
    counted = items

    def write(thread: Thread) -> None:
        for_each(thread, counted.count, lambda number: counted.item(thread, number))

    program.parts.append(program.phase(label, write))


def operand_address(operand: Operand) -> Callable[[Thread], Reg]:
    """What gives the address of an operand's first element."""

    def address(thread: Thread) -> Reg:
        base = thread.pointer(operand.buffer)
        return thread.f.element_pointer(base, i64(operand.offset), memory_element(operand.buffer.dtype))

    return address


def _move(to: Buffer, source: Buffer) -> Move:
    return to, lambda thread: thread.pointer(source)


class _Carries:
    """The carries of a loop."""

    def __init__(self, program: BlockProgram, carries: Sequence[Carry], round_: Uniform) -> None:
        self.program, self.round = program, round_
        self.small = [c for c in carries if c.current.nbytes <= REGISTER_BYTES]
        self.copied = [c for c in self.small if c.next is not c.current]
        self.swapped = [c for c in carries if c.current.nbytes > REGISTER_BYTES and c.next is not c.current]
        program.copy([(c.current, operand_address(c.initial)) for c in carries if c.initial.buffer is not c.current])

    def bind(self, thread: Thread) -> None:
        """Where the large ones are in this round."""
        if not self.swapped:
            return
        f = thread.f
        odd = self._odd(thread)
        for carry in self.swapped:
            first, second = thread.pointer(carry.current), thread.pointer(carry.next)
            thread.bind(carry.current, f.select(odd, second, first))
            thread.bind(carry.next, f.select(odd, first, second))

    def _odd(self, thread: Thread) -> Reg:
        f = thread.f
        return f.icmp("ne", f.binary("and", thread.round(self.round), i64(1)), i64(0))

    def advance(self) -> None:
        """The end of a round."""
        self.program.copy([_move(c.current, c.next) for c in self.copied])

    def leave(self) -> None:
        """Behind the loop, where the counter says how many rounds there were."""
        self.program.copy([_move(c.result, c.current) for c in self.small])
        self.program.copy([_move(c.current, c.next) for c in self.swapped], self._odd)


def _loop(program: BlockProgram, loop: Loop) -> None:
    round_ = Uniform()
    carries = _Carries(program, loop.carries, round_)

    def bind(thread: Thread) -> None:
        f = thread.f
        number = thread.round(round_)
        at = f.sub(i64(loop.count - 1), number) if loop.reverse else number
        for part in loop.slices:
            assert part.base is not None
            offset = f.add(f.mul(at, i64(part.stride)), i64(part.offset))
            thread.bind(part, f.element_pointer(thread.pointer(part.base), offset, memory_element(part.dtype)))
        carries.bind(thread)

    def body() -> None:
        write_steps(program, loop.body)
        carries.advance()

    program.binders.append(bind)
    parts = program.inside(body)
    program.binders.pop()
    program.parts.append(Repeat(loop.count, round_, parts))
    carries.leave()


def _while(program: BlockProgram, loop: While) -> None:
    round_, flag = Uniform(), program.share("i8")
    carries = _Carries(program, loop.carries, round_)

    def raise_flag(thread: Thread) -> None:
        f = thread.f
        f.store(f.load(thread.pointer(loop.condition), "i8"), thread.shared(flag))

    def test() -> None:
        write_steps(program, loop.test)
        program.first_thread("condition", raise_flag)

    def body() -> None:
        write_steps(program, loop.body)
        carries.advance()

    program.binders.append(carries.bind)
    parts = program.inside(test), program.inside(body)
    program.binders.pop()
    program.parts.append(Until(parts[0], flag, round_, parts[1]))
    carries.leave()
    program.first_thread("rounds", lambda t: t.f.store(t.round(round_), t.pointer(loop.trips)))


def _branch(program: BlockProgram, branch: Branch) -> None:
    number = program.share("i64")
    dtype = branch.index.buffer.dtype

    def choose(thread: Thread) -> None:
        f = thread.f
        index = f.load(operand_address(branch.index)(thread), memory_element(dtype))
        if dtype.bits < 64:
            index = f.convert("sext" if dtype.kind == "i" else "zext", index, "i64")
        f.store(clamped(f, index, len(branch.cases), dtype.kind != "u"), thread.shared(number))

    program.first_thread("choose", choose)
    cases = [program.inside(partial(write_steps, program, steps)) for steps in branch.cases]
    program.parts.append(Choice(number, tuple(cases)))


def clamped(f: FunctionText, index: Reg, count: int, signed: bool) -> Reg:
    """An index moved into 0 to `count - 1`."""
    top = i64(count - 1)
    index = f.select(f.icmp("sgt" if signed else "ugt", index, top), top, index)
    return f.select(f.icmp("slt", index, i64(0)), i64(0), index) if signed else index
