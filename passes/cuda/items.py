"""Steps that are many equal things, in no order: a grid of threads does them, or the threads of one block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tapec.passes.cuda.thread_text import Thread
from tapec.passes.llvm_text import Reg


@dataclass(frozen=True, slots=True)
class Items:
    """What a step consists of.

    Args:
        count: how many.
        item: writes the one of this number.
    """

    count: int
    item: Callable[[Thread, Reg], None]
