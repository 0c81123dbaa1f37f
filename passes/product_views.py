"""Matrix products read views: a reshape before a product that would need a copy becomes axes of the product."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, prod
from typing import Any, ClassVar, NamedTuple, final

from tapec.ir.builder import emit
from tapec.ir.graph import Attribute, Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import contraction, movement
from tapec.passes.graph_pass import Rebuild
from tapec.passes.matmul_names import is_small
from tapec.passes.views import ViewTable, reshape_strides

Shape = tuple[int, ...]
Step = tuple[Primitive, dict[str, Attribute]]


class _Factored(NamedTuple):
    """A value as another one whose axes it merges.

    Attributes:
        value: of the old graph, a view of something in memory.
        steps: reshapes (that only cut axes) and transposes on the way.
        groups: extents, for each axis of the first value.
    """

    value: Value
    steps: tuple[Step, ...]
    groups: tuple[Shape, ...]


@final
@dataclass(frozen=True, slots=True)
class ProductViews:
    """Products of reshaped views as `contract` of the views themselves; large floating ones only.

        %0 = "tapec.transpose"(%arg0) {permutation = (0, 2, 1, 3)}          8x128x4x32 -> 8x4x128x32, turned back
        %1 = "tapec.reshape"(%0)                                            would copy
        %2 = "tapec.matmul"(%1, %arg1)                                ->    contract(%0, %arg1), then a reshape

    What this leaves without a use is for `dce`.
    """

    name: ClassVar[str] = "product_views"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        rebuild = Rebuild(graph, self.run)
        views = ViewTable()
        for op in graph.ops:
            found = _contracted(op, views) if op.primitive is contraction.matmul else None
            if found is None:
                rebuild.copy(op)
            else:
                rebuild.mapping[op.result] = _emit(rebuild, op, *found)
        return rebuild.finish()


def _contracted(op: Op, views: ViewTable) -> tuple[_Factored, _Factored] | None:
    """The operands of a product, if one of them is no matrix in memory that the plain routine can walk."""
    a, b = op.operands
    *batch, m, k = a.shape
    if prod(a.shape) * prod(b.shape) == 0 or is_small(a.type.dtype, m, b.shape[-1], k):
        return None
    found = tuple(_factored(v, views) for v in op.operands)
    plain = all(len(group) == 1 for x in found for group in x.groups) and all(
        reshape_strides(v.shape[:-2], views[v].strides[:-2], (prod(batch),)) is not None for v in op.operands
    )
    return None if plain else (found[0], found[1])


def _factored(value: Value, views: ViewTable) -> _Factored:
    op = value.op
    attributes: Any = op.attributes if op is not None else {}
    if op is not None and op.primitive is movement.reshape and views[value].base is value:
        source = _factored(op.operands[0], views)
        flat = tuple([n for group in source.groups for n in group])
        cut = _common(flat, value.shape)
        if cut is not None:
            shape = tuple([n for group in cut for n in group])
            cutting: Step = (movement.reshape, {"shape": shape})
            return _Factored(source.value, source.steps if shape == flat else (*source.steps, cutting), cut)
    if op is not None and op.primitive is movement.transpose:
        source = _factored(op.operands[0], views)
        if source.steps or any(len(group) != 1 for group in source.groups):
            order = attributes["permutation"]
            starts = [sum(len(g) for g in source.groups[:i]) for i in range(len(source.groups))]
            permutation = tuple([starts[i] + j for i in order for j in range(len(source.groups[i]))])
            groups = tuple([source.groups[i] for i in order])
            return _Factored(source.value, (*source.steps, (movement.transpose, {"permutation": permutation})), groups)
    return _Factored(value, (), tuple([(n,) for n in value.shape]))


def _common(flat: Shape, shape: Shape) -> tuple[Shape, ...] | None:
    """For each axis of `shape`, the axes that make it up, each a whole axis of `flat` or a part of one."""
    left = list(flat)
    groups: list[Shape] = []
    for n in reversed(shape):
        group: list[int] = []
        while n > 1:
            while left and left[-1] == 1:
                left.pop()
            part = gcd(n, left[-1])
            if part not in (n, left[-1]):
                return None
            group.append(part)
            n //= part
            left[-1] //= part
        groups.append(tuple(reversed(group)) or (1,))
    return tuple(reversed(groups))


def _emit(rebuild: Rebuild, op: Op, a: _Factored, b: _Factored) -> Value:
    def made(primitive: Primitive, operands: tuple[Value, ...], attributes: dict[str, Attribute]) -> Value:
        return emit(rebuild.graph, primitive, operands, attributes, op.location, op.phase).result

    operands, axes = [], []
    for x in (a, b):
        value = rebuild.mapping[x.value]
        for primitive, attributes in x.steps:
            value = made(primitive, (value,), attributes)
        operands.append(value)
        counts = [len(group) for group in x.groups]
        axes.append((sum(counts[:-2]), counts[-2], counts[-1]))
    out = made(contraction.contract, (operands[0], operands[1]), {"a_axes": axes[0], "b_axes": axes[1]})
    return made(movement.reshape, (out,), {"shape": op.result.shape})
