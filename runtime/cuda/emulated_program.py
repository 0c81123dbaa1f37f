"""A launch plan carried out on the host: kernels by `emulation`, what libraries do by the reference meanings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.plan import Call, LaunchPlan
from tapec.passes.lapack.plans import OPERANDS, UNREAD
from tapec.passes.steps import Operand
from tapec.runtime.cuda.backend import Array, Backend
from tapec.runtime.cuda.emulation import EmulatedKernels, GuardedMemory, elements_at
from tapec.runtime.cuda.executor import Executor
from tapec.runtime.cuda.program import Target
from tapec.runtime.eager import execute


class EmulatedTarget(Target):
    """The host as a device."""

    def backend(self, plan: LaunchPlan) -> Backend:
        """The host, with the kernels compiled for it."""
        return EmulatedBackend(EmulatedKernels(plan.kernels), backwards=False)


class EmulatedProgram:
    """A plan with its kernels compiled for the host, to be run with threads in either order."""

    def __init__(self, plan: LaunchPlan) -> None:
        self.plan = plan
        self.kernels = EmulatedKernels(plan.kernels)

    def run(self, arrays: Sequence[Array], *, backwards: bool = False) -> tuple[int, list[Array], list[int]]:
        """Status, outputs and guard values of one run.

        Args:
            arrays: one per input of the program.
            backwards: whether threads run from the last to the first.
        """
        return Executor(self.plan, EmulatedBackend(self.kernels, backwards), arrays).run()


class EmulatedBackend(Backend):
    """The host as a device. Every array lies between zones that are looked at after each kernel.

    Args:
        kernels: compiled for the host.
        backwards: whether threads run from the last to the first.
    """

    def __init__(self, kernels: EmulatedKernels, backwards: bool) -> None:
        self.kernels = kernels
        self.backwards = backwards
        self.memory: dict[int, GuardedMemory] = {}

    def allocate(self, nbytes: int) -> int:
        """Takes guarded memory."""
        made = GuardedMemory(nbytes)
        self.memory[made.address] = made
        return made.address

    def free(self, address: int) -> None:
        """Gives it back."""
        del self.memory[address]

    def upload(self, address: int, array: Array) -> None:
        """Copies an array."""
        elements_at(address, array.dtype, array.size)[:] = array.reshape(-1)

    def download(self, address: int, dtype: np.dtype[Any], count: int) -> Array:
        """Copies elements."""
        return elements_at(address, dtype, count).copy()

    def copy(self, to: int, source: int, nbytes: int) -> None:
        """Copies bytes."""
        byte = np.dtype(np.uint8)
        elements_at(to, byte, nbytes)[:] = elements_at(source, byte, nbytes)

    def launch(self, kernel: Kernel, addresses: Sequence[int]) -> None:
        """Runs a kernel on the host, and looks at the zones."""
        self.kernels.run(kernel, addresses, backwards=self.backwards)
        for memory in self.memory.values():
            memory.check(kernel.name)

    def call(self, call: Call, address: Callable[[Operand], int]) -> None:
        """Does the step by its reference meaning."""
        step = call.step
        operands = [_array(o, address(o)) for o in step.operands]
        if UNREAD in OPERANDS.get(step.primitive.name, ""):
            # A matrix of which only the factors are read, which follow it; they have its shape.
            operands.insert(OPERANDS[step.primitive.name].index(UNREAD), operands[0])
        made = execute(step.primitive, operands, step.attributes)
        for buffer, result in zip(step.results, made if len(step.results) > 1 else [made], strict=True):
            array = np.asarray(result)
            self.upload(address(Operand(buffer, 0, array.shape, ())), array)


def _array(operand: Operand, address: int) -> Array:
    """An operand as an array; matrices have strides (batch, row, column)."""
    dtype, shape, strides = operand.buffer.dtype.numpy, operand.shape, operand.strides
    spread = (prod(shape[:-2]), *shape[-2:]) if len(strides) != len(shape) else shape
    reach = 1 + sum((n - 1) * s for n, s in zip(spread, strides, strict=True)) if prod(spread) else 0
    flat = elements_at(address, dtype, reach)
    steps = [s * dtype.itemsize for s in strides]
    return np.ascontiguousarray(np.lib.stride_tricks.as_strided(flat, spread, steps)).reshape(shape)
