"""Equal functions of scalars in a loop's body become one function of a vector: SIMD lanes across carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, final

from tapec.ir.builder import Builder
from tapec.ir.graph import Graph, Op, Value, attributes_key
from tapec.ops import control, movement, rows
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, reshape
from tapec.passes.graph_pass import Rebuild
from tapec.passes.scalar.costs import cost

_LOOPS = frozenset({control.scan, control.while_loop, control.sweeps, rows.while_rows, rows.sweep_rows})
_SMALL: Final = 256  # bytes of a value; ops of bodies that hold larger ones keep their order
_DEAR: Final = 10  # instructions: what it costs to put an element into a vector and take it out again is less


@final
@dataclass(frozen=True, slots=True)
class PackScalars:
    """Packs equal elementwise ops of scalars in bodies of loops if they do not depend on each other.

        %0 = "tapec.sin"(%arg0)                   %0 = "tapec.concat"(reshape(%arg0), reshape(%arg1), ...)
        %1 = "tapec.sin"(%arg1)           ->      %1 = "tapec.sin"(%0)
        ...                                       %2, %3, ... = reshape(slice(%1)), ...

    Only ops that take many instructions are worth it, as the sine does: four of them take little more than one.

    Args:
        least: how many make a vector.
    """

    name: ClassVar[str] = "pack_scalars"
    least: int = 4

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        if not any(op.regions for op in graph.ops):
            return graph
        rebuild = Rebuild(graph)
        for op in graph.ops:
            inner = tuple([self.run(region) for region in op.regions])
            if op.primitive in _LOOPS:
                inner = tuple([self._packed(region) for region in inner])
            moved = rebuild.moved(op)
            moved.regions = inner
            rebuild.graph.ops.append(moved)
            rebuild.mapping.update(zip(op.results, moved.results, strict=True))
        return rebuild.finish()

    def _packed(self, body: Graph) -> Graph:
        """A body with its scalars packed; ops that a vector needs move before it."""
        if any(v.type.nbytes > _SMALL for op in body.ops for v in op.results):
            return body
        group_of = {op: group for group in self._groups(body) for op in group}
        if not group_of:
            return body
        rebuild, done = Rebuild(body), set[Op]()
        vectors: dict[tuple[Value, ...], Value] = {}
        for op in body.ops:
            waiting = [op]
            while waiting:
                now = waiting[-1]
                members = group_of.get(now, [now])
                before = [v.op for m in members for v in m.operands if v.op is not None and v.op not in done]
                if now in done:
                    waiting.pop()
                elif before:
                    waiting += before
                else:
                    if len(members) > 1:
                        _emit(members, rebuild, vectors)
                    else:
                        rebuild.copy(now)
                    done.update(members)
        return rebuild.finish()

    def _groups(self, body: Graph) -> list[list[Op]]:
        """Ops that become one: of the same depth in chains of candidates, so that none depends on another."""
        depths: dict[Op, int] = {}
        groups: dict[tuple[object, ...], list[Op]] = {}
        for op in body.ops:
            depth = max([depths[v.op] for v in op.operands if v.op is not None], default=0)
            if _is_candidate(op):
                depth += 1
                key = (depth, op.primitive, attributes_key(op.attributes), op.operands[-1].type.dtype, op.phase)
                groups.setdefault(key, []).append(op)
            depths[op] = depth
        return [group for group in groups.values() if len(group) >= self.least]


def _is_candidate(op: Op) -> bool:
    primitive = op.primitive
    if primitive.family is not ew.ELEMENTWISE or "effect" in primitive.traits or any(v.shape for v in op.operands):
        return False
    return cost(primitive, op.operands[-1].type.dtype) >= _DEAR


def _emit(members: Sequence[Op], rebuild: Rebuild, vectors: dict[tuple[Value, ...], Value]) -> None:
    """Appends the op of vectors that stands for `members`; `vectors` has those that are there."""
    first = members[0]
    builder = Builder(rebuild.graph, first.phase)
    builder.location = first.location
    operands = []
    for column in zip(*[op.operands for op in members], strict=True):
        parts = tuple([rebuild.mapping[v] for v in column])
        if len(set(parts)) > 1 and parts not in vectors:
            scalars = [reshape(Sym(builder, v), (1,)) for v in parts]
            vectors[parts] = apply(movement.concat, *scalars, axis=0).value
        operands.append(Sym(builder, vectors.get(parts, parts[0])))
    whole = apply(first.primitive, *operands, **first.attributes)
    for i, op in enumerate(members):
        part = whole if not whole.shape else apply(movement.slice_, whole, start=(i,), size=(1,), step=(1,))
        rebuild.mapping[op.result] = reshape(part, ()).value
