"""Rules that make one product of several scalings by constants.

`x + x` is a scaling by 2, which rounds nothing. A product with an integer is a multiple of the least subnormal number,
as its other factor is, so that it is exact where numbers lie closest: it rounds as if exponents had no lower end, and
doubling before or after it gives the same bits. Not so with 0.1: three times the least number gives 0 or, doubled
first, 1 of them. Overflow comes out alike because no scaling here makes a number smaller.
"""

from __future__ import annotations

from math import frexp, isfinite

from tapec.ir.graph import Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import elementwise as ew
from tapec.passes.rewriting import Rewriter, Rule, literal


def _scaled(value: Value) -> tuple[Value, float] | None:
    """x and c if a float `value` is `x * c` of an integer c other than zero; `x + x` is `x * 2`."""
    op = value.op
    if op is None or not value.type.dtype.is_float:
        return None
    if op.primitive is ew.add and op.operands[0] is op.operands[1]:
        return op.operands[0], 2.0
    if op.primitive is not ew.mul:
        return None
    for x, c in (op.operands, op.operands[::-1]):
        number = literal(c)
        if number is not None and number != 0 and float(number).is_integer():
            return x, float(number)
    return None


def _is_power_of_two(c: float) -> bool:
    return abs(frexp(c)[0]) == 0.5


def _product(rewriter: Rewriter, x: Value, c: float, like: Value) -> Value | None:
    """`x * c`, unless c overflows."""
    constant = rewriter.constant(c, like.type.dtype)
    number = literal(constant)
    return rewriter.make(ew.mul, x, constant) if number is not None and isfinite(number) else None


def doubled_product(rewriter: Rewriter, op: Op) -> Value | None:
    """`x * c + x * c` -> `x * 2c` of floats and an integer c; `(x + x) + (x + x)` -> `x * 4`."""
    a, b = op.operands
    inner = _scaled(a)  # each operand for itself: derivatives make the same product twice, for `cse` to find
    return None if inner is None or inner != _scaled(b) else _product(rewriter, inner[0], 2 * inner[1], a)


def product_of_scaled(rewriter: Rewriter, op: Op) -> Value | None:
    """`(x * c) * d` -> `x * cd` of floats and integers, one a power of two; `(x + x) * c` -> `x * 2c`."""
    outer = _scaled(op.result)
    inner = None if outer is None else _scaled(outer[0])
    if outer is None or inner is None or not (_is_power_of_two(outer[1]) or _is_power_of_two(inner[1])):
        return None
    return _product(rewriter, inner[0], inner[1] * outer[1], op.result)


RULES: dict[Primitive, tuple[Rule, ...]] = {
    ew.add: (doubled_product,),
    ew.mul: (product_of_scaled,),
}
