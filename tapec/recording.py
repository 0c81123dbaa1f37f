"""Recorders: whoever wants to know which primitives run in this thread.

`GradientTape` and the recorder behind `tp.function` both derive from `Recorder`. Each thread has its own stack of active
recorders; a primitive that runs is told to every one of them.
"""

from __future__ import annotations

import sys
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tapec.ir.graph import Location

if TYPE_CHECKING:
    from tapec.ir.primitive import Primitive
    from tapec.tensor import Tensor

_PACKAGE = str(Path(__file__).resolve().parent)
_ROOT = str(Path(__file__).resolve().parent.parent)
_INSIDE = (_PACKAGE + "/", _ROOT + "/passes/", _ROOT + "/runtime/", sys.prefix + "/lib/python", "<")


class Recorder(ABC):
    """Receives every primitive that runs in its thread while it is active."""

    @abstractmethod
    def record(
        self, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], result: Tensor
    ) -> None:
        """`primitive` has run on `operands` and gave `result`."""

    @abstractmethod
    def observe(self, tensor: Tensor, expected: int) -> None:
        """Python saw the integer or truth value of `tensor` and may have branched on it."""

    @abstractmethod
    def leak(self, tensor: Tensor, how: str) -> None:
        """The value of `tensor` left for plain Python by `how` (`float(t)`, `t.numpy()`, ...)."""


class _Stack(threading.local):
    def __init__(self) -> None:
        self.recorders: list[Recorder] = []


ACTIVE = _Stack()


def user_location() -> Location | None:
    """The innermost line on the stack that belongs to neither tapec nor an installed package."""
    frame = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        if not filename.startswith(_INSIDE):
            return Location(filename, frame.f_lineno)
        frame = frame.f_back  # type: ignore[assignment]
    return None
