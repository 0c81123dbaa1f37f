"""Kernels as LLVM IR for NVIDIA GPUs: a phase is inlined behind a barrier, slots are local variables."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.passes.cuda.kernel import ALIGNMENT, Exchange, Kernel, Phase, layout
from tapec.passes.cuda.parts_text import PartsText, phase_functions
from tapec.passes.cuda.thread_text import buffer_parameters, phase_arguments
from tapec.passes.llvm_text import FunctionText, Reg, module_text
from tapec.passes.loop_text import i64
from tapec.passes.scalar.seldom import with_seldom

# How a thread's slots are cut into the 32-bit words that warps exchange.
_WORDS = {"i8": 1, "i16": 1, "i32": 1, "float": 1, "i64": 2, "double": 2}
# With room for two blocks of 256 `ptxas` may use 128 registers; left to itself it aims at more blocks, and spills.
_RESIDENT_BLOCKS = 2
_BITS = {"i8": 8, "i16": 16, "i32": 32, "float": 32, "i64": 64, "double": 64}


def device_module(kernels: Sequence[Kernel]) -> str:
    """One module with all of the kernels under their names."""
    functions: list[FunctionText] = []
    data: list[str] = []
    for kernel in kernels:
        phases = phase_functions(kernel)
        functions += [_entry(kernel, phases), *phases.values()]
        if kernel.shared_bytes:
            size = kernel.shared_bytes
            data.append(f"@{_shared(kernel)} = internal addrspace(3) global [{size} x i8] undef, align {ALIGNMENT}")
    return module_text(with_seldom(functions), data)


def _shared(kernel: Kernel) -> str:
    return f"{kernel.name}_shared"


def _entry(kernel: Kernel, phases: dict[Phase, FunctionText]) -> FunctionText:
    parameters = ", ".join(buffer_parameters(kernel, alone=len(phases) == 1))
    bounds = f'"nvvm.reqntid"="{kernel.block}" "nvvm.minctasm"="{_RESIDENT_BLOCKS}"'
    f = FunctionText(kernel.name, parameters, "ptx_kernel void", attributes=bounds)
    text = _DeviceText(f, kernel, phases)
    text.write(kernel.parts)
    f.line("ret void")
    return f


class _DeviceText(PartsText):
    """One thread's way through all parts."""

    def __init__(self, f: FunctionText, kernel: Kernel, phases: dict[Phase, FunctionText]) -> None:
        super().__init__(f, kernel, phases)
        self.block, self.thread = (self._number(name) for name in ("ctaid", "tid"))
        self.values: dict[str, str] = {}
        if kernel.shared:
            base = f"addrspacecast (ptr addrspace(3) @{_shared(kernel)} to ptr)"
            for i, offset in enumerate(layout(kernel.shared)[0]):
                self.values[f"shared{i}"] = f.element_pointer(Reg(base, "ptr"), i64(offset), "i8").text
        for i, slot in enumerate(kernel.slots):
            self.values[f"slot{i}"] = f.alloca(slot.element, slot.count, ALIGNMENT).text
        for i in range(len(kernel.uniforms)):
            self.values[f"round{i}"] = f.alloca("i64", 1, 8).text

    def _number(self, name: str) -> Reg:
        f = self.f
        return f.convert("zext", f.call(f"llvm.nvvm.read.ptx.sreg.{name}.x", "i32"), "i64")

    def address(self, name: str) -> Reg:
        return Reg(self.values.get(name, f"%{name}"), "ptr")

    def phase(self, phase: Phase) -> None:
        if phase is not self.kernel.parts[0] and not phase.alone:
            self.barrier()
        arguments = phase_arguments(self.kernel, self.values, self.block, self.thread)
        self.f.line(f"call void @{self.functions[phase].name}({arguments})")

    def barrier(self) -> None:
        self.f.call("llvm.nvvm.barrier.cta.sync.aligned.all", "void", Reg("0", "i32"))

    def exchange(self, exchange: Exchange) -> None:
        f, element = self.f, exchange.source.element
        source, to = (self.address(f"slot{self.kernel.slots.index(s)}") for s in (exchange.source, exchange.to))
        bits, words = f"i{_BITS[element]}", _WORDS[element]
        pattern = f.load(source, bits)
        if words == 1:
            word = pattern if bits == "i32" else f.convert("zext", pattern, "i32")
            moved = self._moved(word, exchange.distance)
            f.store(moved if bits == "i32" else f.convert("trunc", moved, bits), to)
            return
        low = self._moved(f.convert("trunc", pattern, "i32"), exchange.distance)
        high = self._moved(f.convert("trunc", f.binary("lshr", pattern, i64(32)), "i32"), exchange.distance)
        wide = f.binary("shl", f.convert("zext", high, "i64"), i64(32))
        f.store(f.binary("or", wide, f.convert("zext", low, "i64")), to)

    def _moved(self, word: Reg, distance: int) -> Reg:
        # Every thread takes part: exchanges stand between phases, where no thread is elsewhere.
        every, last = Reg("-1", "i32"), Reg("31", "i32")
        return self.f.call("llvm.nvvm.shfl.sync.down.i32", "i32", every, word, Reg(str(distance), "i32"), last)
