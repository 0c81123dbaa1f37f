"""From fused groups to the loop IR: buffers, accesses, nests and library steps."""

from __future__ import annotations

from typing import Any

from tapec.ir import dtypes
from tapec.ir.graph import Value
from tapec.ops import creation, elementwise, movement, ordering
from tapec.passes.arena import plan
from tapec.passes.collapse import collapse
from tapec.passes.fuse import Fused, Group, Node, readable_in_place
from tapec.passes.loops import (
    Access,
    Buffer,
    Compute,
    Constant,
    Index,
    Instruction,
    LibraryStep,
    Load,
    Nest,
    Operand,
    Program,
    Reduce,
    Step,
    Store,
    Window,
)
from tapec.passes.identities import of_nothing
from tapec.passes.materialize import matrix_strides
from tapec.passes.views import View, dense_strides


class _Lowering:
    def __init__(self, fused: Fused) -> None:
        self.fused = fused
        self.buffers: dict[Value, Buffer] = {}
        self.temporaries = 0
        graph = fused.graph
        for i, value in enumerate(graph.inputs):
            self.buffers[value] = Buffer(f"in{i}", value.type.dtype, value.type.size, "input", i, value)
        for i, value in enumerate(graph.outputs):
            self.buffers[value] = Buffer(f"out{i}", value.type.dtype, value.type.size, "output", i, value)
        self.read_outside = self._read_outside()

    def _read_outside(self) -> set[Value]:
        """Values that must be in memory: outputs, and what another step or another position of the same step reads."""
        needed = set(self.fused.graph.outputs)
        for group in self.fused.groups:
            inside = {value: node for node in group.nodes for value in node.op.results}
            for node in group.nodes:
                for operand in node.operands:
                    view = self.fused.views[operand]
                    made_by = inside.get(view.base)
                    if made_by is None or group.library or not readable_in_place(made_by, node, view):
                        needed.add(view.base)
        return needed

    def buffer(self, value: Value) -> Buffer:
        found = self.buffers.get(value)
        if found is None:
            self.temporaries += 1
            found = Buffer(f"tmp{self.temporaries}", value.type.dtype, value.type.size, "temporary", 0, value)
            self.buffers[value] = found
        return found

    def run(self) -> Program:
        graph = self.fused.graph
        steps: list[Step] = []
        for group in self.fused.groups:
            if group.library:
                steps.append(self._library(group.nodes[0]))
            elif all(group.domain):
                steps.append(collapse(_NestBuilder(self, group).nest()))
            else:
                steps += self._empty(group)
        guards = sum(isinstance(s, LibraryStep) and s.primitive is creation.guard for s in steps)
        offsets, total = plan(steps)
        inputs = tuple([self.buffers[v] for v in graph.inputs])
        outputs = tuple([self.buffers[v] for v in graph.outputs])
        return Program(graph.name, inputs, outputs, offsets, total, tuple(steps), guards)

    def _empty(self, group: Group) -> list[Step]:
        """Nests for a group that walks nothing: its reductions still have results, the identity."""
        steps: list[Step] = []
        for node in group.nodes:
            result = node.op.result
            if node.axes is None or result.type.size == 0:
                continue
            number = of_nothing(node.op.primitive.name, result.type.dtype)
            shape = result.shape
            body: tuple[Instruction, ...] = (
                Constant(0, number, result.type.dtype),
                Store(0, Access(self.buffer(result), 0, dense_strides(shape))),
            )
            steps.append(collapse(Nest(shape, (False,) * len(shape), body, False, node.op.primitive.name)))
        return steps

    def _library(self, node: Node) -> LibraryStep:
        op = node.op
        operands = []
        for value in op.operands:
            view = self.fused.views[value]
            strides = view.strides
            if op.primitive.name == "matmul":
                found = matrix_strides(view)
                assert found is not None
                strides = found
            operands.append(Operand(self.buffer(view.base), view.offset, view.shape, strides))
        result = self.buffer(op.results[0]) if op.results else None
        shape = op.results[0].shape if op.results else ()
        scratch = None
        if op.primitive is ordering.argsort:
            axis: Any = op.attributes["axis"]
            self.temporaries += 1
            scratch = Buffer(f"tmp{self.temporaries}", dtypes.I64, shape[axis], "temporary")
        return LibraryStep(op.primitive, tuple(operands), result, scratch, shape, op.attributes, op.location)


class _NestBuilder:
    """Writes the body of one group's nest; registers are numbered in order."""

    def __init__(self, lowering: _Lowering, group: Group) -> None:
        self.lowering = lowering
        self.group = group
        self.body: list[Instruction] = []
        self.registers: dict[Value, int] = {}
        self.loads: dict[Any, int] = {}
        self.made_by = {value: node for node in group.nodes for value in node.op.results}

    def nest(self) -> Nest:
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
            operands = tuple([self._operand(node, v) for v in node.operands])
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
        if value in self.lowering.read_outside:
            self.body.append(Store(register, self._result_access(node)))

    def _result_access(self, node: Node) -> Access:
        result = node.op.result
        strides = dense_strides(result.shape)
        if node.piece is not None:
            axis: Any = node.op.attributes["axis"]
            before = sum(v.shape[axis] for v in node.op.operands[: node.piece])
            return Access(self.lowering.buffer(result), before * strides[axis], strides)
        if node.axes is not None:
            kept = iter(strides)
            strides = tuple([0 if i in node.axes else next(kept) for i in range(len(node.domain))])
        return Access(self.lowering.buffer(result), 0, strides)

    def _operand(self, node: Node, value: Value) -> int:
        view = self.lowering.fused.views[value]
        made_by = self.made_by.get(view.base)
        if made_by is not None and readable_in_place(made_by, node, view):
            return self.registers[view.base]
        base = view.base.op
        if base is not None and base.primitive is creation.constant:
            number: Any = base.attributes["value"]
            return self._shared(
                ("constant", type(number), repr(number), value.type.dtype.name),
                lambda out: Constant(out, number, value.type.dtype),
            )
        return self._load(view, view.over(node.domain), ())

    def _windowed(self, node: Node) -> int:
        a: Any = node.op.attributes
        view = self.lowering.fused.views[node.op.operands[0]]
        if not all(view.shape):
            dtype = node.op.result.type.dtype
            zero: bool | float = False if dtype.kind == "b" else 0.0 if dtype.is_float else 0
            return self._shared(("constant", type(zero), repr(zero), dtype.name), lambda out: Constant(out, zero, dtype))
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
        access = Access(self.lowering.buffer(view.base), view.offset, strides, windows)
        return self._shared((view.base, access.offset, strides, windows), lambda out: Load(out, access))

    def _shared(self, key: Any, make: Any) -> int:
        found = self.loads.get(key)
        if found is None:
            found = self._fresh()
            self.body.append(make(found))
            self.loads[key] = found
        return found


def lower(fused: Fused) -> Program:
    """The program of a fused graph."""
    return _Lowering(fused).run()

