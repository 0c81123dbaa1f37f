"""A recorded graph as a program for a device: its launch plan, and a way to run it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal, final

from tapec.ir.graph import Graph
from tapec.passes.cuda.plan import LaunchPlan
from tapec.passes.cuda.planner import launch_plan
from tapec.runtime.cuda.backend import Backend
from tapec.runtime.cuda.executor import Executor
from tapec.runtime.device_array import Array, DeviceArray, DeviceMemory
from tapec.runtime.pipeline import loops_to_launch


def device_plan(graph: Graph, memory_budget: int | None = None) -> LaunchPlan:
    """The plan of a recorded graph.

    Args:
        graph: the graph.
        memory_budget: see `tapec.function`.

    Raises:
        MemoryBudgetError: the budget can't be met.
        UnsupportedOnDeviceError: a step has no kernel, and is not left to the host.
    """
    return launch_plan(loops_to_launch(graph, memory_budget))


class Target(ABC):
    """A device that programs can be made for.

    Args:
        memory: its memory.

    Attributes:
        apart: whether its memory is not the host's, so that steps of the host wait for copies.
    """

    apart = True

    def __init__(self, memory: DeviceMemory) -> None:
        self.memory = memory

    @abstractmethod
    def backend(self, plan: LaunchPlan) -> Backend:
        """The device with the kernels of a plan."""

    def compile(self, graph: Graph, memory_budget: int | None = None) -> DeviceProgram:
        """The program of a recorded graph.

        Args:
            graph: the graph.
            memory_budget: see `tapec.function`.

        Raises:
            MemoryBudgetError: the budget can't be met.
            UnsupportedOnDeviceError: a step has no kernel, and is not left to the host.
        """
        return self.program(device_plan(graph, memory_budget))

    @final
    def program(self, plan: LaunchPlan) -> DeviceProgram:
        """A plan with its kernels compiled for the device."""
        return DeviceProgram(plan, self.backend(plan))


class DeviceProgram:
    """What `runtime.driver.Executable` is for the CPU.

    Args:
        plan: its launch plan.
        backend: where it runs.

    Attributes:
        native: whether it is machine code of this process, with an address; it is not.
    """

    native: Literal[False] = False

    def __init__(self, plan: LaunchPlan, backend: Backend) -> None:
        self.plan = plan
        self.backend = backend

    def run(
        self, arrays: Sequence[Array | DeviceArray], into: list[DeviceArray] | None = None
    ) -> tuple[int, list[DeviceArray], list[int]]:
        """Status, outputs and guard values of one run, see `Executor.run`.

        Args:
            arrays: one per input of the graph, of its dtype and shape. Those of the device are read where they are,
                those of the host are dense, and copied.
            into: one per output, whose memory it gets; None for new memory.

        Raises:
            DeviceMemoryError: the device has too little memory.
        """
        return Executor(self.plan, self.backend, arrays, into).run()
