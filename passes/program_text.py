"""A whole program as one LLVM function: `i64 kernel(ptr args, ptr outs, ptr guards)`.

`args` and `outs` are arrays of addresses; `guards` receives one 64-bit integer per guard. The result is 0, or one of
the statuses below. Small arenas lie on the stack. A larger one is kept from call to call: a run takes it by an atomic
exchange and puts it back at the end, so that two threads never share it; whoever finds none allocates its own.

Long programs are cut into parts, functions of their own, since LLVM's time grows faster than a function's length.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial

from tapec.ir.graph import Location
from tapec.passes.control_text import emit_control
from tapec.passes.fault_text import when_any
from tapec.passes.kernel_status import FINE as FINE
from tapec.passes.kernel_status import GUARD_DIFFERS as GUARD_DIFFERS
from tapec.passes.kernel_status import INDEX_OUT_OF_RANGE as INDEX_OUT_OF_RANGE
from tapec.passes.kernel_status import KERNEL, RELEASE
from tapec.passes.kernel_status import NO_MEMORY as NO_MEMORY
from tapec.passes.library.table import EMITTERS
from tapec.passes.llvm_text import FunctionText, Reg, memory_element, module_text
from tapec.passes.loop_text import i64, when
from tapec.passes.loops import Buffer, Nest
from tapec.passes.lower import LONG_PROGRAM
from tapec.passes.parallel_text import emit_nest_on_threads
from tapec.passes.places import Surroundings
from tapec.passes.rows_text import give_back
from tapec.passes.shared_formulas import Formula, may_call, shared_formulas
from tapec.passes.step_timers import Timers
from tapec.passes.steps import LibraryStep, Program, Step, Tiles
from tapec.passes.tile_text import emit_tiles

ARENA = "arena_kept"
_STACK_ARENA = 16_384
_PART = 24  # steps per function of a long program
_PARAMETERS = "ptr noalias %args, ptr noalias %outs, ptr noalias %guards"


class _StepsText:
    """Writes steps into a function that has `%args`, `%outs` and `%guards`.

    Args:
        f: the function; it needs a block `leave`, which this class does not write.
        program: whose steps.
        arena: address of the arena.
        vector_bits: width of the machine's vector registers.
        guards: number of guards before these steps.
        shared: formulas that short nests outside of loops call.
        timers: clocks around the steps, if they are wanted.
    """

    def __init__(
        self,
        f: FunctionText,
        program: Program,
        arena: Reg | None,
        vector_bits: int,
        guards: int,
        shared: frozenset[Formula] = frozenset(),
        timers: Timers | None = None,
    ) -> None:
        self.f = f
        self.program = program
        self.arena = arena
        self.guards = guards
        self.pointers: dict[Buffer, Reg] = {}
        self.status = f.alloca("i64", 1)
        f.store(i64(FINE), self.status)
        self.around = Surroundings(self.pointer, self._fault, self.fail, self._guard, vector_bits)
        self.calling = replace(self.around, shared=shared)
        self.timers = timers

    def write_once(self, steps: Sequence[Step]) -> None:
        """Appends steps that stand outside of loops and branches."""
        for step in steps:
            if self.calling.shared and may_call(step):
                with self._timed(step):
                    self._write_nests(step, self.calling)
            else:
                self.write([step])

    def _write_nests(self, step: Nest | Tiles, around: Surroundings) -> None:
        if isinstance(step, Nest):
            emit_nest_on_threads(self.f, step, around)
        else:
            emit_tiles(self.f, step, around)

    def write(self, steps: Sequence[Step]) -> None:
        """Appends the steps."""
        for step in steps:
            with self._timed(step):
                if isinstance(step, Nest | Tiles):
                    self._write_nests(step, self.around)
                elif isinstance(step, LibraryStep):
                    EMITTERS[step.primitive](self.f, step, self.around)
                else:
                    emit_control(self, step)

    def _timed(self, step: Step) -> AbstractContextManager[None]:
        return nullcontext() if self.timers is None else self.timers.around(self.f, step)

    def bind(self, buffer: Buffer, pointer: Reg) -> None:
        """See `control_text.Scope`."""
        self.pointers[buffer] = pointer

    def pointer(self, buffer: Buffer) -> Reg:
        """Address of a buffer's first element."""
        found = self.pointers.get(buffer)
        if found is None:
            found = self.pointers[buffer] = Reg(f"%{self.f.fresh(buffer.name)}", "ptr")
            self._define(buffer, found.text)
        return found

    def _define(self, buffer: Buffer, name: str) -> None:
        """Has `name` be the buffer's address, from the beginning of the function on."""
        if buffer in self.program.registers:
            self.f.take_stack(name, memory_element(buffer.dtype), max(buffer.size, 1))
        else:
            self.f.prologue += self._address(buffer, name)

    def _address(self, buffer: Buffer, name: str) -> list[str]:
        if buffer.kind == "temporary":
            assert self.arena is not None
            return [f"  {name} = getelementptr i8, ptr {self.arena.text}, i64 {self.program.temporaries[buffer]}"]
        table = "%args" if buffer.kind == "input" else "%outs"
        slot = f"{name}.slot"
        return [
            f"  {slot} = getelementptr ptr, ptr {table}, i64 {buffer.index}",
            f"  {name} = load ptr, ptr {slot}, align 8",
        ]

    def _fault(self, condition: Reg, location: Location | None) -> None:
        when_any(self.f, condition, lambda: self.fail(i64(INDEX_OUT_OF_RANGE)))

    def fail(self, status: Reg) -> None:
        """See `control_text.Scope`."""
        self.f.store(status, self.status)

    def _guard(self, value: Reg, expected: Reg) -> None:
        f = self.f
        f.store(value, f.element_pointer(Reg("%guards", "ptr"), i64(self.guards), "i64"))
        self.guards += 1
        differs, goes_on = f.fresh("differs"), f.fresh("holds")
        f.branch_if(f.icmp("ne", value, expected), differs, goes_on)
        f.label(differs)
        self.fail(i64(GUARD_DIFFERS))
        f.branch("leave")
        f.label(goes_on)

    def finish(self) -> Reg:
        """Starts the block `leave` and gives the status."""
        self.f.branch("leave")
        self.f.label("leave")
        return self.f.load(self.status, "i64")


def _stack_arena(f: FunctionText, program: Program) -> Reg | None:
    return f.alloca("i8", program.arena_bytes) if program.arena_bytes else None


def _heap_arena(f: FunctionText, program: Program) -> Reg:
    """Takes the arena that is kept, or a new one; returns from the kernel if there is no memory."""
    slot = f.alloca("ptr", 1)
    kept = f.assign(f"atomicrmw xchg ptr @{ARENA}, ptr null acq_rel", "ptr")
    f.store(kept, slot)

    def allocate() -> None:
        f.declarations.add("declare ptr @aligned_alloc(i64, i64)")
        f.store(f.assign(f"call ptr @aligned_alloc(i64 64, i64 {program.arena_bytes})", "ptr"), slot)

    when(f, f.icmp("eq", kept, Reg("null", "ptr")), allocate)
    arena = f.load(slot, "ptr")
    have, none = f.fresh("have"), f.fresh("none")
    f.branch_if(f.icmp("eq", arena, Reg("null", "ptr")), none, have)
    f.label(none)
    f.line(f"ret i64 {NO_MEMORY}")
    f.label(have)
    return arena


def _keep_arena(f: FunctionText, arena: Reg) -> None:
    f.declarations.add("declare void @free(ptr)")
    other = f.assign(f"atomicrmw xchg ptr @{ARENA}, ptr {arena.text} acq_rel", "ptr")
    f.line(f"call void @free(ptr {other.text})")


def _release() -> FunctionText:
    """`void release()`: frees the arena that is kept."""
    f = FunctionText(RELEASE, "")
    f.declarations.add("declare void @free(ptr)")
    kept = f.assign(f"atomicrmw xchg ptr @{ARENA}, ptr null acq_rel", "ptr")
    f.line(f"call void @free(ptr {kept.text})")
    f.line("ret void")
    return f


def _part(
    program: Program,
    steps: Sequence[Step],
    name: str,
    vector_bits: int,
    guards: int,
    shared: frozenset[Formula],
    timers: Timers | None,
) -> tuple[FunctionText, int]:
    """A function of some of the steps, which gets the arena; and the number of guards up to its end."""
    f = FunctionText(name, f"{_PARAMETERS}, ptr noalias %arena", "i64")
    text = _StepsText(f, program, Reg("%arena", "ptr"), vector_bits, guards, shared, timers)
    text.write_once(steps)
    f.line(f"ret i64 {text.finish().text}")
    return f, text.guards


def _call_parts(f: FunctionText, parts: Sequence[FunctionText], arena: Reg | None) -> Reg:
    """Runs the parts in turn, leaving after one whose guard differs; the status."""
    status = f.alloca("i64", 1)
    f.store(i64(FINE), status)
    where = "null" if arena is None else arena.text
    for part in parts:
        came = f.assign(f"call i64 @{part.name}(ptr %args, ptr %outs, ptr %guards, ptr {where})", "i64")
        when(f, f.icmp("ne", came, i64(FINE)), partial(f.store, came, status))
        goes_on = f.fresh("next")
        f.branch_if(f.icmp("eq", came, i64(GUARD_DIFFERS)), "leave", goes_on)
        f.label(goes_on)
    f.branch("leave")
    f.label("leave")
    return f.load(status, "i64")


def _in_arena(f: FunctionText, program: Program, arena: Reg | None, buffer: Buffer) -> Reg:
    """Address of a temporary, for the function that calls the parts."""
    assert arena is not None
    return f.element_pointer(arena, i64(program.temporaries[buffer]), "i8")


def _no_rows(f: FunctionText, kept: Sequence[Reg]) -> None:
    """Says of each buffer that says where rows lie that there are none yet."""
    for rows in kept:
        f.store(Reg("null", "ptr"), rows)


def program_text(program: Program, vector_bits: int, timers: Timers | None = None) -> str:
    """The LLVM module of a program; with timers it also has their function."""
    f = FunctionText(KERNEL, _PARAMETERS, "i64")
    on_stack = program.arena_bytes <= _STACK_ARENA
    arena = _stack_arena(f, program) if on_stack else _heap_arena(f, program)
    parts: list[FunctionText] = []
    shared = shared_formulas(program.steps)
    if len(program.steps) <= LONG_PROGRAM:
        # The arena's address must come before the addresses in it, which stand in the prologue.
        f.prologue += f.lines
        f.lines.clear()
        text = _StepsText(f, program, arena, vector_bits, 0, shared, timers)
        kept = [text.pointer(b) for b in program.kept]
        _no_rows(f, kept)
        text.write_once(program.steps)
        status = text.finish()
    else:
        guards = 0
        kept = [_in_arena(f, program, arena, b) for b in program.kept]
        _no_rows(f, kept)
        for start in range(0, len(program.steps), _PART):
            steps = program.steps[start : start + _PART]
            part, guards = _part(program, steps, f"{KERNEL}_part{len(parts)}", vector_bits, guards, shared, timers)
            parts.append(part)
        status = _call_parts(f, parts, arena)
    for rows in kept:  # a guard may have ended the run between the step that stored them and the one that reads them
        give_back(f, rows)
    if not on_stack:
        assert arena is not None
        _keep_arena(f, arena)
    f.line(f"ret i64 {status.text}")
    functions = [f, *parts, *([] if timers is None else [timers.reader()])]
    if on_stack:
        return module_text(functions)
    return module_text([*functions, _release()], [f"@{ARENA} = internal global ptr null, align 8"])
