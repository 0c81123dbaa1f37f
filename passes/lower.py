"""From fused groups to the loop IR: buffers, nests, library steps, and control flow with the steps inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tapec.ir import dtypes
from tapec.ir.graph import Graph, Op, Value
from tapec.ops import control, creation, ordering
from tapec.ops import rows as stored
from tapec.passes.arena import buffers_of, plan
from tapec.passes.collapse import collapse
from tapec.passes.fuse import Fused, Group, fuse, readable_in_place
from tapec.passes.identities import of_nothing
from tapec.passes.in_place import REGISTER_BYTES, homes
from tapec.passes.inline_loads import inlined
from tapec.passes.lapack.plans import MATRICES, UNREAD
from tapec.passes.lapack.plans import plan as lapack_plan
from tapec.passes.loops import Access, Buffer, Constant, Instruction, Nest, Store
from tapec.passes.margins import riding
from tapec.passes.materialize import FACTORIZATIONS, materialize, matrix_strides, operand_kinds
from tapec.passes.narrow_stores import narrowed
from tapec.passes.nest_builder import NestBuilder
from tapec.passes.order_updates import order_updates
from tapec.passes.row_packing import packed_rows
from tapec.passes.segments import segmented
from tapec.passes.steps import Branch, Carry, LibraryStep, Loop, Operand, Program, Step, Sweep, Sweeps, While, leaves
from tapec.passes.tiles import tiled
from tapec.passes.turn_loads import turned
from tapec.passes.unroll import unrolled
from tapec.passes.update_nests import updates_in_place
from tapec.passes.value_memory import ValueMemory
from tapec.passes.views import View, dense_strides, views_of

# Where each part of a row of `Sweeps` begins: a multiple of so many bytes.
ROW_ALIGNMENT = 8
# Programs of more top-level steps are cut into functions, which only the arena connects.
LONG_PROGRAM = 48


@dataclass(frozen=True, slots=True)
class _Region:
    """A region that is ready to be lowered.

    Attributes:
        graph: the region, in its final order.
        seeds: for each input the view that it is of a value outside, or None.
        homes: whose memory results take over.
    """

    graph: Graph
    seeds: list[View | None]
    homes: dict[Value, Value]

    def stays(self, carry: int, output: int) -> bool:
        """Whether the next value of a carry, at a position of the outputs, is made in the memory of the present one."""
        return self.homes.get(self.graph.outputs[output]) is self.graph.inputs[carry]


class _Lowering:
    """The steps of one graph; regions are lowered by further objects that share its memory."""

    def __init__(self, fused: Fused, memory: ValueMemory, homes: Mapping[Value, Value], tiling: bool) -> None:
        self.fused = fused
        self.memory = memory
        memory.share(homes)
        self.tiling = tiling
        self.stored = self._stored()
        self._pack()

    def _stored(self) -> set[Value]:
        """Values that must be in memory: outputs, and what another step or another position of the same step reads."""
        needed = set(self.fused.graph.outputs)
        for group in self.fused.groups:
            inside = {value: node for node in group.nodes for value in node.op.results}
            for node in group.nodes:
                for view in node.reads(self.fused.views):
                    made_by = inside.get(view.base)
                    if made_by is None or group.library or not readable_in_place(made_by, node, view):
                        needed.add(view.base)
        return needed

    def steps(self) -> tuple[Step, ...]:
        """The steps, in order."""
        steps: list[Step] = []
        for group in self.fused.groups:
            if group.library:
                steps.append(self._library(group.nodes[0].op))
            elif all(group.domain):
                steps.append(NestBuilder(self.fused, group, self.memory.of, self.stored).nest())
            else:
                steps += self._empty(group)
        lasting = {self.memory.of(value) for value in self.fused.graph.outputs}
        steps = inlined(narrowed(steps, lasting, self.memory.temporary), lasting)
        if self.tiling:
            steps = riding(steps)
            steps = [part for step in steps for part in (segmented(step) if isinstance(step, Nest) else [step])]
            steps = tiled(turned(steps, self.memory.temporary), lasting, self.memory.temporary)
        else:
            steps = [collapse(step) if isinstance(step, Nest) else step for step in updates_in_place(steps)]
        return tuple([unrolled(step) if isinstance(step, Nest) else step for step in steps])

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
                Store(0, Access(self.memory.of(result), 0, dense_strides(shape))),
            )
            steps.append(Nest(shape, (False,) * len(shape), body, False, node.op.primitive.name))
        return steps

    def _operand(self, value: Value) -> Operand:
        view = self.fused.views[value]
        return Operand(self.memory.of(view.base), view.offset, view.shape, view.strides)

    def _library(self, op: Op) -> Step:
        if op.primitive is control.scan:
            return self._loop(op)
        if op.primitive in (control.while_loop, stored.while_rows):
            return self._while(op)
        if op.primitive is control.cond:
            return self._branch(op)
        if op.primitive in (control.sweeps, stored.sweep_rows):
            return self._sweeps(op)
        results = tuple([self.memory.of(value) for value in op.results])
        shape = op.results[0].shape if op.results else ()
        scratch = tuple([self.memory.temporary(dtype, size) for dtype, size in _scratch(op)])
        return LibraryStep(op.primitive, self._read(op), results, scratch, shape, op.attributes, op.location)

    def _read(self, op: Op) -> tuple[Operand, ...]:
        """The memory that a library step reads."""
        kinds = operand_kinds(op)
        if not kinds:
            return tuple([self._operand(value) for value in op.operands])
        pairs = zip(op.operands, kinds, strict=True)
        return tuple([self._matrix(v, k) if k in MATRICES else self._operand(v) for v, k in pairs if k != UNREAD])

    def _matrix(self, value: Value, kind: str) -> Operand:
        view = self.fused.views[value]
        strides = matrix_strides(kind, view)
        assert strides is not None
        return Operand(self.memory.of(view.base), view.offset, view.shape, strides)

    # Control flow ----------------------------------------------------------------------------------------------------

    def _prepared(self, graph: Graph, seeds: list[View | None], first: int, carries: int) -> _Region:
        """A region whose outputs begin with the next values of the `carries` inputs from `first` on."""
        ordered = order_updates(materialize(graph, seeds), seeds)
        known = {v: seed for v, seed in zip(ordered.inputs, seeds, strict=True) if seed is not None}
        carried = {ordered.inputs[first + i]: i for i in range(carries)}
        return _Region(ordered, seeds, homes(ordered, views_of(ordered, known), carried))

    def _region(
        self, region: _Region, inputs: list[Buffer | None], outputs: list[Buffer]
    ) -> tuple[tuple[Step, ...], frozenset[Buffer]]:
        """Steps of a region, and the temporaries that are its own.

        Args:
            region: the region.
            inputs: per input without a seed, its buffer.
            outputs: per output, the buffer to write.
        """
        graph = region.graph
        for value, buffer in zip(graph.inputs, inputs, strict=True):
            if buffer is not None:
                self.memory.buffers[value] = buffer
        self.memory.buffers.update(zip(graph.outputs, outputs, strict=True))
        known = {*self.memory.buffers.values(), *(base for base, _, _ in self.memory.rows.values())}
        views = {v: seed for v, seed in zip(graph.inputs, region.seeds, strict=True) if seed is not None}
        steps = _Lowering(fuse(graph, views), self.memory, region.homes, self.tiling).steps()
        touched = {b for step in steps for b in buffers_of(step)}
        return steps, frozenset(b for b in touched - known if b.kind == "temporary")

    def _seeds(self, values: tuple[Value, ...]) -> list[View | None]:
        return [self.fused.views[v] for v in values]

    def _carries(
        self, operands: tuple[Value, ...], results: tuple[Value, ...], region: _Region, first: int
    ) -> tuple[Carry, ...]:
        """Carries with their first values and results; `first` is the input of the region that is the first of them."""
        carries = []
        for i, (value, result) in enumerate(zip(operands, results, strict=True)):
            dtype, size, home = result.type.dtype, result.type.size, self.memory.of(result)
            current = self.memory.temporary(dtype, size) if result.type.nbytes <= REGISTER_BYTES else home
            following = current if region.stays(first + i, i) else self.memory.temporary(dtype, size)
            carries.append(Carry(self._operand(value), current, following, home))
        return tuple(carries)

    def _slice(self, stack: Value, value: Value) -> Buffer:
        self.memory.temporaries += 1
        name = f"part{self.memory.temporaries}"
        size = value.type.size
        if stack in self.memory.rows:
            base, offset, stride = self.memory.rows[stack]
        else:
            whole = self._operand(stack)
            base, offset, stride = whole.buffer, whole.offset, size
        return Buffer(name, value.type.dtype, size, "slice", 0, value, base, offset, stride)

    def _pack(self) -> None:
        """Gives the stacks that lie row by row their memory."""
        for group in packed_rows(self.fused):
            length = group[0].shape[0]
            stride = sum(v.type.size for v in group) // length
            base = self.memory.temporary(group[0].type.dtype, length * stride, parts=tuple(group))
            offset = 0
            for value in group:
                self.memory.rows[value] = (base, offset, stride)
                offset += value.type.size // length

    def _loop(self, op: Op) -> Loop:
        a: Any = op.attributes
        consts, count = a["consts"], a["carries"]
        (body,) = op.regions
        seeds = [*self._seeds(op.operands[:consts]), *[None] * (len(body.inputs) - consts)]
        region = self._prepared(body, seeds, consts, count)
        carries = self._carries(op.operands[consts : consts + count], op.results[:count], region, consts)
        xs, ys = (
            [self._slice(stack, inner) for stack, inner in zip(stacks[count:], inside[count:], strict=True)]
            for stacks, inside in ((op.operands[consts:], body.inputs[consts:]), (op.results, body.outputs))
        )
        steps, local = self._region(
            region,
            [*[None] * consts, *(c.current for c in carries), *xs],
            [*(c.next for c in carries), *ys],
        )
        local |= own_memory(carries)
        return Loop(a["length"], a["reverse"], carries, (*xs, *ys), steps, local)

    def _while(self, op: Op) -> While:
        consts: Any = op.attributes["consts"]
        test, body = op.regions
        count = len(op.operands) - consts
        seeds = [*self._seeds(op.operands[:consts]), *[None] * count]
        region = self._prepared(body, seeds, consts, count)
        carries = self._carries(op.operands[consts:], op.results[:count], region, consts)
        condition = self.memory.temporary(dtypes.BOOL, 1)
        inputs: list[Buffer | None] = [*[None] * consts, *(c.current for c in carries)]
        test_steps, test_local = self._region(self._prepared(test, seeds, consts, 0), inputs, [condition])
        rows, row_bytes = self._rows(body.outputs[count:])
        body_steps, body_local = self._region(region, inputs, [*(c.next for c in carries), *[row for row, _ in rows]])
        local = test_local | body_local | {condition} | own_memory(carries)
        memory = self.memory.of(op.results[-1]) if op.primitive is stored.while_rows else None
        trips = self.memory.of(op.results[count])
        return While(carries, test_steps, condition, body_steps, trips, local, tuple(rows), row_bytes, memory)

    def _rows(self, values: Sequence[Value], first: int = 0) -> tuple[list[tuple[Buffer, int]], int]:
        """Parts of a row that begin at byte `first`, and where they end."""
        rows = []
        for value in values:
            self.memory.temporaries += 1
            name = f"row{self.memory.temporaries}"
            rows.append((Buffer(name, value.type.dtype, value.type.size, "slice", 0, value), first))
            first += -(-value.type.nbytes // ROW_ALIGNMENT) * ROW_ALIGNMENT
        return rows, first

    def _sweeps(self, op: Op) -> Sweeps:
        parts = control.sweep_parts(op.attributes, op.regions)
        consts = op.operands[: parts.consts]
        given: list[tuple[Buffer, int]] = []
        memory, given_bytes = None, 0
        if op.primitive is stored.sweep_rows:
            memory = self.memory.of(op.operands[parts.consts])
            given, given_bytes = self._rows(op.regions[0].inputs[parts.consts + parts.carries[0] :])
        rows: list[tuple[Buffer, int]] = []
        row_bytes, sweeps, local = 0, [], frozenset[Buffer]()
        for number, region in enumerate(op.regions):
            count, first = parts.carries[number], parts.operand(number)
            at, before = parts.first(number), [row for row, _ in (*given, *rows)]
            seeds = [*self._seeds(consts), *[None] * (count + len(before))]
            ready = self._prepared(region, seeds, len(consts), count)
            carries = self._carries(op.operands[first : first + count], op.results[at : at + count], ready, len(consts))
            new, row_bytes = self._rows(region.outputs[count:], row_bytes)
            steps, own = self._region(
                ready,
                [*[None] * len(consts), *(c.current for c in carries), *before],
                [*(c.next for c in carries), *[row for row, _ in new]],
            )
            rows += new
            local |= own | own_memory(carries)
            touched = {buffer for step in steps for buffer in buffers_of(step)}
            used, read = (tuple([(row, at) for row, at in some if row in touched]) for some in (rows, given))
            sweeps.append(Sweep(parts.reverse[number], carries, used, read, steps))
        rounds = self._operand(op.operands[parts.consts])
        if memory is not None:  # they stand behind the address
            rounds = Operand(memory, 1, (), ())
        return Sweeps(rounds, row_bytes, tuple(sweeps), local, memory, given_bytes)

    def _branch(self, op: Op) -> Branch:
        seeds = self._seeds(op.operands[1:])
        outputs = [self.memory.of(r) for r in op.results]
        cases, local = [], frozenset[Buffer]()
        for region in op.regions:
            steps, own = self._region(self._prepared(region, seeds, 0, 0), [None] * len(seeds), outputs)
            cases.append(steps)
            local |= own
        return Branch(self._operand(op.operands[0]), tuple(cases), local)


def _scratch(op: Op) -> Sequence[tuple[dtypes.DType, int]]:
    """Element type and number of elements of each piece of memory that a library step works in."""
    if op.primitive is ordering.argsort:
        axis: Any = op.attributes["axis"]
        return [(dtypes.I64, op.result.shape[axis])]
    if op.primitive in FACTORIZATIONS:
        shapes = tuple([v.shape for v in op.operands])
        return lapack_plan(op.primitive.name, op.results[0].type.dtype, shapes, op.attributes).scratch
    return ()


def own_memory(carries: tuple[Carry, ...]) -> frozenset[Buffer]:
    """Temporaries that exist for carries only."""
    return frozenset({b for c in carries for b in (c.current, c.next)} - {c.result for c in carries})


def _small(steps: tuple[Step, ...]) -> frozenset[Buffer]:
    """Temporaries that may become registers: small, and in a long program known to one step only."""
    uses: dict[Buffer, int] = {}
    for step in steps:
        for buffer in buffers_of(step):
            if buffer.kind == "temporary" and buffer.nbytes <= REGISTER_BYTES:
                uses[buffer] = uses.get(buffer, 0) + 1
    return frozenset(b for b, n in uses.items() if n == 1 or len(steps) <= LONG_PROGRAM)


def lower(fused: Fused, tiling: bool = True) -> Program:
    """The program of a fused graph.

    Args:
        fused: the graph.
        tiling: whether nests may run together, tile by tile, for a processor with large caches.
    """
    graph = fused.graph
    memory = ValueMemory()
    for i, value in enumerate(graph.inputs):
        memory.buffers[value] = Buffer(f"in{i}", value.type.dtype, value.type.size, "input", i, value)
    for i, value in enumerate(graph.outputs):
        memory.buffers[value] = Buffer(f"out{i}", value.type.dtype, value.type.size, "output", i, value)
    inputs = tuple([memory.buffers[v] for v in graph.inputs])
    outputs = tuple([memory.buffers[v] for v in graph.outputs])
    steps = _Lowering(fused, memory, homes(graph, fused.views, {}), tiling).steps()
    kept = tuple([step.memory for step in steps if isinstance(step, While) and step.memory is not None])
    small = _small(steps)
    offsets, total = plan(steps, small, kept)
    guards = sum(isinstance(s, LibraryStep) and s.primitive is creation.guard for s in leaves(steps))
    return Program(graph.name, inputs, outputs, offsets, small, total, steps, guards, kept)
