"""Steps that are many equal things, in no order: a grid of threads does them, or the threads of one block."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tapec.passes.cuda.thread_text import Thread
from tapec.passes.llvm_text import Reg


class Items(NamedTuple):
    """What a step consists of.

    Attributes:
        count: how many.
        item: writes the one of this number.
    """

    count: int
    item: Callable[[Thread, Reg], None]
