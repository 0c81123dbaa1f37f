"""Which products with the derivative of a cut's middle tell all of its entries, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from tapec.ir.graph import Graph, Value
from tapec.ops import creation
from tapec.passes.adjoint import adjoint
from tapec.passes.coloring import color_columns, color_groups
from tapec.passes.cut import Cut, Side
from tapec.passes.tangent import tangent
from tapec.passes.views import VIEWS

Array: TypeAlias = np.ndarray[Any, Any]
Direction: TypeAlias = Literal["forward", "reverse"]

MOST_SEEDS: Final = 64  # elements of a seed that repeats along the other axes
MOST_OPS: Final = 600  # of all products together, written one by one
DEARER: Final = 4  # a product in one direction computes at most about so many times as much as one in the other


@dataclass(frozen=True, slots=True, eq=False)
class Seed:
    """The direction of one product in one value: at the elements of its colour 1, or the derivative of a scaled
    variable; else 0.

    Args:
        position: of the value among the variables (forward) or the terms (reverse).
        lean: where it is not 0, of a shape that broadcasts to the value's; None for everywhere.
        scaled: whether the value is a scaled variable.
    """

    position: int
    lean: Array | None
    scaled: bool

    @property
    def given(self) -> bool:
        """Whether it must be an input, since it is not 1 everywhere."""
        return self.scaled or self.lean is not None


@dataclass(frozen=True, slots=True, eq=False)
class Compression:
    """Products with the derivative of a cut's middle, by colours.

    Attributes:
        direction: whether colours are of variables (forward) or of terms (reverse).
        colors: for each block of them the colour of each element.
        count: number of colours.
        separate: whether the products are written one by one, each with seeds as simple as they can be; or all at once
            with an axis over them.
    """

    direction: Direction
    colors: tuple[Array, ...]
    count: int
    separate: bool

    def sides(self, cut: Cut) -> tuple[Side, Side]:
        """What is coloured, and what the products give."""
        both = cut.variables, cut.terms
        return both if self.direction == "forward" else both[::-1]

    def seeds(self, cut: Cut, color: int) -> list[Seed]:
        """The seeds of one product, without those that are zero."""
        side, found = self.sides(cut)[0], []
        for i, (value, block) in enumerate(zip(side.values, side.blocks, strict=True)):
            lean = _lean((self.colors[block] == color).reshape(value.shape))
            if lean.any():
                found.append(Seed(i, None if lean.all() else lean, self._scaled(cut, i)))
        return found

    def every(self, cut: Cut) -> list[Seed]:
        """A seed for each value, of which nothing is known."""
        values = self.sides(cut)[0].values
        return [Seed(i, np.ones(v.shape, bool), self._scaled(cut, i)) for i, v in enumerate(values)]

    def _scaled(self, cut: Cut, position: int) -> bool:
        return self.direction == "forward" and cut.scaled[position]

    def derivative(self, cut: Cut, seeds: Sequence[Seed]) -> LinearGraph:
        """The graph of one product; its inputs are the seeds that are `given`, then the residuals."""
        side, other = self.sides(cut)
        values, given = [side.values[seed.position] for seed in seeds], [seed.given for seed in seeds]
        if self.direction == "reverse":
            pulled = adjoint(cut.graph, values, other.values, given)
            return LinearGraph(pulled.graph, pulled.residuals, pulled.gradients)
        pushed = tangent(cut.graph, other.values, values, given)
        return LinearGraph(pushed.graph, pushed.residuals, pushed.tangents)

    def work(self, cut: Cut) -> int:
        """About how many elements all products compute."""
        if not self.separate:
            return self.count * work(self.derivative(cut, self.every(cut)).graph)
        return sum(work(self.derivative(cut, self.seeds(cut, color)).graph) for color in range(self.count))


class LinearGraph(NamedTuple):
    """A product with a derivative.

    Attributes:
        graph: its inputs are seeds, then residuals.
        residuals: the values of the cut's graph that it reads.
        results: for each value asked for what stands for it in `graph`, or None for zeros.
    """

    graph: Graph
    residuals: tuple[Value, ...]
    results: tuple[Value | None, ...]


def work(graph: Graph) -> int:
    """About how many elements a graph computes."""
    total = 0
    for op in graph.ops:
        if op.regions:
            length: Any = op.attributes.get("length", 1)
            total += length * sum(work(region) for region in op.regions)
        if op.primitive not in VIEWS and op.primitive is not creation.constant:
            total += sum(value.type.size for value in op.results)
    return total


def compressions(cut: Cut, mode: Literal["auto", "forward", "reverse"], most: int | None = None) -> list[Compression]:
    """The compressions of a cut's derivative that are worth looking at.

    Args:
        cut: the cut.
        mode: directions that may be taken.
        most: number of products of which it is known that more are too many. A colouring takes time; one that needs
            `DEARER` times as many products as another is not looked for.
    """
    patterns: dict[Direction, Any] = {}
    if mode != "reverse":
        patterns["forward"] = cut.links
    if mode != "forward":
        patterns["reverse"] = cut.links.T.tocsr()
    fewest = {direction: int(np.diff(pattern.indptr).max(initial=0)) for direction, pattern in patterns.items()}
    found: dict[Direction, Compression] = {}
    for direction in sorted(patterns, key=fewest.__getitem__):
        if most is None or fewest[direction] <= most:
            one = found[direction] = _compression(cut, direction, patterns[direction], fewest[direction])
            most = DEARER * one.count if most is None else min(most, DEARER * one.count)
    return [found[direction] for direction in patterns if direction in found]


def _compression(cut: Cut, direction: Direction, pattern: Any, fewest: int) -> Compression:
    """By the columns of `pattern`: whole groups of one colour if that takes as few as any other way, or nearly so."""
    side = cut.variables if direction == "forward" else cut.terms
    for groups in (_by_block(side), _by_coordinates(side)):
        colors = color_groups(pattern, groups)
        if colors is not None and colors.max(initial=-1) < fewest + 2:
            return compressed(cut, direction, colors)
    best = color_columns(pattern)
    assert best is not None
    return compressed(cut, direction, best)


def _by_block(side: Side) -> Array:
    """Each block is a group."""
    return np.repeat(np.arange(len(side.places)), np.diff(side.starts))


def _by_coordinates(side: Side) -> Array:
    """Of each block the elements with equal coordinates are a group, where its longest axis counts items."""
    parts, count = [np.zeros(0, np.int64)], 0
    for block in range(len(side.places)):
        shape = list(side.values[side.blocks.index(block)].shape)
        if shape:
            shape[shape.index(max(shape))] = 1
        numbers = np.arange(count, count + prod(shape)).reshape(shape)
        parts.append(np.broadcast_to(numbers, side.values[side.blocks.index(block)].shape).reshape(-1))
        count += prod(shape)
    return np.concatenate(parts)


def compressed(cut: Cut, direction: Direction, colors: Array) -> Compression:
    """The compression by given colours of all variables or terms."""
    side = cut.variables if direction == "forward" else cut.terms
    parts = tuple(np.split(colors, side.starts[1:-1])) if side.places else ()
    count = int(colors.max(initial=-1)) + 1
    simple = count * max(len(cut.graph.ops), 1) <= MOST_OPS and all(
        prod(_lean(parts[block].reshape(value.shape)).shape) <= MOST_SEEDS
        for value, block in zip(side.values, side.blocks, strict=True)
    )
    return Compression(direction, parts, count, simple)


def _lean(values: Array) -> Array:
    """Values without the axes along which they are all the same: of extent 1 there."""
    for axis in range(values.ndim):
        first = values.take([0], axis) if values.shape[axis] else values
        if values.shape[axis] > 1 and np.all(values == first):
            values = first
    return values
