"""Updates as selections, for targets that have no code for them: `slice_set`, `slice_add` and `put` in other words."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, final

from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.dtypes import DType
from tapec.ir.graph import Graph, Op
from tapec.ops import creation, indexing, movement, update
from tapec.ops.symbolic import Sym, apply, broadcast, cast, reshape, select
from tapec.passes.derivatives.update import last_of_each
from tapec.passes.graph_pass import Rebuild


@final
@dataclass(frozen=True, slots=True)
class ExpandUpdates:
    """Leaves no `slice_set`, no `slice_add` and no `put`.

    Before -> after:

        %0 = "tapec.slice_set"(%x, %new)      ->      %0 = "tapec.unslice"(%true)
                                                      %1 = "tapec.unslice"(%new)
                                                      %2 = "tapec.select"(%0, %1, %x)
    """

    name: ClassVar[str] = "expand_updates"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        out = Rebuild(graph, self.run)
        for op in graph.ops:
            if op.primitive not in (update.slice_set, update.slice_add, indexing.put):
                out.copy(op)
                continue
            builder = Builder(out.graph, op.phase)
            builder.location = op.location
            operands = [Sym(builder, out.mapping[v]) for v in op.operands]
            made = _put(op, *operands) if op.primitive is indexing.put else _window(op, *operands)
            out.mapping[op.result] = made.value
        return out.finish()


def _window(op: Op, x: Sym, new: Sym) -> Sym:
    where: Any = op.attributes
    written = _filled(x.builder, True, dtypes.BOOL, new.shape)
    mask = apply(movement.unslice, written, **where, shape=x.shape)
    there = apply(movement.unslice, new, **where, shape=x.shape)
    return select(mask, x + there if op.primitive is update.slice_add else there, x)


def _put(op: Op, x: Sym, indices: Sym, new: Sym) -> Sym:
    axis: Any = op.attributes["axis"]
    builder = x.builder
    one = _filled(builder, 1, dtypes.I64, new.shape)
    mask = apply(indexing.scatter_add, _filled(builder, 0, dtypes.I64, x.shape), indices, one, axis=axis) > 0
    # Sums of one element each. They begin at -0, which added to any number is that number, +0 and -0 included.
    wide = dtypes.I64 if x.dtype is dtypes.BOOL else x.dtype
    nothing = -0.0 if wide.is_float else 0
    addends = cast(new, wide)
    if not op.attributes["distinct"] and prod(indices.shape) > 1:
        last = reshape(last_of_each(indices, x.shape[axis]), (*indices.shape, *(1,) * (len(x.shape) - axis - 1)))
        addends = select(last, addends, nothing)
    summed = apply(indexing.scatter_add, _filled(builder, nothing, wide, x.shape), indices, addends, axis=axis)
    return select(mask, cast(summed, x.dtype), x)


def _filled(builder: Builder, value: bool | float, dtype: DType, shape: tuple[int, ...]) -> Sym:
    number: dict[str, Any] = {"value": value, "dtype": dtype.name}
    return broadcast(Sym(builder, builder.emit(creation.constant, (), number).result), shape)
