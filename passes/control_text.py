"""Loops and branches over steps, in LLVM text."""

from __future__ import annotations

from tapec.passes.carries_text import Carries, Scope, address_of
from tapec.passes.llvm_text import Reg, memory_element
from tapec.passes.loop_text import count_loop, i64
from tapec.passes.rows_text import emit_sweeps, emit_while
from tapec.passes.steps import Branch, Loop, Sweeps, While


def emit_control(scope: Scope, step: Loop | While | Branch | Sweeps) -> None:
    """Appends a step of control flow."""
    if isinstance(step, Loop):
        _loop(scope, step)
    elif isinstance(step, While):
        emit_while(scope, step)
    elif isinstance(step, Sweeps):
        emit_sweeps(scope, step)
    else:
        _branch(scope, step)


def _loop(scope: Scope, loop: Loop) -> None:
    f = scope.f
    carries = Carries(scope, loop.carries)
    bases = {part: scope.pointer(part.base) for part in loop.slices if part.base is not None}

    def iteration(index: Reg) -> None:
        at = f.sub(i64(loop.count - 1), index) if loop.reverse else index
        for part, base in bases.items():
            element = memory_element(part.dtype)
            row = f.element_pointer(base, f.mul(at, i64(part.stride)), element)
            scope.bind(part, f.element_pointer(row, i64(part.offset), element) if part.offset else row)
        carries.enter()
        scope.write(loop.body)
        carries.advance()

    count_loop(f, i64(0), i64(loop.count), 1, iteration)
    carries.leave()


def _branch(scope: Scope, branch: Branch) -> None:
    f = scope.f
    dtype = branch.index.buffer.dtype
    index = f.load(address_of(scope, branch.index), memory_element(dtype))
    if dtype.bits < 64:
        index = f.convert("sext" if dtype.kind == "i" else "zext", index, "i64")
    signed = dtype.kind != "u"
    top = i64(len(branch.cases) - 1)
    index = f.select(f.icmp("sgt" if signed else "ugt", index, top), top, index)
    if signed:
        index = f.select(f.icmp("slt", index, i64(0)), i64(0), index)
    done = f.fresh("chosen")
    names = [f.fresh("case") for _ in branch.cases]
    targets = " ".join(f"i64 {i}, label %{name}" for i, name in enumerate(names[:-1]))
    f.line(f"switch i64 {index.text}, label %{names[-1]} [ {targets} ]")
    for name, steps in zip(names, branch.cases, strict=True):
        f.label(name)
        scope.write(steps)
        f.branch(done)
    f.label(done)
