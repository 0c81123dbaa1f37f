"""`with tp.eager():` runs compiled functions op by op."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tapec.recording import Recorder, active

if TYPE_CHECKING:
    import numpy as np

    from tapec.ir.graph import Graph
    from tapec.ir.primitive import Primitive
    from tapec.tensor import Tensor
    from tapec.variable import Variable


class EagerMode(Recorder):
    """A recorder that keeps nothing: while one is active, compiled functions run inline.

    Args:
        inside: whether the body of a compiled function is what runs eagerly. Functions that it calls then give tensors,
            as they do while it is recorded.
    """

    __slots__ = ("inside",)

    def __init__(self, inside: bool) -> None:
        self.inside = inside

    def record(
        self, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], result: Tensor
    ) -> None:
        """See `Recorder.record`."""

    def record_control(
        self,
        primitive: Primitive,
        operands: tuple[Tensor, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
        results: tuple[Tensor, ...],
    ) -> None:
        """See `Recorder.record_control`."""

    def observe(self, tensor: Tensor, expected: int) -> None:
        """See `Recorder.observe`."""

    def leak(self, tensor: Tensor, how: str) -> None:
        """See `Recorder.leak`."""

    def capture(self, tensor: Tensor, array: np.ndarray[Any, Any]) -> None:
        """See `Recorder.capture`."""

    def read_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.read_variable`."""

    def assign_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.assign_variable`."""


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
