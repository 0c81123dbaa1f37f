"""Steps that walk an axis in order: running sums and positions of extremes."""

from __future__ import annotations

from tapec.ops import elementwise as ew
from tapec.passes.library.lines import Lines, lines
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import count_loop, exact_vector_loop, i64
from tapec.passes.places import Surroundings
from tapec.passes.scalar.table import ROWS
from tapec.passes.steps import LibraryStep

_LANES = 8


def cumsum(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """Running sums along an axis, from either end; each is the one before plus the next element."""
    source = lines(f, step.operands[0], step.attributes["axis"], around)
    if 0 in (source.outer, source.length, source.inner):
        return

    def block(outer: Reg) -> None:
        exact_vector_loop(
            f, source.inner, _LANES, lambda i, width: running_sum(f, step, around, source, outer, i, width)
        )

    count_loop(f, i64(0), i64(source.outer), 1, block)


def running_sum(
    f: FunctionText, step: LibraryStep, around: Surroundings, source: Lines, outer: Reg, i: Reg, width: int
) -> None:
    """The sums of `width` lines of `source`, those from position `i` on in block `outer`."""
    dtype = step.operands[0].buffer.dtype
    assert step.result is not None
    result = Lines(around.pointer(step.result), source.element, source.outer, source.length, source.inner)
    reverse = step.attributes["reverse"]

    def position(j: Reg) -> Reg:
        return f.sub(i64(source.length - 1), j) if reverse else j

    running = f.alloca(Reg("", source.element, width).type, 1)
    first = f.load(source.at(f, outer, position(i64(0)), i), source.element, width)
    f.store(first, running)
    f.store(first, result.at(f, outer, position(i64(0)), i))

    def element(j: Reg) -> None:
        value = f.load(source.at(f, outer, position(j), i), source.element, width)
        total = ROWS[ew.add](f, dtype, (f.load(running, source.element, width), value), {})
        f.store(total, running)
        f.store(total, result.at(f, outer, position(j), i))

    count_loop(f, i64(1), i64(source.length), 1, element)


def arg_extreme(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """Position of the first largest (`argmax`) or smallest (`argmin`) along an axis; the first NaN counts as that."""
    source = lines(f, step.operands[0], step.attributes["axis"], around)

    def block(outer: Reg) -> None:
        count_loop(f, i64(0), i64(source.inner), 1, lambda i: extreme_of_line(f, step, around, source, outer, i))

    count_loop(f, i64(0), i64(source.outer), 1, block)


def extreme_of_line(
    f: FunctionText, step: LibraryStep, around: Surroundings, source: Lines, outer: Reg, i: Reg
) -> None:
    """The position for one line of `source`, position `i` in block `outer`."""
    dtype = step.operands[0].buffer.dtype
    assert step.result is not None
    primitive = ew.gt if step.primitive.name == "argmax" else ew.lt
    element = source.element

    def read(j: Reg) -> Reg:
        value = f.load(source.at(f, outer, j, i), element)
        return f.convert("trunc", value, "i1") if dtype.kind == "b" else value

    first = read(i64(0))
    best, where = f.alloca(first.element, 1), f.alloca("i64", 1)
    f.store(first, best)
    f.store(i64(0), where)

    def look(j: Reg) -> None:
        value, held = read(j), f.load(best, first.element)
        better = ROWS[primitive](f, dtype, (value, held), {})
        if dtype.is_float:
            new_nan = f.binary("and", f.fcmp("uno", value, value), f.fcmp("ord", held, held))
            better = f.binary("or", better, new_nan)
        f.store(f.select(better, value, held), best)
        f.store(f.select(better, j, f.load(where, "i64")), where)

    count_loop(f, i64(1), i64(source.length), 1, look)
    at = f.add(f.mul(outer, i64(source.inner)), i)
    f.store(f.load(where, "i64"), f.element_pointer(around.pointer(step.result), at, memory_element(step.result.dtype)))
