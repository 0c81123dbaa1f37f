"""What a concatenation writes, piece by piece: each part of it from where it is, straight to its place in the result.

A piece walks the axes of the value that it reads where it can, so that it runs in the loops that make that value:
`stack` of three vectors is three strided stores behind their computation. A concatenation of concatenations that nobody
else reads writes their parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import movement
from tapec.passes.views import VIEWS, View, ViewTable, dense_strides, reshape_strides, whole

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part of a concatenation's result.

    Args:
        view: what is read; its axes are those that are walked.
        offset: position of its first element in the result's memory.
        strides: there, per axis of the view.
    """

    view: View
    offset: int
    strides: Shape


def pieces(op: Op, views: ViewTable, inner: set[Value]) -> list[Piece]:
    """The pieces of a `concat`.

    Args:
        op: the concatenation.
        views: of its graph.
        inner: results of others that it writes the parts of; see `inner_concats`.
    """
    return list(_pieces(op, 0, dense_strides(op.result.shape), views, inner))


def _pieces(op: Op, offset: int, strides: Shape, views: ViewTable, inner: set[Value]) -> Iterator[Piece]:
    axis: Any = op.attributes["axis"]
    for value in op.operands:
        yield from _placed(views[value], offset, strides, views, inner)
        offset += value.shape[axis] * strides[axis]


def _placed(view: View, offset: int, strides: Shape, views: ViewTable, inner: set[Value]) -> Iterator[Piece]:
    base = view.base
    there = _where_base_goes(view, strides)
    if there is None:
        kept = [axis for axis, n in enumerate(view.shape) if n != 1]
        shape, read = tuple([view.shape[a] for a in kept]), tuple([view.strides[a] for a in kept])
        yield Piece(View(base, view.offset, shape, read), offset, tuple([strides[a] for a in kept]))
    elif base in inner:
        assert base.op is not None
        yield from _pieces(base.op, offset, there, views, inner)
    else:
        yield Piece(whole(base), offset, there)


def _where_base_goes(view: View, strides: Shape) -> Shape | None:
    """Strides of the base's own axes in the result's memory; None where the view is not all of it, in its order."""
    if view.offset or not view.is_dense or view.base.type.size != prod(view.shape):
        return None
    return reshape_strides(view.shape, strides, view.base.shape)


def inner_concats(graph: Graph, views: ViewTable) -> set[Value]:
    """Results of concatenations that nobody reads but one other concatenation, which has all of them in their order."""
    readers: dict[Value, int] = {}
    for op in graph.ops:
        if op.primitive not in VIEWS:
            for value in op.operands:
                base = views[value].base
                readers[base] = readers.get(base, 0) + 1
    for value in graph.outputs:
        base = views[value].base
        readers[base] = readers.get(base, 0) + 1
    made: set[Value] = set()  # here, not outside of a region
    found: set[Value] = set()
    for op in graph.ops:
        if op.primitive is movement.concat:
            strides = dense_strides(op.result.shape)
            for value in op.operands:
                base = views[value].base
                if base in made and readers[base] == 1 and _where_base_goes(views[value], strides) is not None:
                    found.add(base)
            made.add(op.result)
    return found
