"""Steps that the host does for a device, on copies, in the bits of the CPU."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from tapec.passes.lapack.plans import OPERANDS, UNREAD
from tapec.passes.steps import LibraryStep, Operand
from tapec.runtime.device_array import Array, DeviceMemory
from tapec.runtime.eager import execute


def run_on_host(step: LibraryStep, memory: DeviceMemory, address: Callable[[Operand], int]) -> None:
    """Does a step as an eager run of the CPU does.

    Args:
        step: the step.
        memory: where its operands and results lie.
        address: of the first element of an operand or result.

    Raises:
        LinearAlgebraError: a matrix has no factors.
    """
    operands = [_operand(o, memory, address(o)) for o in step.operands]
    kinds = OPERANDS.get(step.primitive.name, "")
    if UNREAD in kinds:
        # A matrix of which only the factors are read, which follow it; they have its shape.
        operands.insert(kinds.index(UNREAD), operands[0])
    made = execute(step.primitive, operands, step.attributes)
    for buffer, result in zip(step.results, made if len(step.results) > 1 else [made], strict=True):
        array = np.ascontiguousarray(result)
        memory.upload(address(Operand(buffer, 0, array.shape, ())), array)


def _operand(operand: Operand, memory: DeviceMemory, address: int) -> Array:
    """An operand as a dense array; the strides of matrices are (batch, row, column)."""
    shape, strides, dtype = operand.shape, operand.strides, operand.buffer.dtype.numpy
    spread = (prod(shape[:-2]), *shape[-2:]) if len(strides) != len(shape) else shape
    if not prod(spread):
        return np.empty(shape, dtype)
    ends = [(n - 1) * s for n, s in zip(spread, strides, strict=True)]
    before, behind = sum(min(end, 0) for end in ends), sum(max(end, 0) for end in ends)  # of the first element
    flat = memory.download(address + before * dtype.itemsize, dtype, behind - before + 1)
    steps: list[Any] = [s * dtype.itemsize for s in strides]
    return np.ascontiguousarray(np.lib.stride_tricks.as_strided(flat[-before:], spread, steps)).reshape(shape)
