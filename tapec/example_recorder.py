"""The recorder of what a function does for one of many examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from tapec.errors import BatchedValueError, TapecError
from tapec.region_recorder import RegionRecorder
from tapec.tensor import Tensor

if TYPE_CHECKING:
    from tapec.variable import Variable


@final
class ExampleRecorder(RegionRecorder):
    """Writes the graph of what depends on the example; what does not runs outside of it, once for all examples.

    Args:
        name: of the function.
    """

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__(name, hoist=True)

    def assign_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.assign_variable`. What is the same for all examples may be assigned."""
        self._refuse(tensor, f"{variable.name} was assigned a value")
        for recorder in self._outside:
            recorder.assign_variable(variable, tensor)

    def _refusal(self, what: str, where: str, instead: str) -> TapecError:
        return BatchedValueError(
            f"in {self.name} under vmap{where} {what} that differs from example to example, and every example takes "
            f"the same way through Python. Instead: {instead}"
        )
