"""Recorders: whoever wants to know which primitives run in this thread.

`GradientTape` and the recorder behind `tp.function` both derive from `Recorder`. Each thread has its own stack of active
recorders; a primitive that runs is told to every one of them.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tapec.ir.graph import Location

if TYPE_CHECKING:
    import numpy as np

    from tapec.ir.primitive import Primitive
    from tapec.tensor import Tensor
    from tapec.variable import Variable

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

    @abstractmethod
    def capture(self, tensor: Tensor, array: np.ndarray[Any, Any]) -> None:
        """`tensor` is a copy of the user's `array`, which he may write to later."""

    @abstractmethod
    def read_variable(self, variable: Variable, tensor: Tensor) -> None:
        """`variable` was read and its present value is `tensor`; two reads without an assignment give one tensor."""

    @abstractmethod
    def assign_variable(self, variable: Variable, tensor: Tensor) -> None:
        """`variable` has been given the value `tensor`."""


# Where native entries find this thread's recorders: they must not run while somebody records.
THREAD_KEY: Final = "tapec.recorders"


def _share(recorders: list[Recorder]) -> None:
    """Puts the list into the dict that CPython keeps for each thread; other interpreters have no native entries."""
    if sys.implementation.name == "cpython":
        get = ctypes.pythonapi.PyThreadState_GetDict
        get.restype = ctypes.c_void_p  # a borrowed reference, which `py_object` would take for a new one
        ctypes.cast(get(), ctypes.py_object).value[THREAD_KEY] = recorders


class _Stack(threading.local):
    """State of one thread.

    Attributes:
        recorders: active ones, outermost first; always this very list, since machine code looks at it too.
        phase: the phase of ops recorded now: `"primal"`, or `"adjoint"`/`"tangent"` while a derivative graph is replayed.
        location: the user's line of ops recorded now, where it is not the line on the stack (replays).
    """

    def __init__(self) -> None:
        self.recorders: Final[list[Recorder]] = []
        _share(self.recorders)
        self.phase: str = "primal"
        self.location: Location | None = None


ACTIVE = _Stack()


@contextmanager
def active(recorder: Recorder) -> Iterator[None]:
    """Lets `recorder` hear of this thread's primitives; whatever was entered meanwhile and not left, leaves with it."""
    recorders = ACTIVE.recorders
    depth = len(recorders)
    recorders.append(recorder)
    try:
        yield
    finally:
        del recorders[depth:]


def user_location(skip: int = 1) -> Location | None:
    """The innermost line on the stack that belongs to neither tapec nor an installed package.

    Args:
        skip: number of innermost frames that are known to be tapec's and need not be looked at.
    """
    frame = sys._getframe(skip)
    while frame is not None:
        filename = frame.f_code.co_filename
        lines = _LINES.get(filename)
        if lines is None:
            lines = _LINES[filename] = _Lines(filename.startswith(_INSIDE))
        if not lines.inside:
            line = frame.f_lineno
            found = lines.locations.get(line)
            if found is None:
                found = lines.locations[line] = Location(filename, line)
            return found
        frame = frame.f_back  # type: ignore[assignment]
    return None


class _Lines:
    """What is known of a file: whether it is tapec's or Python's own, and a `Location` for each line asked for.

    Every recorded op asks, so the answers are kept.
    """

    __slots__ = ("inside", "locations")

    def __init__(self, inside: bool) -> None:
        self.inside = inside
        self.locations: dict[int, Location] = {}


_LINES: dict[str, _Lines] = {}
