"""The parts of a kernel in order, for any way of running a phase: what a GPU and the host share outside the phases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tapec.passes.cuda.kernel import Choice, Exchange, Kernel, Part, Phase, Repeat, Shared, Until, phases
from tapec.passes.cuda.thread_text import phase_text
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import count_loop, i64


def phase_functions(kernel: Kernel) -> dict[Phase, FunctionText]:
    """The functions of all phases of a kernel."""
    return {p: phase_text(kernel, p, f"{kernel.name}_phase{i}") for i, p in enumerate(phases(kernel.parts))}


class PartsText(ABC):
    """Writes what one block does into a function that has the addresses of the kernel's arrays under their names.

    Args:
        f: the function.
        kernel: whose parts.
        functions: its phases.
    """

    def __init__(self, f: FunctionText, kernel: Kernel, functions: dict[Phase, FunctionText]) -> None:
        self.f = f
        self.kernel = kernel
        self.functions = functions

    @abstractmethod
    def phase(self, phase: Phase) -> None:
        """Appends a phase, which begins when all threads of the block have ended the one before."""

    @abstractmethod
    def exchange(self, exchange: Exchange) -> None:
        """Appends an exchange."""

    @abstractmethod
    def barrier(self) -> None:
        """All threads of the block meet."""

    @abstractmethod
    def address(self, name: str) -> Reg:
        """What stands for an address of `thread_text.private_names`, or of a kernel's array."""

    def write(self, parts: Sequence[Part]) -> None:
        """Appends the parts."""
        for part in parts:
            if isinstance(part, Phase):
                self.phase(part)
            elif isinstance(part, Exchange):
                self.exchange(part)
            elif isinstance(part, Repeat):
                self._repeat(part)
            elif isinstance(part, Until):
                self._until(part)
            else:
                self._choice(part)

    def _counter(self, part: Repeat | Until) -> Reg:
        return self.address(f"round{self.kernel.uniforms.index(part.round)}")

    def _shared(self, array: Shared) -> Reg:
        return self.address(f"shared{self.kernel.shared.index(array)}")

    def _repeat(self, part: Repeat) -> None:
        f, counter = self.f, self._counter(part)

        def one_round(index: Reg) -> None:
            f.store(index, counter)
            self.write(part.body)

        if part.count == 1:
            one_round(i64(0))
        else:
            count_loop(f, i64(0), i64(part.count), 1, one_round)
        f.store(i64(part.count), counter)

    def _until(self, part: Until) -> None:
        f, counter = self.f, self._counter(part)
        f.store(i64(0), counter)
        head, body, done = (f.fresh(name) for name in ("until", "round", "ended"))
        f.branch(head)
        f.label(head)
        self.write(part.test)
        self.barrier()
        flag = f.load(self._shared(part.flag), "i8")
        f.branch_if(f.icmp("ne", flag, Reg("0", "i8")), body, done)
        f.label(body)
        self.write(part.body)
        f.store(f.add(f.load(counter, "i64"), i64(1)), counter)
        f.branch(head)
        f.label(done)

    def _choice(self, part: Choice) -> None:
        f = self.f
        self.barrier()
        number = f.load(self._shared(part.number), "i64")
        done = f.fresh("chosen")
        names = [f.fresh("case") for _ in part.cases]
        targets = " ".join(f"i64 {i}, label %{name}" for i, name in enumerate(names[:-1]))
        f.line(f"switch i64 {number.text}, label %{names[-1]} [ {targets} ]")
        for name, parts in zip(names, part.cases, strict=True):
            f.label(name)
            self.write(parts)
            f.branch(done)
        f.label(done)
