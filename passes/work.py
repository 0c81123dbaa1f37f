"""How much a program does, roughly: whether a run is worth releasing the interpreter lock, or a nest threads."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from tapec.ops import indexing
from tapec.ops.linalg import LINALG
from tapec.passes.loops import Compute, Load, Nest, Reduce, Store
from tapec.passes.scalar.costs import cost
from tapec.passes.steps import LibraryStep, Loop, Program, Step, Sweeps, Tiles, While, inner_steps

# Measured on a Zen 3 core: nanoseconds of a vector instruction in the middle of others, and of a byte that comes from a
# large cache or goes there.
_PER_INSTRUCTION = 0.2
_PER_BYTE = 0.03


def instructions(program: Program) -> int:
    """Vector instructions that one run takes, within a factor of a few; a `While` counts as one iteration."""
    return sum(step_instructions(step) for step in program.steps)


def waits_for_data(steps: Sequence[Step]) -> bool:
    """Whether one of the steps, at any depth, runs as often as data say."""
    return any(isinstance(step, While | Sweeps) or waits_for_data(inner_steps(step)) for step in steps)


def step_instructions(step: Step) -> int:
    """Vector instructions that one run of a step takes; see `instructions`."""
    if isinstance(step, Nest):
        return instructions_per_position(step) * prod(int(n) for n in step.extents) // 4
    if isinstance(step, Tiles):
        return sum(step_instructions(member) for member in step.members)
    if isinstance(step, LibraryStep):
        if step.primitive.name == "matmul":
            return prod(step.shape) * step.operands[0].shape[-1] // 4
        if step.primitive.name == "contract":
            inner = step.operands[0].shape[sum(step.attributes["a_axes"][:2]) :]
            return prod(step.shape) * prod(inner) // 4
        if step.primitive.family is LINALG:
            return prod(step.operands[0].shape) * step.operands[0].shape[-1]
        return 8 * _elements(step)
    inside = sum(step_instructions(inner) for inner in inner_steps(step))
    return inside * step.count if isinstance(step, Loop) else inside


def _elements(step: LibraryStep) -> int:
    """Elements that a library step reads or writes: of an array that it picks from, or changes in place, only some."""
    partly = step.primitive is indexing.take or (step.operands and step.operands[0].buffer is step.result)
    operands = step.operands[1:] if partly else step.operands
    result = 0 if partly and step.primitive is not indexing.take else prod(step.shape)
    return result + sum(prod(o.shape) for o in operands)


def instructions_per_position(nest: Nest) -> int:
    """Vector instructions of a nest's body."""
    return sum(
        cost(i.primitive, i.dtype) if isinstance(i, Compute) else 1
        for i in nest.body
        if isinstance(i, Compute | Load | Store | Reduce)
    )


def nanoseconds(step: Nest | LibraryStep) -> float:
    """About how long a step takes on one thread, whichever of instructions and memory binds it."""
    moved = _bytes(step) if isinstance(step, Nest) else _elements(step) * step.operands[0].buffer.dtype.itemsize
    return max(step_instructions(step) * _PER_INSTRUCTION, moved * _PER_BYTE)


def _bytes(nest: Nest) -> int:
    """Bytes of the elements that a nest reads and writes, each access counted by itself."""
    total = 0
    for i in nest.body:
        if isinstance(i, Load | Store | Reduce):
            moving = [int(n) for n, stride in zip(nest.extents, i.access.strides, strict=True) if stride != 0]
            total += prod(moving) * i.access.buffer.dtype.itemsize
    return total
