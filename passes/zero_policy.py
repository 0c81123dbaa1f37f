"""What a cotangent (or tangent) contributes through a partial derivative.

A cotangent that is exactly zero contributes zero, even through an infinite or NaN partial: the value does not depend on
what lies there (`where(x > 0, sqrt(x), 0)` at 0). That is the primitive `strong_mul` and not a select, because the
derivative of a contribution with respect to the cotangent must still be the partial where the cotangent is zero.
A plain product does where the partial is known to be finite or the cotangent is known not to be zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.ir.dtypes import by_name
from tapec.ir.graph import Value
from tapec.ops import creation, movement
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, select
from tapec.passes.derivatives.table import Mask, Partial, Share, Weight

# Rules are a few ops deep, and products of constants fold at once, so nothing that can be told lies further back.
_DEPTH = 6


def contribution(ct: Sym, partial: Partial) -> Sym | None:
    """`ct` times `partial`; None is a symbolic zero."""
    if isinstance(partial, Mask):
        return select(partial.condition, ct, 0.0)
    if isinstance(partial, Share):  # by choice, not by product: what is not chosen may have an infinite cotangent
        return select(partial.alone, ct, select(partial.tie, ct * 0.5, 0.0))
    if isinstance(partial, Weight):
        return _weighted(ct, partial.cotangent)
    if isinstance(partial, Sym):
        return _product(ct, _folded(partial))
    if partial == 0.0:
        return None
    if partial == 1.0:
        return ct
    return _folded(-ct if partial == -1.0 else ct * partial)


def _product(ct: Sym, partial: Sym) -> Sym:
    seed = constant_value(ct.value)
    if seed is not None and seed == 1:
        return partial
    if (seed is not None and seed != 0) or is_finite(partial.value):
        return _folded(ct * partial)
    return apply(ew.strong_mul, ct, partial)


def _weighted(ct: Sym, weight: Sym) -> Sym:
    """In a second derivative both factors are cotangents, and a zero of either contributes zero."""
    seed = constant_value(ct.value)
    if seed is None or seed == 0 or not np.isfinite(seed):
        return apply(ew.zero_mul, ct, weight)
    return weight if seed == 1 else _folded(ct * weight)


def _folded(x: Sym) -> Sym:
    """`x`, or the constant that it is; the op that made it is then dead."""
    value = constant_value(x.value)
    if value is None or (x.value.op is not None and x.value.op.primitive is creation.constant):
        return x
    return x.constant(float(value))


def constant_value(value: Value, depth: int = _DEPTH) -> Any:
    """The number that a scalar made from constants is, as a NumPy scalar of its dtype; None for anything else.

    Only ops whose reference meaning has the bits of the generated code are looked through, up to `depth` of them.
    """
    op = value.op
    if op is None or value.shape:
        return None
    if op.primitive is creation.constant:
        return by_name(str(op.attributes["dtype"])).numpy.type(op.attributes["value"])
    if depth == 0 or op.primitive.family is not ew.ELEMENTWISE or not op.primitive.exact:
        return None
    operands = []
    for operand in op.operands:
        number = constant_value(operand, depth - 1)
        if number is None:
            return None
        operands.append(number)
    with np.errstate(all="ignore"):
        return value.type.dtype.numpy.type(op.primitive.meaning(*operands, **op.attributes))


def is_finite(value: Value, depth: int = _DEPTH) -> bool:
    """Whether no element can be infinite or NaN, as far as the last `depth` ops in the derivative graph show."""
    op = value.op
    if op is None or depth == 0:
        return False
    constant = constant_value(value, depth)
    if constant is not None:
        return bool(np.isfinite(constant))
    if op.primitive is ew.cast:
        given = op.operands[0].type.dtype
        return not given.is_float and 2.0**given.digits <= value.type.dtype.largest  # float16 ends at 65,504
    if op.primitive is ew.select:
        return is_finite(op.operands[1], depth - 1) and is_finite(op.operands[2], depth - 1)
    return op.primitive in (ew.neg, movement.broadcast, movement.reshape) and is_finite(op.operands[0], depth - 1)
