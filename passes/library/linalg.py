"""Factorizations and solves: calls of the routines that eager runs call too."""

from __future__ import annotations

from tapec.passes.kernel_status import NO_FACTORS
from tapec.passes.lapack.names import DONE, symbol
from tapec.passes.lapack.plans import MATRICES, OPERANDS, UNREAD, plan
from tapec.passes.library.lines import address
from tapec.passes.llvm_text import FunctionText
from tapec.passes.loop_text import i64, when
from tapec.passes.places import Surroundings
from tapec.passes.steps import LibraryStep


def factorization(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """Any primitive of `tapec.ops.linalg`; a failure makes the run fail, and Python runs again to raise it."""
    name = step.primitive.name
    kinds = OPERANDS[name]
    read = iter(step.operands)
    operands = [None if kind == UNREAD else next(read) for kind in kinds]
    first = next(x for x, kind in zip(operands, kinds, strict=True) if x is not None and kind in MATRICES)
    dtype = first.buffer.dtype
    shapes = tuple([first.shape if operand is None else operand.shape for operand in operands])
    made = plan(name, dtype, shapes, step.attributes)
    given = []
    for operand, kind in zip(operands, kinds, strict=True):
        if operand is not None:
            given.append(address(f, operand, around))
            given += [i64(stride) for stride in operand.strides] if kind in MATRICES else []
    status = f.call(
        symbol(name, dtype), "i64", i64(made.batch), *[i64(n) for n in made.sizes], *given,
        *[around.pointer(buffer) for buffer in (*step.results, *step.scratch)],
    )  # fmt: skip
    when(f, f.icmp("ne", status, i64(DONE)), lambda: around.fail(i64(NO_FACTORS)))
