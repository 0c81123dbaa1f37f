"""Counted loops in LLVM text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tapec.passes.llvm_text import FunctionText, Reg


@contextmanager
def counted(f: FunctionText, stop: Reg, *, start: Reg | None = None, step: int = 1) -> Iterator[Reg]:
    """The body of `for i in range(start, stop, step)`, giving `i`; what is written next comes after the loop.

    Example:
        >>> f = FunctionText("f", "ptr %p, i64 %n")
        >>> with counted(f, Reg("%n", "i64")) as i:
        ...     f.store(f.number(0.0, "double"), f.element_pointer(Reg("%p", "ptr"), i, "double"))
        >>> f.line("ret void")
    """
    first = start or f.number(0, "i64")
    head, body, end = f.fresh("head"), f.fresh("body"), f.fresh("end")
    before = f.block
    f.branch(head)
    f.label(head)
    i = f.phi("i64", [(first.text, before)])
    phi_at = len(f.lines) - 1
    f.branch_if(f.icmp("slt", i, stop), body, end)
    f.label(body)
    yield i
    following = f.add(i, f.number(step, "i64"))
    f.lines[phi_at] += f", [ {following.text}, %{f.block} ]"
    f.branch(head)
    f.label(end)
