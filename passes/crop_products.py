"""Slices of products of windows: only the rows that somebody reads are computed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, NamedTuple, final

from tapec.ir.graph import Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import contraction, movement
from tapec.passes.graph_pass import Rebuild
from tapec.passes.rewrites import RULES
from tapec.passes.rewriting import Rewriter, made_by

Shape = tuple[int, ...]


class _Product(NamedTuple):
    """A slice of a product of windows.

    Attributes:
        windows: the op that takes them.
        permutation: of the windows' axes.
        kernel: the right operand.
        rows: how many of the slice's axes, and of the permuted windows', are rows of the product.
    """

    windows: Op
    permutation: Shape
    kernel: Value
    rows: int


@final
@dataclass(frozen=True, slots=True)
class CropProducts:
    """Slices what is windowed in the place of the rows of the product.

        %0 = windows(%arg0), transposed and reshaped                %0 = "tapec.slice"(%arg0)
        %1 = "tapec.matmul"(%0, %arg1), reshaped              ->    %1 = windows(%0), transposed and reshaped
        %2 = "tapec.slice"(%1)                                      %2 = "tapec.matmul"(%1, %arg1), reshaped

    The gradient of a padded convolution ends so: nobody asks for cotangents of the padding. Only where nothing else
    reads the product.
    """

    name: ClassVar[str] = "crop_products"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        readers = Counter(v for op in graph.ops for v in op.operands)
        readers.update(graph.outputs)
        rebuild = Rebuild(graph, self.run)
        rewriter = Rewriter(rebuild.graph, RULES)
        for op in graph.ops:
            found = _found(op, readers) if op.primitive is movement.slice_ else None
            if found is None:
                rebuild.copy(op)
            else:
                rewriter.like = op
                rebuild.mapping[op.result] = _cropped(rewriter, rebuild, op, found)
        return rebuild.finish()


def _found(op: Op, readers: Counter[Value]) -> _Product | None:
    def before(value: Value, primitive: Primitive) -> Op | None:
        return made_by(value, primitive) if readers[value] == 1 else None

    (x,) = op.operands
    shaped = before(x, movement.reshape)
    product = before(shaped.operands[0], contraction.matmul) if shaped is not None else None
    left = before(product.operands[0], movement.reshape) if product is not None else None
    turned = made_by(left.operands[0], movement.transpose) if left is not None else None
    windows = made_by(turned.operands[0], movement.windows) if turned is not None else None
    if product is None or turned is None or windows is None or len(product.result.shape) != 2:
        return None
    permutation: Any = turned.attributes["permutation"]
    size: Any = op.attributes["size"]
    step: Any = op.attributes["step"]
    rows = next((n for n in range(1, len(x.shape)) if prod(x.shape[:n]) == product.result.shape[0]), 0)
    if not rows or size[rows:] != x.shape[rows:] or set(step) != {1} or 0 in size:
        return None
    counted = all(axis < len(windows.operands[0].shape) for axis in permutation[:rows])
    if not counted or turned.result.shape[:rows] != x.shape[:rows]:
        return None
    return _Product(windows, permutation, product.operands[1], rows)


def _cropped(rewriter: Rewriter, rebuild: Rebuild, op: Op, found: _Product) -> Value:
    (x,) = found.windows.operands
    place: Any = op.attributes
    window: Any = found.windows.attributes
    start, extent = [0] * len(x.shape), list(x.shape)
    for at, axis in enumerate(found.permutation[: found.rows]):
        start[axis] = place["start"][at] * window["step"][axis]
        extent[axis] = (place["size"][at] - 1) * window["step"][axis] + window["size"][axis]
    make, unit = rewriter.make, (1,) * len(extent)
    part = make(movement.slice_, rebuild.mapping[x], start=tuple(start), size=tuple(extent), step=unit)
    turned = make(movement.transpose, make(movement.windows, part, **window), permutation=found.permutation)
    kernel = rebuild.mapping[found.kernel]
    left = make(movement.reshape, turned, shape=(prod(place["size"][: found.rows]), kernel.shape[0]))
    return make(movement.reshape, make(contraction.matmul, left, kernel), shape=op.result.shape)
