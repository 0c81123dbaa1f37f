"""What a launch plan asks of a device, so that the same code carries it out on a GPU or on the host."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.plan import Call
from tapec.passes.steps import Operand

Array = np.ndarray[Any, Any]


class Backend(ABC):
    """Memory by address, and work in order on one stream."""

    @abstractmethod
    def allocate(self, nbytes: int) -> int:
        """Memory of the device, at a multiple of 64.

        Raises:
            DeviceMemoryError: there is not so much.
        """

    @abstractmethod
    def free(self, address: int) -> None:
        """Gives memory back."""

    @abstractmethod
    def upload(self, address: int, array: Array) -> None:
        """Copies a dense array to the device."""

    @abstractmethod
    def download(self, address: int, dtype: np.dtype[Any], count: int) -> Array:
        """Copies elements to the host, when all that was asked for before is done."""

    @abstractmethod
    def copy(self, to: int, source: int, nbytes: int) -> None:
        """Copies inside the device."""

    @abstractmethod
    def launch(self, kernel: Kernel, addresses: Sequence[int]) -> None:
        """Runs a kernel on its arrays; the address of the status is the last."""

    @abstractmethod
    def call(self, call: Call, address: Callable[[Operand], int]) -> None:
        """Has a library do a step; `address` gives the first element of an operand or result."""
