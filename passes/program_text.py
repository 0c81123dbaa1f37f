"""A whole program as one LLVM function: `i64 kernel(ptr args, ptr outs, ptr guards)`.

`args` and `outs` are arrays of addresses; `guards` receives one 64-bit integer per guard. The result is 0, or one of the
statuses below. Small arenas lie on the stack. A larger one is kept from call to call: a run takes it by an atomic
exchange and puts it back at the end, so that two threads never share it; whoever finds none allocates its own.
"""

from __future__ import annotations

from tapec.ir.graph import Location
from tapec.passes.library.table import EMITTERS
from tapec.passes.llvm_text import FunctionText, Reg, module_text
from tapec.passes.loop_text import i64, when
from tapec.passes.loops import Buffer, Nest, Program
from tapec.passes.nest_loops import emit_nest
from tapec.passes.nest_text import Surroundings

FINE, GUARD_DIFFERS, INDEX_OUT_OF_RANGE, NO_MEMORY, TOO_LARGE = range(5)

ARENA = "arena_kept"
RELEASE = "release"
_STACK_ARENA = 16_384


class _ProgramText:
    def __init__(self, program: Program, symbol: str, vector_bits: int) -> None:
        self.program = program
        self.f = FunctionText(symbol, "ptr noalias %args, ptr noalias %outs, ptr noalias %guards", "i64")
        self.pointers: dict[Buffer, Reg] = {}
        self.status = self.f.alloca("i64", 1)
        self.guards = 0
        self.around = Surroundings(self._pointer, self._fault, self._fail, self._guard, vector_bits)

    def _pointer(self, buffer: Buffer) -> Reg:
        return self.pointers[buffer]

    def _fault(self, condition: Reg, location: Location | None) -> None:
        f = self.f
        if condition.width > 1:
            symbol = f"llvm.vector.reduce.or.v{condition.width}i1"
            f.declarations.add(f"declare i1 @{symbol}({condition.type})")
            condition = f.assign(f"call i1 @{symbol}({condition.type} {condition.text})", "i1")
        when(f, condition, lambda: self._fail(i64(INDEX_OUT_OF_RANGE)))

    def _fail(self, status: Reg) -> None:
        self.f.store(status, self.status)

    def _guard(self, value: Reg, expected: Reg) -> None:
        f = self.f
        f.store(value, f.element_pointer(Reg("%guards", "ptr"), i64(self.guards), "i64"))
        self.guards += 1
        differs, goes_on = f.fresh("differs"), f.fresh("holds")
        f.branch_if(f.icmp("ne", value, expected), differs, goes_on)
        f.label(differs)
        self._fail(i64(GUARD_DIFFERS))
        f.branch("leave")
        f.label(goes_on)

    def _addresses(self) -> None:
        f = self.f
        for table, buffers in (("%args", self.program.inputs), ("%outs", self.program.outputs)):
            for buffer in buffers:
                slot = f.element_pointer(Reg(table, "ptr"), i64(buffer.index), "ptr")
                self.pointers[buffer] = f.load(slot, "ptr")

    def _arena(self) -> Reg | None:
        """The arena's address, or None if the program needs none."""
        f, size = self.f, self.program.arena_bytes
        if size == 0:
            return None
        if size <= _STACK_ARENA:
            return f.alloca("i8", size)
        slot = f.alloca("ptr", 1)
        kept = f.assign(f"atomicrmw xchg ptr @{ARENA}, ptr null acq_rel", "ptr")
        f.store(kept, slot)

        def allocate() -> None:
            f.declarations.add("declare ptr @aligned_alloc(i64, i64)")
            f.store(f.assign(f"call ptr @aligned_alloc(i64 64, i64 {size})", "ptr"), slot)

        when(f, f.icmp("eq", kept, Reg("null", "ptr")), allocate)
        arena = f.load(slot, "ptr")
        have = f.fresh("have")
        none = f.fresh("none")
        f.branch_if(f.icmp("eq", arena, Reg("null", "ptr")), none, have)
        f.label(none)
        f.line(f"ret i64 {NO_MEMORY}")
        f.label(have)
        return arena

    def _leave(self, arena: Reg | None) -> None:
        f = self.f
        f.branch("leave")
        f.label("leave")
        if arena is not None and self.program.arena_bytes > _STACK_ARENA:
            f.declarations.add("declare void @free(ptr)")
            other = f.assign(f"atomicrmw xchg ptr @{ARENA}, ptr {arena.text} acq_rel", "ptr")
            f.line(f"call void @free(ptr {other.text})")
        f.line(f"ret i64 {f.load(self.status, 'i64').text}")

    def text(self) -> str:
        f, program = self.f, self.program
        f.store(i64(FINE), self.status)
        self._addresses()
        arena = self._arena()
        if arena is not None:
            for buffer, offset in program.temporaries.items():
                self.pointers[buffer] = f.element_pointer(arena, i64(offset), "i8")
        for step in program.steps:
            if isinstance(step, Nest):
                emit_nest(f, step, self.around)
            else:
                EMITTERS[step.primitive](f, step, self.around)
        self._leave(arena)
        if program.arena_bytes <= _STACK_ARENA:
            return module_text([f])
        return module_text([f, _release()], [f"@{ARENA} = internal global ptr null, align 8"])


def _release() -> FunctionText:
    """`void release()`: frees the arena that is kept."""
    f = FunctionText(RELEASE, "")
    f.declarations.add("declare void @free(ptr)")
    kept = f.assign(f"atomicrmw xchg ptr @{ARENA}, ptr null acq_rel", "ptr")
    f.line(f"call void @free(ptr {kept.text})")
    f.line("ret void")
    return f


def program_text(program: Program, symbol: str = "kernel", vector_bits: int = 256) -> str:
    """The LLVM module of a program."""
    return _ProgramText(program, symbol, vector_bits).text()

