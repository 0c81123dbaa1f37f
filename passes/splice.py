"""Copying the ops of one graph into another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tapec.ir.graph import Graph, Op, Value


def splice(source: Graph, target: Graph, inputs: Sequence[Value]) -> dict[Value, Value]:
    """Appends the ops of `source` to `target`, reading `inputs` in the place of its own inputs.

    Returns:
        For each value of `source` the one of `target` that stands for it.
    """
    mapping = dict(zip(source.inputs, inputs, strict=True))
    copy_ops(source.ops, target, mapping)
    return mapping


def copy_ops(ops: Iterable[Op], target: Graph, mapping: dict[Value, Value], phase: str | None = None) -> None:
    """Appends copies of `ops` to `target`; `mapping` has the values that they read, and gets those that they make.

    Args:
        ops: in order.
        target: where to.
        mapping: what stands in `target` for each value.
        phase: that of the copies; each op's own if it is not given.
    """
    for op in ops:
        target.ops.append(copied(op, mapping, phase))
        mapping.update(zip(op.results, target.ops[-1].results, strict=True))


def copied(op: Op, mapping: Mapping[Value, Value], phase: str | None = None) -> Op:
    """A copy of `op` with other operands of the same types."""
    return Op(
        op.primitive,
        tuple([mapping[v] for v in op.operands]),
        op.attributes,
        tuple([v.type for v in op.results]),
        op.location,
        op.phase if phase is None else phase,
        op.regions,
    )
