"""A launch plan carried out on the host: kernels by `emulation`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.plan import LaunchPlan
from tapec.runtime.cuda.backend import Backend, KernelLaunch
from tapec.runtime.cuda.emulated_memory import EmulatedMemory
from tapec.runtime.cuda.emulation import EmulatedKernels
from tapec.runtime.cuda.executor import Executor
from tapec.runtime.cuda.program import Target
from tapec.runtime.device_array import Array


class EmulatedTarget(Target):
    """The host as a device, with memory of its own.

    Args:
        memory_bytes: how much memory the device has; None for as much as the host gives.
    """

    apart = False

    def __init__(self, memory_bytes: int | None = None) -> None:
        super().__init__(EmulatedMemory(memory_bytes))

    def backend(self, plan: LaunchPlan) -> Backend:
        """The host, with the kernels compiled for it."""
        return EmulatedBackend(EmulatedKernels(plan.kernels), self.emulated, backwards=False)

    @property
    def emulated(self) -> EmulatedMemory:
        """The memory."""
        assert isinstance(self.memory, EmulatedMemory)
        return self.memory


class EmulatedProgram:
    """A plan with its kernels compiled for the host, to be run with threads in either order."""

    def __init__(self, plan: LaunchPlan) -> None:
        self.plan = plan
        self.kernels = EmulatedKernels(plan.kernels)

    def run(self, arrays: Sequence[Array], *, backwards: bool = False) -> tuple[int, list[Array], list[int]]:
        """Status, outputs on the host and guard values of one run.

        Args:
            arrays: one per input of the program.
            backwards: whether threads run from the last to the first.
        """
        backend = EmulatedBackend(self.kernels, EmulatedMemory(), backwards)
        status, outputs, guards = Executor(self.plan, backend, arrays).run()
        return status, [array.host() for array in outputs], guards


class EmulatedBackend(Backend):
    """Kernels on the host. The zones around its arrays are looked at after each kernel.

    Args:
        kernels: compiled for the host.
        memory: where their arrays lie.
        backwards: whether threads run from the last to the first.
    """

    def __init__(self, kernels: EmulatedKernels, memory: EmulatedMemory, backwards: bool) -> None:
        self.kernels = kernels
        self.memory = self.emulated = memory
        self.backwards = backwards
        self.fails = kernels.fail

    def launch(self, kernel: Kernel, addresses: Sequence[int]) -> None:
        """Runs a kernel on the host, and looks at the zones."""
        self.kernels.run(kernel, addresses, backwards=self.backwards)
        self.emulated.check(kernel.name, addresses)

    def sequence(self, key: Hashable, launches: Callable[[], Sequence[KernelLaunch]]) -> None:
        """Runs the kernels."""
        for kernel, addresses in launches():
            self.launch(kernel, addresses)
