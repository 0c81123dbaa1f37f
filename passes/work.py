"""How much a program does, roughly: for deciding whether a run is worth releasing the interpreter lock."""

from __future__ import annotations

from math import prod

from tapec.passes.loops import Compute, Load, Nest, Program, Reduce, Store
from tapec.passes.scalar.table import cost


def instructions(program: Program) -> int:
    """Vector instructions that one run takes, within a factor of a few."""
    total = 0
    for step in program.steps:
        if isinstance(step, Nest):
            body = sum(cost(i.primitive, i.dtype) if isinstance(i, Compute) else 1 for i in step.body
                       if isinstance(i, Compute | Load | Store | Reduce))  # fmt: skip
            total += body * prod(int(n) for n in step.extents) // 4
        elif step.primitive.name == "matmul":
            total += prod(step.shape) * step.operands[0].shape[-1] // 4
        else:
            total += 8 * (prod(step.shape) + sum(prod(o.shape) for o in step.operands))
    return total
