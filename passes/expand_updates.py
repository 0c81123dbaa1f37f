"""Updates as selections, for which there is code: `slice_set` and `put` in terms of other primitives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.dtypes import DType
from tapec.ir.graph import Graph, Op
from tapec.ops import creation, indexing, movement, update
from tapec.ops.symbolic import Sym, apply, broadcast, cast, reshape, select
from tapec.passes.graph_pass import Rebuild


@final
@dataclass(frozen=True, slots=True)
class ExpandUpdates:
    """Leaves no `slice_set` and no `put`.

    Before -> after:

        %0 = "tapec.slice_set"(%x, %new)      ->      %0 = "tapec.unslice"(%true)
                                                      %1 = "tapec.unslice"(%new)
                                                      %2 = "tapec.select"(%0, %1, %x)
    """

    name: ClassVar[str] = "expand-updates"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        out = Rebuild(graph, self.run)
        for op in graph.ops:
            if op.primitive not in (update.slice_set, update.put):
                out.copy(op)
                continue
            builder = Builder(out.graph, op.phase)
            builder.location = op.location
            operands = [Sym(builder, out.mapping[v]) for v in op.operands]
            made = _slice_set(op, *operands) if op.primitive is update.slice_set else _put(*operands)
            out.mapping[op.result] = made.value
        return out.finish()


def _slice_set(op: Op, x: Sym, new: Sym) -> Sym:
    where: Any = op.attributes
    written = _filled(x.builder, True, dtypes.BOOL, new.shape)
    mask = apply(movement.unslice, written, **where, shape=x.shape)
    return select(mask, apply(movement.unslice, new, **where, shape=x.shape), x)


def _put(x: Sym, positions: Sym, new: Sym) -> Sym:
    builder, size = x.builder, x.type.size
    count = _filled(builder, 0, dtypes.I64, (size,))
    one = _filled(builder, 1, dtypes.I64, new.shape)
    mask = apply(indexing.scatter_add, count, positions, one, axis=0) > 0
    # Sums of one element each. They begin at -0, which added to any number is that number, +0 and -0 included.
    wide = dtypes.I64 if x.dtype is dtypes.BOOL else x.dtype
    nothing = _filled(builder, -0.0 if wide.is_float else 0, wide, (size,))
    summed = cast(apply(indexing.scatter_add, nothing, positions, cast(new, wide), axis=0), x.dtype)
    return reshape(select(mask, summed, reshape(x, (size,))), x.shape)


def _filled(builder: Builder, value: bool | float, dtype: DType, shape: tuple[int, ...]) -> Sym:
    number: dict[str, Any] = {"value": value, "dtype": dtype.name}
    return broadcast(Sym(builder, builder.emit(creation.constant, (), number).result), shape)
