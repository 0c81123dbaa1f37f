"""What a run of Python under a recorder leaves: the recording, and results that may still have to be computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tapec.deferred import is_deferred
from tapec.recorded_call import RecordedCall
from tapec.results import Results, deliver
from tapec.tensor import Tensor

if TYPE_CHECKING:
    from tapec.devices import Device


class RecordedRun(NamedTuple):
    """One run of Python under a recorder.

    Attributes:
        call: what was recorded.
        results: how outputs become what the function returned.
        result: what it returned.
        tensors: those among it.
        arrays: the inputs.
    """

    call: RecordedCall
    results: Results
    result: Any
    tensors: list[Tensor]
    arrays: list[np.ndarray[Any, Any]]

    def is_pending(self) -> bool:
        """Whether results are still to be computed and machine code may do it, which would assign Variables again."""
        return not self.call.assigned and any(is_deferred(t._array) for t in self.tensors)

    def delivered(self, device: Device | None) -> Any:
        """The result as a compiled call gives it; see `deliver`."""
        return deliver(self.result, self.results.gives_tensors, device)
