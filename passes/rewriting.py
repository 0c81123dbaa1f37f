"""Rewriting one op at a time: what the rules of `simplify` are written with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np

from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.ir.graph import Attribute, Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ir.types import TensorType
from tapec.ops import creation, movement

Number = bool | int | float

# Runs an op that is not `exact` on 0-d arrays, with the bits of the generated code.
Evaluator = Callable[[Primitive, list[Any], dict[str, Any]], Any]


@final
class Rewriter:
    """Appends ops to `graph`, each simplified first.

    A rule takes the rewriter and an op that is in no graph yet, whose operands are simplified. It returns a value of
    the result's type with the same bits, made from the op's operands or theirs, or `None` where it does not apply.

    Attributes:
        graph: the graph being written.
        rules: the rules of each primitive, in the order in which they are tried.
        evaluate: see `Evaluator`; without one, ops that are not `exact` are not folded.
        like: the op being rewritten: what is made takes its location and phase.
    """

    __slots__ = ("evaluate", "graph", "like", "rules")

    def __init__(
        self, graph: Graph, rules: Mapping[Primitive, tuple[Rule, ...]], evaluate: Evaluator | None = None
    ) -> None:
        self.graph = graph
        self.rules = rules
        self.evaluate = evaluate
        self.like: Op | None = None

    def put(self, op: Op) -> Value:
        """The simplified result of `op`, which has one result; `op` itself is appended if no rule applies."""
        for rule in self.rules.get(op.primitive, ()):
            value = rule(self, op)
            if value is not None:
                assert value.type == op.result.type, f"{rule.__name__} gave {value!r} for {op.result!r}"
                return value
        self.graph.ops.append(op)
        return op.results[0]

    def make(self, primitive: Primitive, *operands: Value, **attributes: Attribute) -> Value:
        """The simplified result of a new op."""
        types = primitive.family.infer(primitive, tuple([v.type for v in operands]), attributes)
        like = self.like
        if like is None:
            return self.put(Op(primitive, operands, attributes, types))
        return self.put(Op(primitive, operands, attributes, types, like.location, like.phase))

    def constant(self, number: Number, dtype: DType) -> Value:
        """A scalar constant."""
        exact = bool(number) if dtype.kind == "b" else float(number) if dtype.is_float else int(number)
        return self.make(creation.constant, value=exact, dtype=dtype.name)

    def splat(self, number: Number, like: TensorType) -> Value:
        """A constant in every element of a value of type `like`."""
        return self.fit(self.constant(number, like.dtype), like.shape)

    def fit(self, value: Value, shape: tuple[int, ...]) -> Value:
        """`value` broadcast to `shape`; itself if it has that shape."""
        return value if value.type.shape == shape else self.make(movement.broadcast, value, shape=shape)


Rule = Callable[[Rewriter, Op], Value | None]


def made_by(value: Value, primitive: Primitive) -> Op | None:
    """The op that made `value`, if it is an application of `primitive`."""
    op = value.op
    return op if op is not None and op.primitive is primitive else None


def literal(value: Value) -> Number | None:
    """The number that a scalar constant holds once rounded to its dtype; `None` for every other value."""
    op = value.op
    if op is None or op.primitive is not creation.constant:
        return None
    number = op.attributes["value"]
    assert isinstance(number, (bool, int, float))
    dtype = value.type.dtype
    if dtype is dtypes.F64:
        return float(number)
    if dtype.is_float:
        with np.errstate(over="ignore"):
            return float(dtype.numpy.type(number))
    return number


def same_number(a: Number, b: Number) -> bool:
    """Whether two numbers of one dtype have the same bits: 0.0 and -0.0 differ, NaN equals itself."""
    if isinstance(a, float) and isinstance(b, float):
        return a.hex() == b.hex()
    return a == b


def is_literal(value: Value, number: Number) -> bool:
    """Whether `value` is the scalar constant `number` of its dtype, the sign of zero included."""
    found = literal(value)
    return found is not None and same_number(found, type(found)(number))


def same(a: Value, b: Value) -> bool:
    """Whether two values are known to hold the same bits: one value, or constants of one number and dtype."""
    if a is b:
        return True
    first, second = literal(a), literal(b)
    return first is not None and second is not None and a.type.dtype is b.type.dtype and same_number(first, second)
