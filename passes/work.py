"""How much a program does, roughly: for deciding whether a run is worth releasing the interpreter lock."""

from __future__ import annotations

from math import prod

from tapec.ops.linalg import LINALG
from tapec.passes.loops import Compute, LibraryStep, Load, Loop, Nest, Program, Reduce, Step, Store, inner_steps
from tapec.passes.scalar.table import cost


def instructions(program: Program) -> int:
    """Vector instructions that one run takes, within a factor of a few; a `While` counts as one iteration."""
    return sum(_of(step) for step in program.steps)


def _of(step: Step) -> int:
    if isinstance(step, Nest):
        body = sum(
            cost(i.primitive, i.dtype) if isinstance(i, Compute) else 1
            for i in step.body
            if isinstance(i, Compute | Load | Store | Reduce)
        )
        return body * prod(int(n) for n in step.extents) // 4
    if isinstance(step, LibraryStep):
        if step.primitive.name == "matmul":
            return prod(step.shape) * step.operands[0].shape[-1] // 4
        if step.primitive.family is LINALG:
            return prod(step.operands[0].shape) * step.operands[0].shape[-1]
        return 8 * (prod(step.shape) + sum(prod(o.shape) for o in step.operands))
    inside = sum(_of(inner) for inner in inner_steps(step))
    return inside * step.count if isinstance(step, Loop) else inside
