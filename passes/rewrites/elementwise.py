"""Rules that hold for every elementwise primitive: folding constants, and broadcasting late."""

from __future__ import annotations

import numpy as np

from tapec.ir.graph import Op, Value
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.passes.rewriting import Rewriter, literal, made_by


def fold(rewriter: Rewriter, op: Op) -> Value | None:
    """`exp(2)` -> `7.389...`: an op on constants alone becomes its value.

    By the reference meaning if it has the generated code's bits, else by the rewriter's evaluator if it has one.
    """
    numbers = [literal(v) for v in op.operands]
    if None in numbers:
        return None
    meaning = op.primitive.meaning
    arrays = [np.array(number, v.type.dtype.numpy) for number, v in zip(numbers, op.operands, strict=True)]
    with np.errstate(all="ignore"):
        if op.primitive.exact:
            array = meaning(*arrays, **op.attributes)
        elif rewriter.evaluate is not None:
            array = rewriter.evaluate(op.primitive, arrays, op.attributes)
        else:
            return None
    dtype = op.result.type.dtype
    assert array.dtype == dtype.numpy, f"{op.primitive.name} gave {array.dtype} for {op.result.type!r}"
    return rewriter.constant(array.item(), dtype)


def broadcast_late(rewriter: Rewriter, op: Op) -> Value | None:
    """`f(broadcast x, y)` -> `f(x, y)`, or `broadcast f(x, y)` if without its broadcasts `f` gives a smaller shape.

    Elementwise ops broadcast by themselves, and each element depends on nothing else, so the elements are the same;
    they are computed once instead of many times.
    """
    stripped = []
    for value in op.operands:
        broadcast = made_by(value, movement.broadcast)
        stripped.append(value if broadcast is None else broadcast.operands[0])
    if all(a is b for a, b in zip(stripped, op.operands, strict=True)):
        return None
    return rewriter.fit(rewriter.make(op.primitive, *stripped, **op.attributes), op.result.type.shape)


# `wrap_index` may raise, which a broadcast to no elements would hide; `copy` asks for memory, broadcast or not.
OPAQUE = frozenset({ew.wrap_index, ew.copy})
