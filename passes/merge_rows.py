"""Rows that are taken off a stack one by one and put side by side again are a part of the stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, final

from tapec.ir.builder import emit
from tapec.ir.graph import Attribute, Graph, Op, Value
from tapec.ops import movement
from tapec.passes.graph_pass import Rebuild

_LEAST = 3  # operands of a concatenation that is worth a look


@final
@dataclass(frozen=True, slots=True)
class MergeRows:
    """Makes one operand of those operands of a `concat` that are rows of one value, evenly spaced.

        %1 = "tapec.slice"(%0) {start = 0, 0; size = 1, 4}
        %2 = "tapec.slice"(%0) {start = 1, 0; size = 1, 4}
        %3 = "tapec.slice"(%0) {start = 2, 0; size = 1, 4}
        %4 = "tapec.concat"(%1, %2, %3) {axis = 0}        ->      %4 = "tapec.slice"(%0) {start = 0, 0; size = 3, 4}

    So a list that a Python loop fills, and that is stacked behind it, costs nothing when the loop has become a `scan`.
    """

    name: ClassVar[str] = "merge_rows"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        return self.rebuilt(graph).finish()

    def rebuilt(self, graph: Graph) -> Rebuild:
        """The new graph before it has outputs, with what became of the old one's values."""
        rebuild = Rebuild(graph)
        for op in graph.ops:
            if op.primitive is movement.concat and len(op.operands) >= _LEAST:
                _merge(rebuild, op)
            else:
                rebuild.copy(op)
        return rebuild


class _Row(NamedTuple):
    """Row `at` of `base`."""

    base: Value
    at: int


def _row(value: Value, axis: int) -> _Row | None:
    """The row that an operand is, with an extent of 1 at `axis` besides the row's own axes."""
    rest = value.shape[:axis] + value.shape[axis + 1 :]
    if value.shape[axis] != 1:
        return None
    op = value.op
    while op is not None and op.primitive is movement.reshape:
        op = op.operands[0].op
    if op is None or op.primitive is not movement.slice_ or not op.result.shape:
        return None
    base, window = op.operands[0], op.attributes
    start, size, step = (_ints(window[name]) for name in ("start", "size", "step"))
    if base.shape[1:] != rest or size != (1, *rest) or any(start[1:]) or any(s != 1 for s in step[1:]):
        return None
    return _Row(base, start[0])


def _ints(value: Any) -> tuple[int, ...]:
    assert isinstance(value, tuple)
    return value


def _merge(rebuild: Rebuild, op: Op) -> None:
    axis = op.attributes["axis"]
    assert isinstance(axis, int)
    rows = [_row(v, axis) for v in op.operands]
    parts: list[Value] = []
    at = 0
    while at < len(rows):
        end = _run_end(rows, at)
        row = rows[at]
        if row is None or end - at < _LEAST:
            parts.append(rebuild.mapping[op.operands[at]])
            at += 1
            continue
        following = rows[at + 1]
        assert following is not None
        parts.append(_part(rebuild, op, row, following.at - row.at, end - at, axis))
        at = end
    if len(parts) == len(rows):
        rebuild.copy(op)
    elif len(parts) == 1:
        rebuild.mapping[op.result] = parts[0]
    else:
        made = emit(rebuild.graph, op.primitive, tuple(parts), op.attributes, op.location, op.phase)
        rebuild.mapping[op.result] = made.result


def _run_end(rows: list[_Row | None], at: int) -> int:
    """Where the rows that are evenly spaced, from `at` on, come to their end."""
    first, second = rows[at], rows[at + 1] if at + 1 < len(rows) else None
    if first is None or second is None or first.base is not second.base or first.at == second.at:
        return at + 1
    step, end = second.at - first.at, at + 1
    while end < len(rows) and rows[end] == _Row(first.base, first.at + (end - at) * step):
        end += 1
    return end


def _part(rebuild: Rebuild, like: Op, row: _Row, step: int, count: int, axis: int) -> Value:
    others = row.base.shape[1:]
    window: dict[str, Attribute] = {
        "start": (row.at, *(0,) * len(others)),
        "size": (count, *others),
        "step": (step, *(1,) * len(others)),
    }
    graph, base = rebuild.graph, rebuild.mapping[row.base]
    part = emit(graph, movement.slice_, (base,), window, like.location, like.phase).result
    if axis == 0:
        return part
    order = (*range(1, axis + 1), 0, *range(axis + 1, len(others) + 1))
    return emit(graph, movement.transpose, (part,), {"permutation": order}, like.location, like.phase).result
