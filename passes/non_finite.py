"""Where a value cannot be zero because it is infinite or NaN: what is infinite or NaN stays so through most arithmetic.

Infinity and NaN survive sums, differences and products (infinity times zero is NaN), and most functions of one
argument; as divisors, in exponentials, and where values are chosen they may not.
"""

from __future__ import annotations

from typing import Any, Final

from tapec.ir.graph import Op, Value
from tapec.ops import elementwise as ew
from tapec.ops import movement

# Their results are infinite or NaN wherever one of these operands is.
_ALL: Final = frozenset({
    ew.add, ew.sub, ew.mul, ew.neg, ew.abs, ew.sqrt, ew.log, ew.log1p, ew.sin, ew.cos, ew.floor, ew.ceil, ew.trunc,
    ew.rint, ew.cast, ew.copy, ew.stop_gradient, movement.broadcast, movement.reshape,
})  # fmt: skip
_FIRST: Final = frozenset({ew.div, ew.strong_mul})

# Their results are infinite or NaN only where an operand is.
_BOUNDED: Final = frozenset({
    ew.neg, ew.abs, ew.sign, ew.relu, ew.sin, ew.cos, ew.atan, ew.tanh, ew.sigmoid, ew.erf, ew.floor, ew.ceil,
    ew.trunc, ew.rint, ew.maximum, ew.minimum, ew.copy, ew.stop_gradient, movement.broadcast,
})  # fmt: skip

_MOST: Final = 96  # values that one search looks at: more would make the pass quadratic
_DEPTH: Final = 4  # ops that a factor is followed through


class NonFinite:
    """What is known of the values of a graph; each value is searched from once."""

    __slots__ = ("_reached",)

    def __init__(self) -> None:
        self._reached: dict[Value, dict[Value, bool]] = {}

    def wherever(self, value: Value, factor: Value, depth: int = _DEPTH) -> bool:
        """Whether `value` is infinite or NaN wherever `factor` is, their shapes broadcast against each other."""
        if not factor.type.dtype.is_float:
            return True
        if value not in self._reached:
            self._reached[value] = _reached(value)
        in_line = self._reached[value].get(factor)
        if in_line is not None and (in_line or factor.type.size == 1 or factor.shape == value.shape):
            return True
        causes = None if depth == 0 or factor.op is None else _causes(factor.op)
        return causes is not None and all(self.wherever(value, cause, depth - 1) for cause in causes)


def _reached(value: Value) -> dict[Value, bool]:
    """Values that make `value` infinite or NaN where they are.

    True stands for those whose elements meet those of `value` that they meet when both are broadcast, False for those
    whose elements have the same row-major position, in whatever shape.
    """
    found = {value: True}
    waiting = [value]
    for reached in waiting:  # grows
        op = reached.op
        if op is None:
            continue
        for operand in _kept(op):
            in_line = _in_line(op, operand, found[reached], value)
            if in_line is not None and operand not in found and len(found) < _MOST:
                found[operand] = in_line
                waiting.append(operand)
    return found


def _kept(op: Op) -> tuple[Value, ...]:
    """The operands whose infinities and NaN the result of `op` has, too."""
    if op.primitive in _ALL:
        return tuple([v for v in op.operands if v.type.dtype.is_float])
    if op.primitive in _FIRST:
        return op.operands[:1]
    exponent: Any = op.attributes["exponent"] if op.primitive is ew.integer_pow else 0
    return op.operands if exponent > 0 else ()


def _in_line(op: Op, operand: Value, before: bool, value: Value) -> bool | None:
    """How elements of an operand meet those of `value`, as in `_reached`; None if in neither way.

    Args:
        op: the op.
        operand: one of its operands.
        before: how elements of its result meet them.
        value: what the search began from.
    """
    shape = op.results[0].shape
    if operand.type.size == 1 or operand.shape == shape:
        return before
    if op.primitive is movement.reshape:
        return False if not before or shape == value.shape else None
    return True if before else None


def _causes(op: Op) -> tuple[Value, ...] | None:
    """Operands of which one must be infinite or NaN where the result is; None if it may be so by itself."""
    if op.primitive is ew.select:
        return op.operands[1:]
    if op.primitive is ew.cast:
        given, to = op.operands[0].type.dtype, op.results[0].type.dtype
        if given.is_float:
            return op.operands if given is to or given.bits < to.bits else None
        return () if given.kind == "b" or to.bits >= 32 else None  # a float of 16 bits may end before an integer does
    single = op.primitive is movement.reshape and op.operands[0].type.size == 1
    return op.operands if op.primitive in _BOUNDED or single else None
