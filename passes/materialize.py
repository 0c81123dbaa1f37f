"""Making memory explicit: `copy` ops where a step needs dense memory of its own.

After this pass every reshape is a view, every operand of a library step (gathers, sorts, matrix products, ...) lies in
memory as the step needs it, and every output is the result of an op that computes it, once: where that is allowed of
another shape, with the same elements in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from tapec.ir.builder import emit
from tapec.ir.graph import Attribute, Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import (
    PRIMITIVES,
    contraction,
    control,
    creation,
    indexing,
    linalg,
    movement,
    ordering,
    reduction,
    rows,
    transform,
    update,
)
from tapec.ops import elementwise as ew
from tapec.passes.lapack.plans import BLAS_MATRIX, DENSE, MATRIX, OPERANDS, UNREAD
from tapec.passes.product_plan import axes_of
from tapec.passes.views import VIEWS, View, ViewTable, reshape_strides

DENSE_OPERANDS: frozenset[Primitive] = frozenset(
    {indexing.take, indexing.scatter_add, indexing.put, indexing.take_along, indexing.scatter_add_along,
     update.slice_set, update.slice_add,
     ordering.argsort, reduction.argmax, reduction.argmin, reduction.cumsum,
     transform.fft, transform.rfft, transform.irfft}
)  # fmt: skip
CONTROL: frozenset[Primitive] = frozenset(
    {control.scan, control.while_loop, control.cond, control.sweeps, rows.while_rows, rows.sweep_rows}
)
FACTORIZATIONS: frozenset[Primitive] = frozenset({p for p in PRIMITIVES.values() if p.family is linalg.LINALG})
PRODUCTS: frozenset[Primitive] = frozenset({contraction.matmul, contraction.contract})
LIBRARY: frozenset[Primitive] = DENSE_OPERANDS | PRODUCTS | {creation.guard} | CONTROL | FACTORIZATIONS


def operand_kinds(op: Op) -> str:
    """For each operand of a library step how the step reads it (`tapec.passes.lapack.plans`); empty for other ops."""
    if op.primitive in DENSE_OPERANDS:
        return DENSE * len(op.operands)
    if op.primitive is contraction.matmul:
        return MATRIX * 2
    return OPERANDS[op.primitive.name] if op.primitive in FACTORIZATIONS else ""


def matrix_strides(kind: str, view: View) -> tuple[int, int, int] | None:
    """Strides (batch, row, column) with which a step that reads this kind of matrix can read a view.

    None if it needs a copy.
    """
    return (strided_matrix if kind == BLAS_MATRIX else batch_strides)(view.shape, view.strides)


def batch_strides(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Strides (batch, row, column) if all batch axes are walked by one stride; else None."""
    batch_stride = reshape_strides(shape[:-2], strides[:-2], (prod(shape[:-2]),))
    return None if batch_stride is None else (batch_stride[0], strides[-2], strides[-1])


def strided_matrix(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Strides (batch, row, column) with which a routine of BLAS can read such memory; None if it can't without a copy.

    One of row and column must be 1 and the other no shorter than the extent it passes over; all batch axes must be
    walked by one stride.
    """
    *batch, rows, columns = shape
    if 0 in shape:
        return 0, max(columns, 1), 1
    batch_stride = reshape_strides(tuple(batch), strides[:-2], (prod(batch),))
    if batch_stride is None:
        return None
    row = strides[-2] if rows > 1 else max(columns, 1)
    column = strides[-1] if columns > 1 else 1
    if column == 1 and row >= max(columns, 1):
        return batch_stride[0], row, column
    if rows == 1 or row == 1:
        column = strides[-1] if columns > 1 else max(rows, 1)
        if column >= max(rows, 1):
            return batch_stride[0], 1, column
    return None


def _readable(kind: str, view: View) -> bool:
    return view.is_dense if kind == DENSE else matrix_strides(kind, view) is not None


class _Rebuild:
    """The graph being written, and what became of each old value."""

    def __init__(self, graph: Graph, seeds: Sequence[View | None]) -> None:
        self.graph = Graph(graph.name)
        self.new: dict[Value, Value] = {v: self.graph.add_input(v.type) for v in graph.inputs}
        self.views = ViewTable()
        for value, seed in zip(self.graph.inputs, seeds, strict=False):
            if seed is not None:
                self.views[value] = seed
        self.copies: dict[Value, Value] = {}

    def copy_of(self, value: Value, like: Op | None) -> Value:
        """The (new) value in memory of its own."""
        made = self.copies.get(value)
        if made is None:
            made = self.apply(ew.copy, (value,), {}, like)
            self.copies[value] = made
        return made

    def apply(
        self, primitive: Primitive, operands: tuple[Value, ...], attributes: dict[str, Attribute], like: Op | None
    ) -> Value:
        location, phase = (like.location, like.phase) if like is not None else (None, "primal")
        return emit(self.graph, primitive, operands, attributes, location, phase).result

    def in_memory(self, value: Value) -> bool:
        base = self.views[value].base
        return base.op is None or base.op.primitive is not creation.constant

    def operand(self, op: Op, position: int, value: Value) -> Value:
        """What `op` may read in the place of `value`."""
        view = self.views[value]
        if op.primitive is movement.reshape:
            ready = reshape_strides(view.shape, view.strides, op.result.shape) is not None
        elif kinds := operand_kinds(op):
            ready = kinds[position] == UNREAD or (self.in_memory(value) and _readable(kinds[position], view))
        elif op.primitive is contraction.contract:
            ready = self.in_memory(value) and self._walkable(op)
        elif op.primitive in (creation.guard, movement.unslice):
            ready = self.in_memory(value)
        elif op.primitive in CONTROL:
            # What a region only reads may be any view, even a constant; carries, slices and the index need memory.
            ready = self._is_outside(op, position) or (self.in_memory(value) and view.is_dense)
        else:
            ready = True
        return value if ready else self.copy_of(value, op)

    def _walkable(self, op: Op) -> bool:
        """Whether the routine for products can walk both operands of a `contract`."""
        attributes: Any = op.attributes
        a, b = (self.views[self.new[v]] for v in op.operands)
        return (
            axes_of((a.shape, a.strides), attributes["a_axes"], (b.shape, b.strides), attributes["b_axes"]) is not None
        )

    def _is_outside(self, op: Op, position: int) -> bool:
        """Whether an operand of a control op is handed to the region as it is."""
        if op.primitive is control.cond:
            return position > 0
        consts = op.attributes["consts"]
        assert isinstance(consts, int)
        return position < consts


def materialize(graph: Graph, seeds: Sequence[View | None] = (), any_shape: bool = True) -> Graph:
    """See the module. The regions of control ops are prepared when they are lowered.

    Args:
        graph: a graph, or a region.
        seeds: of a region, for each input the view that it is of a value outside, or None.
        any_shape: whether outputs may be of another shape, for whoever knows the shapes from elsewhere.
    """
    out = _Rebuild(graph, seeds)
    for op in graph.ops:
        operands = tuple([out.operand(op, i, out.new[v]) for i, v in enumerate(op.operands)])
        types = tuple([r.type for r in op.results])
        made = Op(op.primitive, operands, op.attributes, types, op.location, op.phase, op.regions)
        out.graph.ops.append(made)
        out.new.update(zip(op.results, made.results, strict=True))
    computed = {v for op in out.graph.ops if op.primitive not in VIEWS for v in op.results if out.in_memory(v)}
    taken: set[Value] = set()
    for value in graph.outputs:
        new = out.new[value]
        view = out.views[new]
        # What a region sees of the outside is a view whose base is no value of the region.
        if view.is_all and view.base in computed and (any_shape or view.base.shape == new.shape):
            new = view.base
        if new not in computed or new in taken:
            new = out.apply(ew.copy, (new,), {}, value.op)
        taken.add(new)
        out.graph.outputs.append(new)
    return out.graph
