"""A part of a nest that was cut (`tapec.passes.splitting`): where it lies, and what it leaves to be folded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import count_loop, i64
from tapec.passes.loops import Nest
from tapec.passes.places import Place
from tapec.passes.reducing import Reducer, Tree
from tapec.passes.splitting import Split


@dataclass(frozen=True, slots=True)
class Span:
    """Positions along an axis.

    Args:
        axis: its number.
        start: the first position.
        stop: the one behind the last.
        least: how many there are at least.
        multiple: their number is a multiple of this.
    """

    axis: int
    start: Reg
    stop: Reg
    least: int
    multiple: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """Some units of a split.

    Args:
        split: the cut.
        first: the first unit.
        stop: the unit behind the last.
    """

    split: Split
    first: Reg
    stop: Reg

    def span(self, f: FunctionText) -> Span:
        """Positions along the axis."""
        split = self.split
        if split.unit == 1:
            return Span(split.axis, self.first, self.stop, 1)
        unit = i64(split.unit)
        last = f.icmp("eq", self.stop, i64(split.units))
        stop = f.select(last, i64(split.extent), f.mul(self.stop, unit))
        return Span(split.axis, f.mul(self.first, unit), stop, split.unit)


class Partials:
    """What the units of a folding split reduce to: one array for each reduction, a row of it for each unit.

    Args:
        nest: the nest that was cut.
        split: how.
        arrays: addresses, one for each reduction.
    """

    def __init__(self, nest: Nest, split: Split, arrays: list[Reg]) -> None:
        self.split = split
        self.arrays = arrays
        self._strides: dict[int, int] = {}
        kept = [a for a, reduced in enumerate(nest.reduced) if not reduced]
        for i, axis in enumerate(kept):
            self._strides[axis] = prod(int(nest.extents[a]) for a in kept[i + 1 :])
        self.row = prod(int(nest.extents[a]) for a in kept)

    @property
    def size(self) -> int:
        """Elements of one array."""
        return self.row * self.split.units

    def write(self, part: Part, reducers: list[Reducer], place: Place, reduce: Callable[[Reg, Reg], list[Reg]]) -> None:
        """Reduces each unit of a part; `reduce` gives the results from one position along the cut axis to another."""

        def unit(index: Reg, start: Reg, end: Reg) -> None:
            self.leave(reducers, index, place, reduce(start, end))

        self.units(reducers[0].f, part, unit)

    def units(self, f: FunctionText, part: Part, unit: Callable[[Reg, Reg, Reg], None]) -> None:
        """For each unit of a part: `unit(number, first position along the cut axis, position behind the last)`."""

        def one(index: Reg) -> None:
            start = f.mul(index, i64(self.split.unit))
            unit(index, start, f.intrinsic("smin", f.add(start, i64(self.split.unit)), i64(self.split.extent)))

        count_loop(f, part.first, part.stop, 1, one)

    def leave(self, reducers: list[Reducer], unit: Reg, place: Place, values: Sequence[Reg]) -> None:
        """Stores what a unit reduces to at a place."""
        for reducer, array, value in zip(reducers, self.arrays, values, strict=True):
            reducer.f.store(value, self._at(reducer, array, unit, place))

    def fold(self, reducers: list[Reducer], place: Place) -> list[Reg]:
        """The results at a place: those of the units meet as blocks do."""
        f, width = reducers[0].f, place.width
        tree = Tree(reducers, width)
        tree.reset()

        def unit(index: Reg) -> None:
            places = [self._at(r, a, index, place) for r, a in zip(reducers, self.arrays, strict=True)]
            tree.push([f.load(at, r.element, width) for r, at in zip(reducers, places, strict=True)])

        count_loop(f, i64(0), i64(self.split.units), 1, unit)
        return tree.result()

    def _at(self, reducer: Reducer, array: Reg, unit: Reg, place: Place) -> Reg:
        f = reducer.f
        index = unit if self.row == 1 else f.mul(unit, i64(self.row))
        for axis, stride in self._strides.items():
            index = f.add(index, place.index[axis] if stride == 1 else f.mul(place.index[axis], i64(stride)))
        return f.element_pointer(array, index, reducer.element)
