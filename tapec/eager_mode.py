"""`with tp.eager():` runs compiled functions op by op."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tapec.recording import Recorder, active
from tapec.silent_recorder import SilentRecorder

if TYPE_CHECKING:
    from tapec.tensor import Tensor
    from tapec.variable import Variable


class EagerMode(SilentRecorder):
    """A recorder that keeps nothing: while one is active, compiled functions run inline.

    Args:
        inside: whether the body of a compiled function is what runs eagerly. Functions that it calls then give tensors,
            as they do while it is recorded.
    """

    __slots__ = ("inside",)

    def __init__(self, inside: bool) -> None:
        self.inside = inside

    def read_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.read_variable`."""


def is_nested(recorders: list[Recorder]) -> bool:
    """Whether a function called under these recorders is part of something larger that is recorded or runs eagerly."""
    return any(type(recorder) is not EagerMode or recorder.inside for recorder in recorders)


@contextmanager
def eager() -> Iterator[None]:
    """Runs compiled functions called in this thread op by op, with the same results to the last bit.

    >>> import numpy as np, tapec as tp
    >>> square = tp.function(lambda x: x * x)
    >>> with tp.eager():
    ...     print(square(np.float64(3.0)), square.recordings)
    9.0 0
    """
    with active(EagerMode(inside=False)):
        yield
