"""From a fused group to a nest: its body's registers, loads, scalar ops, stores and reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapec.ir.graph import Value
from tapec.ops import creation, elementwise, movement
from tapec.passes.fuse import Fused, Group, Node, readable_in_place
from tapec.passes.loops import Access, Buffer, Compute, Constant, Index, Instruction, Load, Nest, Reduce, Store, Window
from tapec.passes.views import View, dense_strides


class NestBuilder:
    """Writes the body of one group's nest; registers are numbered in order.

    Args:
        fused: the graph that the group belongs to.
        group: nodes over one domain.
        buffer: the memory of a value.
        stored: values that must be in memory.
    """

    def __init__(self, fused: Fused, group: Group, buffer: Callable[[Value], Buffer], stored: set[Value]) -> None:
        self.fused = fused
        self.group = group
        self.buffer = buffer
        self.stored = stored
        self.body: list[Instruction] = []
        self.registers: dict[Value, int] = {}
        self.loads: dict[Any, int] = {}
        self.made_by = {value: node for node in group.nodes for value in node.op.results}

    def nest(self) -> Nest:
        """The nest, its axes not yet collapsed."""
        group = self.group
        for node in group.nodes:
            self._node(node)
        axes = group.axes or ()
        reduced = tuple([i in axes for i in range(len(group.domain))])
        longer = [i for i, n in enumerate(group.domain) if n > 1]
        row = bool(longer) and reduced[longer[-1]]
        label = "+".join(dict.fromkeys(n.op.primitive.name for n in group.nodes))
        return Nest(group.domain, reduced, tuple(self.body), row, label)

    def _fresh(self) -> int:
        return len(self.body)

    def _node(self, node: Node) -> None:
        op, primitive = node.op, node.op.primitive
        if primitive is movement.unslice:
            self._finish(node, self._windowed(node))
        elif primitive is creation.iota:
            axis: Any = op.attributes["axis"]
            out = self._fresh()
            self.body.append(Index(out, axis, op.result.type.dtype))
            self._finish(node, out)
        else:
            operands = tuple([self._operand(node, view) for view in node.reads(self.fused.views)])
            if node.piece is not None or primitive is elementwise.copy:
                self._finish(node, operands[0])
            elif node.axes is not None:
                access = self._result_access(node)
                self.body.append(Reduce(operands[0], primitive, op.result.type.dtype, access))
            else:
                out = self._fresh()
                dtype = op.operands[-1].type.dtype
                self.body.append(Compute(out, primitive, operands, op.attributes, dtype, op.location))
                self._finish(node, out)

    def _finish(self, node: Node, register: int) -> None:
        value = node.op.result
        self.registers[value] = register
        if value in self.stored:
            self.body.append(Store(register, self._result_access(node)))

    def _result_access(self, node: Node) -> Access:
        result = node.op.result
        strides = dense_strides(result.shape)
        if node.piece is not None:
            return Access(self.buffer(result), node.piece.offset, node.piece.strides)
        if node.axes is not None:
            kept = iter(strides)
            strides = tuple([0 if i in node.axes else next(kept) for i in range(len(node.domain))])
        return Access(self.buffer(result), 0, strides)

    def _operand(self, node: Node, view: View) -> int:
        made_by = self.made_by.get(view.base)
        if made_by is not None and readable_in_place(made_by, node, view):
            return self.registers[view.base]
        base = view.base.op
        if base is not None and base.primitive is creation.constant:
            number: Any = base.attributes["value"]
            return self._shared(
                ("constant", type(number), repr(number), view.base.type.dtype.name),
                lambda out: Constant(out, number, view.base.type.dtype),
            )
        return self._load(view, view.over(node.domain), ())

    def _windowed(self, node: Node) -> int:
        a: Any = node.op.attributes
        view = self.fused.views[node.op.operands[0]]
        if not all(view.shape):
            dtype = node.op.result.type.dtype
            zero: bool | float = False if dtype.kind == "b" else 0.0 if dtype.is_float else 0
            return self._shared(
                ("constant", type(zero), repr(zero), dtype.name), lambda out: Constant(out, zero, dtype)
            )
        windows = tuple(
            [
                None if n == whole and step == 1 else Window(start, step, n)
                for start, step, n, whole in zip(a["start"], a["step"], view.shape, node.domain, strict=True)
            ]
        )
        return self._load(view, view.strides, windows)

    def _load(self, view: View, strides: tuple[int, ...], windows: tuple[Window | None, ...]) -> int:
        base = view.base.op
        if base is not None and base.primitive is creation.constant:
            raise AssertionError("a windowed constant must be materialized first")
        access = Access(self.buffer(view.base), view.offset, strides, windows)
        return self._shared((view.base, access.offset, strides, windows), lambda out: Load(out, access))

    def _shared(self, key: Any, make: Any) -> int:
        found = self.loads.get(key)
        if found is None:
            found = self._fresh()
            self.body.append(make(found))
            self.loads[key] = found
        return found
