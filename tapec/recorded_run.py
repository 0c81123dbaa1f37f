"""What a run of Python under a recorder leaves: the recording, and results that may still have to be computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tapec.assignments import Assignments
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
        assignments: what it gave Variables.
    """

    call: RecordedCall
    results: Results
    result: Any
    tensors: list[Tensor]
    arrays: list[np.ndarray[Any, Any]]
    assignments: Assignments

    def is_pending(self) -> bool:
        """Whether results, or what Variables are given, are still to be computed, which machine code may do."""
        return self.assignments.are_pending() or any(is_deferred(t._array) for t in self.tensors)

    def delivered(self, device: Device | None) -> Any:
        """The result as a compiled call gives it; see `deliver`."""
        return deliver(self.result, self.results.gives_tensors, device)
