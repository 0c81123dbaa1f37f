"""Recorders: whoever wants to know which primitives run in this thread.

`GradientTape` and the recorder behind `tp.function` both derive from `Recorder`. Each thread has its own stack of
active recorders; a primitive that runs is told to every one of them.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from tapec.errors import TapecError
from tapec.ir.graph import Location

if TYPE_CHECKING:
    import numpy as np

    from tapec.devices import Device
    from tapec.ir.graph import Graph
    from tapec.ir.primitive import Primitive
    from tapec.tensor import Tensor
    from tapec.variable import Variable

_PACKAGE = str(Path(__file__).resolve().parent)
_ROOT = str(Path(__file__).resolve().parent.parent)
_LIBRARY = str(Path(threading.__file__).parent)
_INSIDE = (_PACKAGE + "/", _ROOT + "/passes/", _ROOT + "/runtime/", sys.prefix + "/lib/python", _LIBRARY + "/",
           "<frozen ", "<__array_function__")  # fmt: skip


class Recorder(ABC):
    """Receives every primitive that runs in its thread while it is active.

    Attributes:
        differentiates: whether derivatives of what it hears may be asked for.
        keeps_graph: whether they may be asked of the graph alone, when the tensors that ran are gone.
        traces: whether what it records runs again with other values, so that what it changes must be made in it.
        rereads: whether what it records reads arrays from outside anew each time, so that they must not move.
        defers: whether ops need not run before somebody looks at their results (`tapec.deferred`), if it is the
            outermost.
    """

    __slots__ = ()

    differentiates: ClassVar[bool] = False
    keeps_graph: ClassVar[bool] = False
    traces: ClassVar[bool] = False
    rereads: ClassVar[bool] = False
    defers: bool = False

    @abstractmethod
    def record(
        self, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], result: Tensor
    ) -> None:
        """`primitive` has run on `operands` and gave `result`."""

    @abstractmethod
    def record_control(
        self,
        primitive: Primitive,
        operands: tuple[Tensor, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
        results: tuple[Tensor, ...],
    ) -> None:
        """`primitive`, which may have several results, has run on `operands` and gave `results`.

        A loop or a branch has run its `regions`; a factorization has none.
        """

    @abstractmethod
    def observe(self, tensor: Tensor, expected: int) -> None:
        """Python saw the integer or truth value of `tensor` and may have branched on it."""

    def guards(self, tensor: Tensor) -> bool:
        """Whether an integer that Python sees of `tensor` becomes a guard: other calls may have another."""
        return False

    @abstractmethod
    def leak(self, tensor: Tensor, how: str, loses: bool = True) -> None:
        """The value of `tensor` left for plain Python by `how` (`float(t)`, `t.numpy()`, ...).

        `loses` is whether what left may be computed on with, so that a derivative can be lost: positions have none.
        """

    def refuses(self, tensor: Tensor) -> bool:
        """Whether `tensor` may not leave for plain Python, since its derivative would be lost."""
        return False

    @abstractmethod
    def capture(self, tensor: Tensor, array: np.ndarray[Any, Any]) -> None:
        """`tensor` is a copy of the user's `array`, which he may write to later."""

    @abstractmethod
    def read_variable(self, variable: Variable, tensor: Tensor) -> None:
        """`variable` was read and its present value is `tensor`; two reads without an assignment give one tensor."""

    @abstractmethod
    def assign_variable(self, variable: Variable, tensor: Tensor) -> None:
        """`variable` has been given the value `tensor`."""


# Where native entries find this thread's recorders: they must not run while somebody records, nor where a device has
# been chosen, for which some other list lies there.
THREAD_KEY: Final = "tapec.recorders"


def share(recorders: list[Any]) -> None:
    """Puts the list into the dict that CPython keeps for each thread; other interpreters have no native entries."""
    if sys.implementation.name == "cpython":
        get = ctypes.pythonapi.PyThreadState_GetDict
        get.restype = ctypes.c_void_p  # a borrowed reference, which `py_object` would take for a new one
        ctypes.cast(get(), ctypes.py_object).value[THREAD_KEY] = recorders


class _Stack(threading.local):
    """State of one thread.

    Attributes:
        recorders: active ones, outermost first; always this very list, since machine code looks at it too.
        phase: the phase of ops recorded now: `"primal"`, or `"adjoint"`/`"tangent"` while a derivative is replayed.
        location: the user's line of ops recorded now, where it is not the line on the stack (replays).
        imagined: whether what runs now is recorded only and may never be reached with these values, so that an index
            that they put out of range is no error.
        refused: the user's line of the op that last refused its operands for their values (an index out of range); a
            new tuple each time, so that a recording can tell whether that happened while it went on.
        lasting: whether derivatives of what runs now will be asked for when the tensors that Python holds now are gone.
        device: the device that a `with` block has chosen; None for the CPU.
        ruled: how many of the outermost recorders take the derivatives of what runs now from a rule, so that to them
            none is lost where a value leaves for plain Python.
    """

    def __init__(self) -> None:
        self.recorders: Final[list[Recorder]] = []
        share(self.recorders)
        self.phase: str = "primal"
        self.location: Location | None = None
        self.imagined: bool = False
        self.refused: tuple[Location | None] | None = None
        self.lasting: bool = False
        self.device: Device | None = None
        self.ruled: int = 0


ACTIVE = _Stack()


@contextmanager
def active(recorder: Recorder) -> Iterator[None]:
    """Lets `recorder` hear of this thread's primitives; whatever was entered meanwhile and not left, leaves with it."""
    recorders = ACTIVE.recorders
    depth = len(recorders)
    recorders.append(recorder)
    try:
        yield
    except ValueError as error:
        uncover(error)
        raise
    finally:
        del recorders[depth:]


@contextmanager
def ruled() -> Iterator[None]:
    """A block whose derivatives a rule gives, whatever runs in it."""
    before, ACTIVE.ruled = ACTIVE.ruled, len(ACTIVE.recorders)
    try:
        yield
    finally:
        ACTIVE.ruled = before


def uncover(error: BaseException | None) -> None:
    """Raises the error of a tensor in whose place NumPy says that elements can't be sequences (`a[0] = t`).

    Does nothing if `error` is another one.
    """
    if isinstance(error, ValueError) and str(error).startswith("setting an array element"):
        cause = error.__cause__
        if isinstance(cause, TapecError):
            raise cause.with_traceback(error.__traceback__) from None


def user_location(skip: int = 1) -> Location | None:
    """The innermost line on the stack that belongs to neither tapec nor an installed package.

    Args:
        skip: number of innermost frames that are known to be tapec's and need not be looked at.
    """
    frame: FrameType | None = sys._getframe(skip)
    find = _CODE.get
    while frame is not None:  # `user_frame` and `location_of` in one: every recorded op asks
        code = frame.f_code
        known = find(id(code)) or _code(code)
        if known.lines is not None:
            return known.lines.get(frame.f_lasti) or known.locate(frame)
        frame = frame.f_back
    return None


def user_frame(skip: int = 1) -> tuple[FrameType | None, int]:
    """The frame of `user_location`, and how many frames lie between it and the caller of this function, plus one."""
    frame: FrameType | None = sys._getframe(skip)
    find = _CODE.get
    while frame is not None:
        code = frame.f_code
        if (find(id(code)) or _code(code)).lines is not None:
            return frame, skip
        frame = frame.f_back
        skip += 1
    return None, 0


# Where a line was found on the stack, seen from a function: code, instruction, and number of frames up.
Hint = tuple[CodeType | None, int, int]
NOWHERE: Final[Hint] = (None, 0, 0)


def user_hint(skip: int) -> tuple[Location | None, Hint]:
    """The line of `user_location`, and where it was found, seen from the caller of the caller of this function."""
    frame, depth = user_frame(skip + 1)
    if frame is None:
        return None, NOWHERE
    return location_of(frame), (frame.f_code, frame.f_lasti, depth - 3)


def location_of(frame: FrameType) -> Location:
    """The line that a frame of the user's is at."""
    known = _CODE.get(id(frame.f_code)) or _code(frame.f_code)
    return known.locate(frame)


class _Code:
    """What is known of a code object: a `Location` for each instruction asked for; None for tapec's and Python's own.

    Every recorded op asks, so the answers are kept. By instruction and not by line, because finding an instruction's
    line takes Python a time that grows with the length of the function.
    """

    __slots__ = ("code", "lines")

    def __init__(self, code: CodeType) -> None:
        self.code = code  # which keeps its id from being given to another
        self.lines: dict[int, Location] | None = None if code.co_filename.startswith(_INSIDE) else {}

    def locate(self, frame: FrameType) -> Location:
        assert self.lines is not None
        found = self.lines.get(frame.f_lasti)
        if found is None:
            where = (self.code.co_filename, frame.f_lineno)
            found = self.lines[frame.f_lasti] = _LOCATIONS.setdefault(where, Location(*where))
        return found


def _code(code: CodeType) -> _Code:
    if len(_CODE) >= _MOST_CODE:  # a program that makes code as it goes would fill the memory
        _CODE.clear()
        _LOCATIONS.clear()
    known = _CODE[id(code)] = _Code(code)
    return known


_CODE: dict[int, _Code] = {}
_LOCATIONS: dict[tuple[str, int], Location] = {}  # one object for each line: recordings compare identities
_MOST_CODE = 16_384
