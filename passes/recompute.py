"""Residuals that are not at hand are computed again, from those that are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tapec.ir.graph import Graph, Op, Value
from tapec.passes.splice import copy_ops


def recompute(
    graph: Graph, residuals: Sequence[Value], is_kept: Callable[[Value], bool]
) -> tuple[Graph, tuple[Value, ...]] | None:
    """A derivative graph that reads kept values only, and these; None if something it needs cannot be had.

    Args:
        graph: its last inputs are the residuals.
        residuals: values of the primal graph.
        is_kept: whether a value of the primal graph is at hand.
    """
    order = makers(residuals, is_kept)
    if order is None:
        return None
    kept = [v for v in residuals if is_kept(v)] + [v for op in order for v in op.operands if is_kept(v)]
    kept = list(dict.fromkeys(kept))
    seeds = len(graph.inputs) - len(residuals)
    out = Graph(graph.name)
    mapping = {v: out.add_input(v.type) for v in [*graph.inputs[:seeds], *kept]}
    copy_ops(order, out, mapping, "adjoint")
    mapping.update({inner: mapping[v] for inner, v in zip(graph.inputs[seeds:], residuals, strict=True)})
    copy_ops(graph.ops, out, mapping)
    out.outputs = [mapping[v] for v in graph.outputs]
    return out, tuple(kept)


def makers(values: Sequence[Value], is_kept: Callable[[Value], bool]) -> list[Op] | None:
    """The ops that make those of `values` that are not kept from kept ones, each behind those that it reads.

    None if that needs an input that is not kept.
    """
    order: list[Op] = []
    done: set[Op] = set()
    waiting = [v.op for v in reversed(values) if not is_kept(v)]
    while waiting:
        op = waiting.pop()
        if op is None:
            return None
        if op in done:
            continue
        before = [v.op for v in op.operands if not is_kept(v) and v.op not in done]
        if before:
            waiting += [op, *before]
        else:
            done.add(op)
            order.append(op)
    return order
