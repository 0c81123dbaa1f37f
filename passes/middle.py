"""The middle of a cut: a graph of what lies between the selections and the terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from tapec.ir.builder import emit
from tapec.ir.graph import Graph, Op, Value
from tapec.ir.types import tensor_type
from tapec.ops import creation
from tapec.passes.activity import active_values
from tapec.passes.selections import Selection
from tapec.passes.splice import copied

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(slots=True, eq=False)
class Middle:
    """Writes the graph of the work.

    Attributes:
        live: what was recorded, without dead ops.
        wrt: its arguments.
        selected: the selections of it.
        graph: what is written.
        variables: inputs of it.
        sources: for each of them, shaped as it is, the argument's element that each of its elements depends on.
        scaled: for each of them whether it is more than a selection.
        origins: for values of `graph` the recorded value with the same elements; see `tapec.passes.cut.Cut`.
    """

    live: Graph
    wrt: Sequence[Value]
    selected: dict[Value, Selection]
    graph: Graph = field(default_factory=lambda: Graph("work"))
    variables: list[Value] = field(default_factory=list)
    sources: list[Array] = field(default_factory=list)
    scaled: list[bool] = field(default_factory=list)
    origins: dict[Value, Value] = field(default_factory=dict)

    def build(self, outputs: Sequence[Value]) -> None:
        """Copies what lies between the selections and `outputs`."""
        active = active_values(self.live, self.wrt)[0]
        needed = set(outputs)
        ops = []
        for op in reversed(self.live.ops):
            if needed.isdisjoint(op.results) or not any(v in active for v in op.results) or self._is_root(op):
                continue
            ops.append(op)
            needed.update(op.operands)
        mapping: dict[Value, Value] = {}
        spread: dict[tuple[Value, tuple[int, ...]], Value] = {}
        for op in reversed(ops):
            operands = tuple([self._operand(op, v, mapping, spread) for v in op.operands])
            made = copied(op, dict(zip(op.operands, operands, strict=True)))
            self.graph.ops.append(made)
            for old, new in zip(op.results, made.results, strict=True):
                mapping[old] = new
                self.origins[new] = old
        self.graph.outputs = [self._value(v, mapping) for v in outputs]

    def _is_root(self, op: Op) -> bool:
        """Whether the op's result is a variable, so that what lies before it belongs to the selections."""
        chosen = self.selected.get(op.results[0])
        return chosen is not None and chosen.root is op.results[0]

    def _value(self, value: Value, mapping: dict[Value, Value]) -> Value:
        """What stands for a value; made an input when it is first asked for."""
        if value not in mapping:
            chosen = self.selected.get(value)
            if chosen is not None:
                mapping[value] = self._variable(value, value.shape, chosen)
            elif value.op is not None and value.op.primitive is creation.constant:
                mapping[value] = emit(self.graph, creation.constant, (), value.op.attributes).result
            else:
                mapping[value] = self.graph.add_input(value.type)
                self.origins[mapping[value]] = value
        return mapping[value]

    def _operand(
        self, op: Op, value: Value, mapping: dict[Value, Value], spread: dict[tuple[Value, tuple[int, ...]], Value]
    ) -> Value:
        """As `_value`; what an elementwise op repeats is one variable for each repetition."""
        chosen, shape = self.selected.get(value), op.results[0].shape
        if op.primitive.family.name != "elementwise" or chosen is None or value.shape == shape:
            return self._value(value, mapping)
        if (value, shape) not in spread:
            spread[value, shape] = self._variable(value, shape, chosen)
        return spread[value, shape]

    def _variable(self, value: Value, shape: tuple[int, ...], chosen: Selection) -> Value:
        made = self.graph.add_input(tensor_type(value.type.dtype, shape))
        self.origins[made] = value
        self.variables.append(made)
        self.sources.append(np.broadcast_to(chosen.sources, shape))
        self.scaled.append(not chosen.plain)
        return made
