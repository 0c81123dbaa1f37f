"""Kernels on the host: blocks one after the other, and each phase a loop over a block's threads.

The function of a kernel is `void name(ptr buffers, ptr status, ptr memory, i64 backwards)`. `buffers` is an array of
addresses, `memory` holds a block's shared arrays and its threads' slots (`host_bytes` says how much), and `backwards`
has blocks, and threads in each phase, run from the last to the first: no result may depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tapec.passes.cuda.kernel import WARP, Exchange, Kernel, Phase, layout, size_of
from tapec.passes.cuda.parts_text import PartsText, phase_functions
from tapec.passes.cuda.thread_text import STATUS, phase_arguments
from tapec.passes.llvm_text import FunctionText, Reg, module_text
from tapec.passes.loop_text import count_loop, i64
from tapec.passes.scalar.seldom import with_seldom

# Every byte of shared memory and slots when a block begins: NaNs, since nothing may depend on it.
_GARBAGE = -1


def host_module(kernels: Sequence[Kernel]) -> str:
    """One module with all of the kernels under their names."""
    functions: list[FunctionText] = []
    for kernel in kernels:
        phases = phase_functions(kernel)
        functions += [_grid(kernel), _block(kernel, phases), *phases.values()]
    return module_text(with_seldom(functions))


def host_bytes(kernel: Kernel) -> int:
    """Bytes of `memory`."""
    return kernel.shared_bytes + layout(kernel.slots)[1] * kernel.block


def _grid(kernel: Kernel) -> FunctionText:
    f = FunctionText(kernel.name, f"ptr %buffers, ptr %{STATUS}, ptr %memory, i64 %backwards")
    arguments = []
    for i, buffer in enumerate(kernel.buffers):
        slot = f.element_pointer(Reg("%buffers", "ptr"), i64(i), "ptr")
        f.line(f"%{buffer.name} = load ptr, ptr {slot.text}, align 8")
        arguments.append(f"ptr %{buffer.name}")

    def one_block(index: Reg) -> None:
        number = _turned(f, index, kernel.grid)
        f.declarations.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        f.line(f"call void @llvm.memset.p0.i64(ptr %memory, i8 {_GARBAGE}, i64 {host_bytes(kernel)}, i1 false)")
        tail = [f"ptr %{STATUS}", "ptr %memory", "i64 %backwards", f"i64 {number.text}"]
        f.line(f"call void @{kernel.name}_block({', '.join(arguments + tail)})")

    count_loop(f, i64(0), i64(kernel.grid), 1, one_block)
    f.line("ret void")
    return f


def _turned(f: FunctionText, index: Reg, count: int) -> Reg:
    """The index itself, or counted from the end."""
    return f.select(f.icmp("ne", Reg("%backwards", "i64"), i64(0)), f.sub(i64(count - 1), index), index)


def _block(kernel: Kernel, phases: dict[Phase, FunctionText]) -> FunctionText:
    parameters = [f"ptr %{b.name}" for b in kernel.buffers]
    tail = [f"ptr %{STATUS}", "ptr %memory", "i64 %backwards", "i64 %block"]
    f = FunctionText(f"{kernel.name}_block", ", ".join(parameters + tail), private=True)
    _HostText(f, kernel, phases).write(kernel.parts)
    f.line("ret void")
    return f


class _HostText(PartsText):
    """One block's way through all parts."""

    def __init__(self, f: FunctionText, kernel: Kernel, phases: dict[Phase, FunctionText]) -> None:
        super().__init__(f, kernel, phases)
        memory = Reg("%memory", "ptr")
        self.values: dict[str, str] = {}
        for i, offset in enumerate(layout(kernel.shared)[0]):
            self.values[f"shared{i}"] = f.element_pointer(memory, i64(offset), "i8").text
        for i in range(len(kernel.uniforms)):
            self.values[f"round{i}"] = f.alloca("i64", 1, 8).text
        self.frames = f.element_pointer(memory, i64(kernel.shared_bytes), "i8")
        self.slot_offsets, self.frame_bytes = layout(kernel.slots)

    def address(self, name: str) -> Reg:
        return Reg(self.values.get(name, f"%{name}"), "ptr")

    def barrier(self) -> None:
        pass  # a phase ends when its loop does

    def _slot(self, number: int, thread: Reg) -> Reg:
        offset = self.f.add(self.f.mul(thread, i64(self.frame_bytes)), i64(self.slot_offsets[number]))
        return self.f.element_pointer(self.frames, offset, "i8")

    def phase(self, phase: Phase) -> None:
        f, kernel = self.f, self.kernel

        def one_thread(index: Reg) -> None:
            thread = _turned(f, index, kernel.block)
            slots = {f"slot{i}": self._slot(i, thread).text for i in range(len(kernel.slots))}
            arguments = phase_arguments(kernel, self.values | slots, Reg("%block", "i64"), thread)
            f.line(f"call void @{self.functions[phase].name}({arguments})")

        count_loop(f, i64(0), i64(kernel.block), 1, one_thread)

    def exchange(self, exchange: Exchange) -> None:
        # Slots are read before they are written, since `to` may be another thread's `source`.
        f, kernel = self.f, self.kernel
        element, width = exchange.source.element, size_of(exchange.source.element)
        held = f.alloca(element, kernel.block, width)
        source, to = (kernel.slots.index(s) for s in (exchange.source, exchange.to))

        def read(thread: Reg) -> None:
            lane = f.binary("and", thread, i64(WARP - 1))
            inside = f.icmp("slt", f.add(lane, i64(exchange.distance)), i64(WARP))
            other = f.select(inside, f.add(thread, i64(exchange.distance)), thread)
            f.store(f.load(self._slot(source, other), element), f.element_pointer(held, thread, element))

        def write(thread: Reg) -> None:
            f.store(f.load(f.element_pointer(held, thread, element), element), self._slot(to, thread))

        count_loop(f, i64(0), i64(kernel.block), 1, read)
        count_loop(f, i64(0), i64(kernel.block), 1, write)
