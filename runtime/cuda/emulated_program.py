"""A launch plan carried out on the host: kernels by `emulation`, what libraries do by the reference meanings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapec.ir.graph import Graph
from tapec.passes.cuda.plan import Call, Launch, LaunchPlan, Report, launch_plan
from tapec.passes.expand_updates import ExpandUpdates
from tapec.passes.fuse import fuse
from tapec.passes.kernel_status import FINE
from tapec.passes.loops import Buffer, Operand
from tapec.passes.lower import lower
from tapec.passes.materialize import materialize
from tapec.runtime.cuda.emulation import Array, EmulatedKernels, GuardedMemory
from tapec.runtime.eager import execute
from tapec.runtime.pipeline import optimised


def device_plan(graph: Graph) -> LaunchPlan:
    """The plan of a recorded graph: the passes of the CPU, then kernels."""
    expanded = ExpandUpdates().run(graph)
    return launch_plan(lower(fuse(materialize(optimised(expanded))), tiling=False, in_place=False))


class EmulatedProgram:
    """A plan with its kernels compiled for the host."""

    def __init__(self, plan: LaunchPlan) -> None:
        self.plan = plan
        self.kernels = EmulatedKernels(plan.kernels)

    def run(self, arrays: Sequence[Array], *, backwards: bool = False) -> tuple[int, list[Array], list[int]]:
        """Status, outputs and guard values of one run.

        Args:
            arrays: one per input of the program.
            backwards: whether threads run from the last to the first.
        """
        return _Run(self, arrays, backwards).run()


class _Run:
    def __init__(self, program: EmulatedProgram, arrays: Sequence[Array], backwards: bool) -> None:
        self.plan, self.kernels, self.backwards = program.plan, program.kernels, backwards
        self.arena = GuardedMemory(self.plan.arena_bytes)
        self.dense: dict[Buffer, GuardedMemory] = {}
        for buffer in (*self.plan.program.inputs, *self.plan.program.outputs):
            self.dense[buffer] = GuardedMemory(buffer.nbytes)
        for buffer, array in zip(self.plan.program.inputs, arrays, strict=True):
            self.dense[buffer].data[:] = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
        self.status = FINE
        self.guards: list[int] = []

    def run(self) -> tuple[int, list[Array], list[int]]:
        for item in self.plan.items:
            if isinstance(item, Launch):
                addresses = {b: self.address(b) for b in item.kernel.buffers}
                came = self.kernels.run(item.kernel, addresses, backwards=self.backwards)
                self.status = self.status if came == FINE else came
            elif isinstance(item, Report):
                self.guards.append(int(self.array(item.value).reshape(())))
            else:
                self.call(item)
            self.check()
        outputs = self.plan.program.outputs
        shapes = [o.value.shape if o.value is not None else (o.size,) for o in outputs]
        results = [self.elements(o).reshape(s).copy() for o, s in zip(outputs, shapes, strict=True)]
        return self.status, results, self.guards

    def check(self) -> None:
        self.arena.check("the arena")
        for buffer, memory in self.dense.items():
            memory.check(buffer.name)

    def address(self, buffer: Buffer) -> int:
        found = self.dense.get(buffer)
        return found.address if found is not None else self.arena.address + self.plan.offsets[buffer]

    def elements(self, buffer: Buffer) -> Array:
        found = self.dense.get(buffer)
        if found is not None:
            return found.data.view(buffer.dtype.numpy)
        start = self.plan.offsets[buffer]
        return self.arena.data[start : start + buffer.nbytes].view(buffer.dtype.numpy)

    def array(self, operand: Operand) -> Array:
        """An operand as an array; matrices have strides (batch, row, column)."""
        shape, strides = operand.shape, operand.strides
        if len(strides) != len(shape):
            rows, columns = shape[-2:]
            batch: Any = np.lib.stride_tricks.as_strided(
                self.elements(operand.buffer)[operand.offset :],
                (int(np.prod(shape[:-2])), rows, columns),
                [s * operand.buffer.dtype.itemsize for s in strides],
            )
            return np.ascontiguousarray(batch).reshape(shape)
        return np.lib.stride_tricks.as_strided(
            self.elements(operand.buffer)[operand.offset :], shape, [s * operand.buffer.dtype.itemsize for s in strides]
        )

    def call(self, call: Call) -> None:
        step = call.step
        made = execute(step.primitive, [self.array(o) for o in step.operands], step.attributes)
        for buffer, result in zip(step.results, made if len(step.results) > 1 else [made], strict=True):
            self.elements(buffer)[:] = np.asarray(result).reshape(-1)
