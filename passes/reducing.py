"""How reductions combine: the one fixed order that eager and compiled code share, as LLVM code.

The order depends on a reduction's own shape and on nothing else (`docs/design/0002-numerics.md`):

* *rows* (the innermost axis longer than 1 is reduced): element r of the flattened reduced axes goes to lane r mod 16; a
  block of 2,048 elements ends by halving its 16 lanes; block results meet in a binary tree of neighbours.
* *columns*: every result takes its elements one after the other, in blocks of 128; blocks meet in the same binary tree.

Lanes and blocks start from the identity, which changes no bit, so that missing elements need no special treatment.
"""

from __future__ import annotations

from collections.abc import Callable

from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.ir.primitive import Primitive
from tapec.passes.identities import COMBINE, identity
from tapec.passes.llvm_text import FunctionText, Reg, register_element
from tapec.passes.scalar.table import ROWS

LANES = 16
ROW_BLOCK = 2048
COLUMN_BLOCK = 128
STACK = 48  # a tree over 2**48 blocks

# Where state lives: (LLVM type, count) to a pointer. Usually the stack.
Place = Callable[[str, int], Reg]


class Reducer:
    """Combining values of one reduction; booleans are held as bytes 0 and 1.

    Args:
        primitive: `sum`, `prod`, `max` or `min`.
        dtype: of the elements and of the result.
    """

    def __init__(self, f: FunctionText, primitive: Primitive, dtype: DType) -> None:
        self.f = f
        self.primitive = primitive
        self.dtype = dtype
        self.is_bool = dtype.kind == "b"
        self.held = dtypes.U8 if self.is_bool else dtype
        self.element = register_element(self.held)

    def hold(self, value: Reg) -> Reg:
        """A value of the nest's body as it is accumulated."""
        return self.f.convert("zext", value, "i8") if self.is_bool else value

    def identity(self, width: int = 1) -> Reg:
        """The number that changes nothing, in every lane."""
        return self.f.number(identity(self.primitive.name, self.dtype), self.element, width)

    def combine(self, earlier: Reg, later: Reg) -> Reg:
        """One step of the reduction, lane by lane."""
        return ROWS[COMBINE[self.primitive]](self.f, self.held, (earlier, later), {})

    def widened(self, value: Reg, width: int) -> Reg:
        """A vector with lanes of the identity behind its own."""
        if value.width == width:
            return value
        f, own = self.f, value.width
        if own == 1:
            return f.insert(self.identity(width), value, 0)
        padding = self.identity(own)
        lanes = ", ".join(f"i32 {min(i, own)}" for i in range(width))
        return f.assign(
            f"shufflevector {value.type} {value.text}, {padding.type} {padding.text}, <{width} x i32> <{lanes}>",
            value.element,
            width,
        )

    def joined(self, parts: list[Reg]) -> Reg:
        """Equal vectors, a power of two of them, as one."""
        while len(parts) > 1:
            parts = [self._beside(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        return parts[0]

    def _beside(self, a: Reg, b: Reg) -> Reg:
        width = 2 * a.width
        if a.width == 1:
            return self.f.insert(self.f.insert(Reg("poison", a.element, 2), a, 0), b, 1)
        lanes = ", ".join(f"i32 {i}" for i in range(width))
        return self.f.assign(
            f"shufflevector {a.type} {a.text}, {b.type} {b.text}, <{width} x i32> <{lanes}>", a.element, width
        )

    def halve(self, parts: list[Reg]) -> Reg:
        """The 16 lanes, spread over equal vectors, to one number: lane l meets lane l + 8, then l + 4, l + 2, l + 1."""
        while len(parts) > 1:
            half = len(parts) // 2
            parts = [self.combine(a, b) for a, b in zip(parts[:half], parts[half:], strict=True)]
        vector = parts[0]
        while vector.width > 1:
            half = vector.width // 2
            vector = self.combine(*self.parts(vector, half))
        return vector

    def parts(self, vector: Reg, count: int) -> list[Reg]:
        """The vector's lanes, so many at a time."""
        if vector.width == count:
            return [vector]
        return [self._some(vector, start, count) for start in range(0, vector.width, count)]

    def _some(self, vector: Reg, start: int, count: int) -> Reg:
        f = self.f
        if count == 1:
            return f.extract(vector, start)
        lanes = ", ".join(f"i32 {start + i}" for i in range(count))
        return f.assign(
            f"shufflevector {vector.type} {vector.text}, {vector.type} poison, <{count} x i32> <{lanes}>",
            vector.element,
            count,
        )


class Accumulator:
    """Running state of one reduction in stack memory, which LLVM turns into registers."""

    def __init__(self, reducer: Reducer, width: int, parts: int) -> None:
        self.reducer = reducer
        self.width = width
        kind = Reg("", reducer.element, width).type
        self.slots = [reducer.f.alloca(kind, 1) for _ in range(parts)]

    def reset(self) -> None:
        """All lanes to the identity."""
        for slot in self.slots:
            self.reducer.f.store(self.reducer.identity(self.width), slot)

    def add(self, value: Reg) -> None:
        """Combines the next `width` elements; the parts take turns."""
        f = self.reducer.f
        parts = self.read()
        first = self.reducer.combine(parts[0], value)
        for part, slot in zip([*parts[1:], first], self.slots, strict=True):
            f.store(part, slot)

    def read(self) -> list[Reg]:
        """The parts, in lane order whenever a whole number of turns has been taken."""
        return [self.reducer.f.load(slot, self.reducer.element, self.width) for slot in self.slots]


class Tree:
    """Block results meeting in a binary tree of neighbours: a stack whose depth is the number of ones in the count.

    The same counter serves all reductions of a nest; `width` results are combined side by side.
    """

    def __init__(self, reducers: list[Reducer], width: int, place: Place | None = None) -> None:
        self.f = reducers[0].f
        place = place or self.f.alloca
        self.reducers = reducers
        self.width = width
        self.count = place("i64", 1)
        self.top = place("i64", 1)
        self.kinds = [Reg("", r.element, width).type for r in reducers]
        self.stacks = [place(kind, STACK) for kind in self.kinds]
        self.held = [place(kind, 1) for kind in self.kinds]

    def reset(self) -> None:
        """Forgets everything."""
        for slot in (self.count, self.top):
            self.f.store(self.f.number(0, "i64"), slot)

    def push(self, values: list[Reg]) -> None:
        """Takes the results of the next block."""
        f = self.f
        one = f.number(1, "i64")
        for value, slot in zip(values, self.held, strict=True):
            f.store(value, slot)
        count = f.add(f.load(self.count, "i64"), one)
        f.store(count, self.count)
        merge, body, done = (f.fresh(name) for name in ("merge", "join", "joined"))
        before = f.block
        f.branch(merge)
        f.label(merge)
        bits = f.phi("i64", [(count.text, before), (f"%{body}.bits", body)])
        odd = f.icmp("ne", f.binary("and", bits, one), f.number(0, "i64"))
        f.branch_if(odd, done, body)
        f.label(body)
        self._join_top()
        f.line(f"%{body}.bits = lshr i64 {bits.text}, 1")
        f.branch(merge)
        f.label(done)
        top = f.load(self.top, "i64")
        for slot, stack, reducer, kind in zip(self.held, self.stacks, self.reducers, self.kinds, strict=True):
            f.store(f.load(slot, reducer.element, self.width), f.element_pointer(stack, top, kind))
        f.store(f.add(top, one), self.top)

    def _join_top(self) -> None:
        """Combines the value in hand with the earlier one on top of the stack."""
        f = self.f
        top = f.sub(f.load(self.top, "i64"), f.number(1, "i64"))
        f.store(top, self.top)
        for slot, stack, reducer, kind in zip(self.held, self.stacks, self.reducers, self.kinds, strict=True):
            earlier = f.load(f.element_pointer(stack, top, kind), reducer.element, self.width)
            f.store(reducer.combine(earlier, f.load(slot, reducer.element, self.width)), slot)

    def result(self) -> list[Reg]:
        """What all blocks give together; at least one must have been pushed."""
        f = self.f
        top = f.sub(f.load(self.top, "i64"), f.number(1, "i64"))
        f.store(top, self.top)
        for slot, stack, reducer, kind in zip(self.held, self.stacks, self.reducers, self.kinds, strict=True):
            f.store(f.load(f.element_pointer(stack, top, kind), reducer.element, self.width), slot)
        head, body, done = (f.fresh(name) for name in ("fold", "folding", "folded"))
        f.branch(head)
        f.label(head)
        more = f.icmp("sgt", f.load(self.top, "i64"), f.number(0, "i64"))
        f.branch_if(more, body, done)
        f.label(body)
        self._join_top()
        f.branch(head)
        f.label(done)
        return [
            f.load(slot, reducer.element, self.width) for slot, reducer in zip(self.held, self.reducers, strict=True)
        ]
