"""Stable merge sort of positions, bottom up: runs of 1, 2, 4, ... are merged into scratch memory and copied back."""

from __future__ import annotations

from functools import partial

from tapec.ops import elementwise as ew
from tapec.passes.library.lines import Lines, lines
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import count_loop, i64
from tapec.passes.places import Surroundings
from tapec.passes.scalar.table import ROWS
from tapec.passes.steps import LibraryStep


def argsort(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """Positions in ascending order along an axis; equal elements keep theirs, NaN come last."""
    (x,) = step.operands
    source = lines(f, x, step.attributes["axis"], around)
    assert step.result is not None
    result = Lines(around.pointer(step.result), "i64", source.outer, source.length, source.inner)
    scratch = around.pointer(step.scratch[0])

    def line(outer: Reg, i: Reg) -> None:
        _Line(f, step, source, result, scratch, outer, i).sort()

    def block(outer: Reg) -> None:
        count_loop(f, i64(0), i64(source.inner), 1, lambda i: line(outer, i))

    count_loop(f, i64(0), i64(source.outer), 1, block)


class _Line:
    def __init__(
        self, f: FunctionText, step: LibraryStep, source: Lines, result: Lines, scratch: Reg, outer: Reg, inner: Reg
    ) -> None:
        self.f = f
        self.dtype = step.operands[0].buffer.dtype
        self.source = source
        self.result = result
        self.scratch = scratch
        self.outer = outer
        self.inner = inner
        self.left, self.right = f.alloca("i64", 1), f.alloca("i64", 1)

    def sort(self) -> None:
        f, n = self.f, self.source.length
        count_loop(f, i64(0), i64(n), 1, lambda j: f.store(j, self._slot(j)))
        width = 1
        while width < n:
            count_loop(f, i64(0), i64(n), 2 * width, partial(self._merge, width=width))
            count_loop(f, i64(0), i64(n), 1, self._copy_back)
            width *= 2

    def _slot(self, position: Reg) -> Reg:
        return self.result.at(self.f, self.outer, position, self.inner)

    def _copy_back(self, j: Reg) -> None:
        f = self.f
        f.store(f.load(f.element_pointer(self.scratch, j, "i64"), "i64"), self._slot(j))

    def _key(self, position: Reg) -> Reg:
        f = self.f
        key = f.load(self.source.at(f, self.outer, position, self.inner), self.source.element)
        return f.convert("trunc", key, "i1") if self.dtype.kind == "b" else key

    def _capped(self, position: Reg) -> Reg:
        f, n = self.f, i64(self.source.length)
        return f.select(f.icmp("slt", position, n), position, n)

    def _merge(self, start: Reg, width: int) -> None:
        f = self.f
        middle, end = self._capped(f.add(start, i64(width))), self._capped(f.add(start, i64(2 * width)))
        f.store(start, self.left)
        f.store(middle, self.right)

        def step(k: Reg) -> None:
            left, right = f.load(self.left, "i64"), f.load(self.right, "i64")
            has_left, has_right = f.icmp("slt", left, middle), f.icmp("slt", right, end)
            last = i64(self.source.length - 1)
            # Reading an exhausted run is avoided by reading the last position instead; the choice ignores its key.
            a = f.load(self._slot(f.select(has_left, left, last)), "i64")
            b = f.load(self._slot(f.select(has_right, right, last)), "i64")
            from_right = self._before(self._key(b), self._key(a))
            from_right = f.binary("and", has_right, f.binary("or", from_right, self._not(has_left)))
            f.store(f.select(from_right, b, a), f.element_pointer(self.scratch, k, "i64"))
            taken = f.convert("zext", from_right, "i64")
            f.store(f.add(right, taken), self.right)
            f.store(f.add(left, f.sub(i64(1), taken)), self.left)

        count_loop(f, start, end, 1, step)

    def _not(self, condition: Reg) -> Reg:
        return self.f.binary("xor", condition, Reg("true", "i1"))

    def _before(self, a: Reg, b: Reg) -> Reg:
        f = self.f
        less = ROWS[ew.lt](f, self.dtype, (a, b), {})
        if self.dtype.is_float:
            less = f.binary("or", less, f.binary("and", f.fcmp("uno", b, b), f.fcmp("ord", a, a)))
        return less
