"""One phase of a kernel as an LLVM function of one thread: the very text that a GPU and the host run.

Its parameters are the kernel's arrays, the status, the shared arrays, the thread's slots, the counters, and the numbers
of the block and of the thread.
"""

from __future__ import annotations

from tapec.ir.graph import Location
from tapec.passes.cuda.kernel import ALIGNMENT, Kernel, Phase, Shared, Slot, Uniform
from tapec.passes.fault_text import when_any
from tapec.passes.kernel_status import FINE, INDEX_OUT_OF_RANGE
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import i64
from tapec.passes.loops import Buffer
from tapec.passes.places import Surroundings

STATUS = "status"
_SETS_STATUS = f"ptr %{STATUS} monotonic"
# What the CPU's emitters ask for as the width of a vector: a thread's vectors are chosen by `mapping`.
_VECTOR_BITS = 8 * ALIGNMENT


class Thread:
    """The text of one thread in one phase.

    Attributes:
        f: the function to append to.
        block: number of the block.
        index: number of the thread in its block.
        threads: how many there are in a block.
        around: what the emitters of loop nests need.
    """

    def __init__(self, kernel: Kernel, name: str) -> None:
        self.kernel = kernel
        self.threads = kernel.block
        self.f = FunctionText(name, phase_signature(kernel), private=True, attributes="alwaysinline")
        self.block = Reg("%block", "i64")
        self.index = Reg("%thread", "i64")
        self.around = Surroundings(self.pointer, self._fault, self.fail, _no_guard, _VECTOR_BITS)
        self._bound: dict[Buffer, Reg] = {}

    def pointer(self, buffer: Buffer) -> Reg:
        """Address of a buffer's first element."""
        return self._bound.get(buffer) or Reg(f"%{buffer.name}", "ptr")

    def bind(self, buffer: Buffer, pointer: Reg) -> None:
        """From here on a buffer lies at this address."""
        self._bound[buffer] = pointer

    def shared(self, array: Shared) -> Reg:
        """Address of a shared array."""
        return Reg(f"%shared{self.kernel.shared.index(array)}", "ptr")

    def slot(self, slot: Slot) -> Reg:
        """Address of a slot of this thread."""
        return Reg(f"%slot{self.kernel.slots.index(slot)}", "ptr")

    def round(self, uniform: Uniform) -> Reg:
        """The counter of a loop around the phase."""
        return self.f.load(Reg(f"%round{self.kernel.uniforms.index(uniform)}", "ptr"), "i64")

    def global_index(self) -> Reg:
        """Number of the thread in the grid."""
        return self.f.add(self.f.mul(self.block, i64(self.threads)), self.index)

    def fail(self, status: Reg) -> None:
        """Records a status; which of several stays is not said, but one does."""
        self.f.line(f"store atomic i64 {status.text}, {_SETS_STATUS}, align 8")

    def fine(self) -> Reg:
        """Whether no kernel before this one has recorded a status."""
        status = self.f.assign(f"load atomic i64, {_SETS_STATUS}, align 8", "i64")
        return self.f.icmp("eq", status, i64(FINE))

    def _fault(self, condition: Reg, location: Location | None) -> None:
        when_any(self.f, condition, lambda: self.fail(i64(INDEX_OUT_OF_RANGE)))


def may_fail(module: str) -> bool:
    """Whether a kernel of a module may set the status."""
    return _SETS_STATUS in module


def _no_guard(value: Reg, expected: Reg) -> None:
    raise AssertionError(f"guards are read by the host, not by kernels: {value.text}, {expected.text}")


def buffer_parameters(kernel: Kernel, *, alone: bool) -> list[str]:
    """The parameters of a kernel as LLVM text: its arrays and the status.

    Args:
        kernel: the kernel.
        alone: whether what is written is not read by another thread before the function is over. LLVM takes `noalias`
            to mean that no barrier lets others write there.
    """
    reads = [f"{_pointer(b, True)} readonly %{b.name}" for b in kernel.reads]
    writes = [f"{_pointer(b, alone)} %{b.name}" for b in kernel.writes]
    return [*reads, *writes, f"ptr align 8 %{STATUS}"]


def _pointer(buffer: Buffer, alone: bool) -> str:
    """The type of a buffer's address: part of another buffer begins anywhere in it, and may be read as a whole too."""
    if buffer.kind == "slice":
        return f"ptr align {buffer.dtype.itemsize}"
    return f"ptr noalias align {ALIGNMENT}" if alone else f"ptr align {ALIGNMENT}"


def private_names(kernel: Kernel) -> list[str]:
    """Names of the addresses that a block hands to its phases, in order."""
    return [
        *(f"shared{i}" for i in range(len(kernel.shared))),
        *(f"slot{i}" for i in range(len(kernel.slots))),
        *(f"round{i}" for i in range(len(kernel.uniforms))),
    ]


def phase_signature(kernel: Kernel) -> str:
    """The parameter list of the functions of phases."""
    private = [f"ptr %{name}" for name in private_names(kernel)]
    return ", ".join([*buffer_parameters(kernel, alone=True), *private, "i64 %block", "i64 %thread"])


def phase_arguments(kernel: Kernel, values: dict[str, str], block: Reg, thread: Reg) -> str:
    """The arguments of a phase's call: addresses by their names, unless `values` has an operand for one."""
    names = [*(b.name for b in kernel.buffers), STATUS, *private_names(kernel)]
    pointers = [f"ptr {values.get(name, f'%{name}')}" for name in names]
    return ", ".join([*pointers, f"i64 {block.text}", f"i64 {thread.text}"])


def phase_text(kernel: Kernel, phase: Phase, name: str) -> FunctionText:
    """The function of one thread in one phase."""
    thread = Thread(kernel, name)
    phase.write(thread)
    thread.f.line("ret void")
    return thread.f
