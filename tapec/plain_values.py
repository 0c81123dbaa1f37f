"""Values that must be plain arrays, because the shape of a result depends on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import ArrayProtocol
from tapec.dispatch import lift
from tapec.recording import ACTIVE
from tapec.runtime.device_array import on_host


def plain_values(item: Any, how: str) -> Any:
    """Plain values, for positions and the numbers of elements; those of a tensor leave the recording."""
    if not isinstance(item, ArrayProtocol):
        return np.asarray(item)
    tensor = lift(item)
    for recorder in ACTIVE.recorders:
        recorder.leak(tensor, how, loses=False)
    return on_host(tensor._array)
