"""Large products seen row by row (`tapec.passes.tiles`): those with few columns, and those with few results that add
over the rows; and products of many matrices, seen matrix by matrix.

The first two take about as long as their matrix takes to come from memory. Together with what lies between them they
can read it once: `X @ w`, what is made of that for each row, and `X.T @ r` of a few hundred rows, then of the next. No
chain changes: a block of the inner index begins where it always does (docs/design/0002-numerics.md). What is done to
each of many matrices before and behind their products finds them in cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

from tapec.ir.dtypes import DType
from tapec.passes.loops import Buffer
from tapec.passes.product_names import BLOCK
from tapec.passes.product_plan import Axes, Axis, exchanged, merged
from tapec.passes.product_steps import is_large_product, product_axes
from tapec.passes.steps import LibraryStep, Operand, Product
from tapec.passes.tile_rows import Use

# Beyond so many columns arithmetic binds, which is the business of large tiles.
SKINNY = 16


# Of fewer matrices threads would get unequal shares.
MATRICES = 8


@dataclass(frozen=True, slots=True)
class Member:
    """A product that may be tiled along its matrices, its rows, or its inner index.

    Args:
        product: without memory for blocks.
        adds: whether it is the inner index that is tiled.
    """

    product: Product
    adds: bool

    @property
    def _tiled(self) -> Axis:
        axes = self.product.axes
        return (axes.inner if self.adds else axes.batch or axes.row)[0]

    @property
    def extent(self) -> int:
        """Positions of the axis."""
        return self._tiled.extent

    @property
    def by_matrices(self) -> bool:
        """Whether a position is one matrix or more."""
        return bool(self.product.axes.batch)

    @property
    def step(self) -> LibraryStep:
        """The product as it is alone."""
        return self.product.step

    @property
    def steps(self) -> list[LibraryStep]:
        """The product as it is alone, as the only one."""
        return [self.step]

    @property
    def _result(self) -> Buffer:
        (result,) = self.step.results
        return result

    def uses(self, extent: int) -> list[Use]:
        """What one of `extent` positions reads and writes, but for sums over them."""
        (left, right), axes = self.product.operands, self.product.axes
        own = [
            (left, "a", (*axes.batch, *axes.row, *axes.inner)),
            (right, "b", (*axes.batch, *axes.inner, *axes.column)),
        ]
        uses = []
        for operand, side, walked in own:
            others = [(x.extent, getattr(x, side)) for x in walked if x is not self._tiled]
            uses.append(Use(operand.buffer, _row(operand, extent, getattr(self._tiled, side), others), False))
        return uses if self.adds else [*uses, Use(self._result, self._result.size // extent, True)]

    @property
    def ended(self) -> set[Buffer]:
        """The result, if it is there behind the last tile only."""
        return {self._result} if self.adds else set()

    def item(self, temporary: Callable[[DType, int], Buffer]) -> Product:
        """What it becomes in tiles."""
        if not self.adds:
            return self.product
        blocks = -(-self.extent // BLOCK)
        return replace(self.product, partials=temporary(self._result.dtype, blocks * self._result.size))


def members(step: LibraryStep) -> list[Member]:
    """A large product along its matrices, or along its rows and its inner index if it is skinny enough for that."""
    if not is_large_product(step):
        return []
    axes = Axes(*(merged(group) for group in product_axes(step)))
    m, n = (prod([x.extent for x in group]) for group in (axes.row, axes.column))
    if axes.batch:
        return [Member(Product(step, axes, False, None), adds=False)] if axes.batch[0].extent >= MATRICES else []
    if min(m, n) > SKINNY:
        return []
    straight, turned = Product(step, axes, False, None), Product(step, exchanged(axes), True, None)
    found = []
    tall = turned if m == 1 else straight  # what has one row lies as what has one column does
    if len(tall.axes.row) == 1 and (m == 1 or n <= SKINNY):
        found.append(Member(tall, adds=False))
    if len(axes.inner) == 1:
        found.append(Member(straight if m <= n else turned, adds=True))
    return found


def _row(operand: Operand, extent: int, stride: int, others: Sequence[tuple[int, int]]) -> int | None:
    """The number of elements of an operand's buffer that belong to one of `extent` positions, `stride` apart.

    None if the operand does not keep to them along its other axes, of which extents and strides are given.
    """
    row = operand.buffer.size // extent
    if operand.buffer.size % extent or stride != row:
        return None
    reaches = [(n - 1) * step for n, step in others]
    low = operand.offset + sum(min(reach, 0) for reach in reaches)
    high = operand.offset + sum(max(reach, 0) for reach in reaches)
    return row if low >= 0 and high < row else None
