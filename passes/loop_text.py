"""Loops in LLVM text: a counter in a phi, and the vector loop over one axis."""

from __future__ import annotations

from collections.abc import Callable

from tapec.passes.llvm_text import FunctionText, Reg

# (position of the first lane, width, mask of the lanes that exist or None for all)
LaneBody = Callable[[Reg, int, Reg | None], None]


def i64(value: int | str) -> Reg:
    """An extent or stride as an operand: a number, or a parameter's name."""
    return Reg(str(value), "i64")


def count_loop(f: FunctionText, start: Reg, stop: Reg, step: int, body: Callable[[Reg], None]) -> None:
    """`for i in range(start, stop, step): body(i)`."""
    head, inside, done = (f.fresh(name) for name in ("loop", "body", "done"))
    before = f.block
    f.branch(head)
    f.label(head)
    index = f.phi("i64", [(start.text, before), (f"%{head}.next", f"{head}.latch")])
    f.branch_if(f.icmp("slt", index, stop), inside, done)
    f.label(inside)
    body(index)
    f.branch(f"{head}.latch")
    f.label(f"{head}.latch")
    f.line(f"%{head}.next = add nsw i64 {index.text}, {step}")
    f.branch(head)
    f.label(done)


def when(f: FunctionText, condition: Reg, body: Callable[[], None]) -> None:
    """`if condition: body()`."""
    inside, done = f.fresh("then"), f.fresh("after")
    f.branch_if(condition, inside, done)
    f.label(inside)
    body()
    f.branch(done)
    f.label(done)


def either(f: FunctionText, condition: Reg, then: Callable[[], None], otherwise: Callable[[], None]) -> None:
    """`if condition: then() else: otherwise()`."""
    first, second, done = (f.fresh(name) for name in ("then", "else", "after"))
    f.branch_if(condition, first, second)
    for label, body in ((first, then), (second, otherwise)):
        f.label(label)
        body()
        f.branch(done)
    f.label(done)


def lane_numbers(f: FunctionText, width: int) -> Reg:
    """0, 1, 2, ... as a vector of i64."""
    if width == 1:
        return f.number(0, "i64")
    return Reg("<" + ", ".join(f"i64 {i}" for i in range(width)) + ">", "i64", width)


def lane_mask(f: FunctionText, first: Reg, stop: Reg, width: int) -> Reg:
    """Which of the lanes `first, first + 1, ...` lie before `stop`."""
    lanes = f.add(f.splat(first, width), lane_numbers(f, width)) if width > 1 else first
    return f.icmp("slt", lanes, f.splat(stop, width))


def vector_loop(f: FunctionText, extent: int | str, width: int, body: LaneBody) -> None:
    """All positions of an axis, `width` at a time; positions may be visited twice, with the same result.

    The last vector is moved back to end with the axis, so that no scalar loop is needed. An axis shorter than `width`
    is one vector of its length, or one masked vector when its length is known only at run time.
    """
    if isinstance(extent, int):
        if extent <= width:
            body(i64(0), extent, None)
        elif extent % width == 0:
            count_loop(f, i64(0), i64(extent), width, lambda i: body(i, width, None))
        else:
            vector_range(f, i64(0), i64(extent), width, body)
        return
    n = i64(extent)
    long = f.icmp("sge", n, i64(width))
    short = f.icmp("slt", n, i64(width))
    when(f, long, lambda: vector_range(f, i64(0), n, width, body))
    when(f, short, lambda: body(i64(0), width, lane_mask(f, i64(0), n, width)))


def vector_range(f: FunctionText, start: Reg, stop: Reg, width: int, body: LaneBody) -> None:
    """As `vector_loop` for the positions from `start` to `stop`, which are at least `width`."""
    last = f.sub(stop, i64(width))

    def step(i: Reg) -> None:
        body(f.select(f.icmp("slt", i, last), i, last), width, None)

    count_loop(f, start, stop, width, step)


def exact_vector_loop(f: FunctionText, extent: int, width: int, body: Callable[[Reg, int], None]) -> None:
    """All positions of an axis exactly once, `width` at a time and then as many as are left."""
    whole = extent - extent % width
    if whole:
        count_loop(f, i64(0), i64(whole), width, lambda i: body(i, width))
    if extent % width:
        body(i64(whole), extent % width)
