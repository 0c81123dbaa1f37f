"""Recording in LLVM text that something went wrong, where any lane says so."""

from __future__ import annotations

from collections.abc import Callable

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import when


def when_any(f: FunctionText, condition: Reg, body: Callable[[], None]) -> None:
    """`body()` if a condition, scalar or vector, holds in some lane."""
    if condition.width > 1:
        symbol = f"llvm.vector.reduce.or.v{condition.width}i1"
        f.declarations.add(f"declare i1 @{symbol}({condition.type})")
        condition = f.assign(f"call i1 @{symbol}({condition.type} {condition.text})", "i1")
    when(f, condition, body)
