"""Floats of 16 bits as what arrays hold and nothing else: arithmetic on them becomes arithmetic on float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, final

from tapec.ir import dtypes
from tapec.ir.builder import emit
from tapec.ir.dtypes import DType
from tapec.ir.graph import Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ir.types import tensor_type
from tapec.ops import elementwise as ew
from tapec.ops import indexing, movement, sampling, update
from tapec.passes.graph_pass import Rebuild

# What moves elements and never computes with them, besides loops, branches and all of these families.
MOVES: Final = frozenset(
    {
        ew.cast, ew.copy, ew.barrier, ew.stop_gradient, ew.select, indexing.take, indexing.take_along, indexing.put,
        update.slice_set, sampling.gamma_sample,
    }
)  # fmt: skip
MOVING_FAMILIES: Final = frozenset({"movement", "concatenation", "creation"})


def moves(primitive: Primitive) -> bool:
    """Whether a primitive without regions takes floats of 16 bits as they are, since it never computes with them."""
    return primitive in MOVES or primitive.family.name in MOVING_FAMILIES


@final
@dataclass(frozen=True, slots=True)
class Widen:
    """Casts operands to float32 in front of an op that computes with them, and its results back.

        %0 = "tapec.sum"(%arg0) {axes = array<i64: 0>} : (tensor<3xf16>) -> tensor<f16>

        %0 = "tapec.cast"(%arg0) {dtype = "f32"} : (tensor<3xf16>) -> tensor<3xf32>
        %1 = "tapec.sum"(%0) {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
        %2 = "tapec.cast"(%1) {dtype = "f16"} : (tensor<f32>) -> tensor<f16>

    That is what an op on 16 bits means: it computes in float32, and rounds once. So this is the first pass, behind all
    derivatives, and no later one meets arithmetic of 16 bits; casts are fused, and what they make stays in registers.
    """

    name: ClassVar[str] = "widen"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`. A graph without such ops is its own result."""
        if not _computes_with_short(graph):
            return graph
        rebuild = Rebuild(graph, self.run)
        writer = _Writer(rebuild)
        for op in graph.ops:
            if _is_widened(op):
                writer.write(op)
            else:
                rebuild.copy(op)
        return rebuild.finish()


def _computes_with_short(graph: Graph) -> bool:
    return any(_is_widened(op) or any(map(_computes_with_short, op.regions)) for op in graph.ops)


def _is_widened(op: Op) -> bool:
    return any(v.type.dtype.is_short for v in op.operands) and not op.regions and not moves(op.primitive)


class _Writer:
    """Writes widened ops to a new graph."""

    def __init__(self, rebuild: Rebuild) -> None:
        self._graph = rebuild.graph
        self._mapping = rebuild.mapping
        self._wide: dict[Value, Value] = {}

    def write(self, op: Op) -> None:
        """Appends what an op becomes."""
        operands = [self._mapping[v] for v in op.operands]
        results: tuple[Value, ...]
        if op.primitive is update.slice_add:
            results = (self._slice_added(op, *operands),)
        elif op.primitive is indexing.scatter_add and operands[1].type.size == 1:
            results = (self._element_added(op, *operands),)
        else:
            results = self._computed(op, op.primitive, operands, op.attributes)
        self._mapping.update(zip(op.results, results, strict=True))

    def _computed(
        self, like: Op, primitive: Primitive, operands: list[Value], attributes: dict[str, Any]
    ) -> tuple[Value, ...]:
        wide = tuple([self._widened(like, v) for v in operands])
        made = emit(self._graph, primitive, wide, attributes, like.location, like.phase)
        short = next(v.type.dtype for v in operands if v.type.dtype.is_short)
        return tuple([self._cast(like, v, short) if v.type.dtype is dtypes.F32 else v for v in made.results])

    def _slice_added(self, op: Op, x: Value, new: Value) -> Value:
        """In the array's own memory, which a cast of all of it would not be: each element is added to once."""
        a = op.attributes
        part = self._moved(op, movement.slice_, (x,), {"start": a["start"], "size": new.shape, "step": a["step"]})
        (total,) = self._computed(op, ew.add, [part, new], {})
        return self._moved(op, update.slice_set, (x, total), a)

    def _element_added(self, op: Op, x: Value, index: Value, new: Value) -> Value:
        """`scatter_add` of one index, likewise."""
        (total,) = self._computed(op, ew.add, [self._moved(op, indexing.take, (x, index), op.attributes), new], {})
        return self._moved(op, indexing.put, (x, index, total), {**op.attributes, "distinct": True})

    def _moved(self, like: Op, primitive: Primitive, operands: tuple[Value, ...], attributes: dict[str, Any]) -> Value:
        return emit(self._graph, primitive, operands, attributes, like.location, like.phase).result

    def _widened(self, like: Op, value: Value) -> Value:
        """A value in float32, for all ops that read it."""
        if not value.type.dtype.is_short:
            return value
        found = self._wide.get(value)
        if found is None:
            found = self._wide[value] = self._cast(like, value, dtypes.F32)
        return found

    def _cast(self, like: Op, value: Value, dtype: DType) -> Value:
        types = (tensor_type(dtype, value.shape),)
        op = Op(ew.cast, (value,), {"dtype": dtype.name}, types, like.location, like.phase)
        self._graph.ops.append(op)
        return op.result
