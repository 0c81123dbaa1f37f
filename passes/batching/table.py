"""Rows of the batching table: how an op applies to many examples at once.

A batched value has one axis more than the value of an example: axis 0, over the examples. A rule gets the op of one
example and its operands, at least one of them batched, and writes ops that do the work of all examples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tapec.ir.graph import Graph, Op
from tapec.ops.symbolic import Sym, apply, broadcast, reshape


@dataclass(frozen=True, slots=True)
class Operand:
    """A value in the vectorized graph.

    Args:
        sym: the value.
        batched: whether its axis 0 is over the examples; otherwise it is the same for all of them.
    """

    sym: Sym
    batched: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return self.sym.shape[1:] if self.batched else self.sym.shape


@dataclass(frozen=True, slots=True)
class VectorizedGraph:
    """What `tapec.passes.vectorize` makes.

    Attributes:
        graph: inputs and outputs are those of the graph of one example, batched or not.
        batched: for each output whether it differs from example to example and has an axis 0 over them.
    """

    graph: Graph
    batched: tuple[bool, ...]


# `(op, operands, size)`: the op of one example, its operands for all of them, their number. Gives the results.
Rule = Callable[[Op, Sequence[Operand], int], Sequence[Operand]]


def single(rule: Callable[[Op, Sequence[Operand], int], Sym]) -> Rule:
    """The rule of ops whose one result is batched."""

    def results(op: Op, operands: Sequence[Operand], size: int) -> Sequence[Operand]:
        return [Operand(rule(op, operands, size), True)]

    return results


def aligned(x: Operand, rank: int) -> Sym:
    """`x` so that it broadcasts, with its examples, against a batched value whose examples have `rank` axes."""
    if not x.batched or len(x.shape) == rank:
        return x.sym
    extents = x.sym.shape
    return reshape(x.sym, (extents[0], *(1,) * (rank - len(x.shape)), *extents[1:]))


def spread(x: Operand, size: int) -> Sym:
    """`x` for each example: repeated if it is the same for all."""
    return x.sym if x.batched else broadcast(x.sym, (size, *x.sym.shape))


def again(op: Op, *operands: Sym, **changed: Any) -> Sym:
    """The op's primitive on other operands, with some attributes changed."""
    return apply(op.primitive, *operands, **{**op.attributes, **changed})
