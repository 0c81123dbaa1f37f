"""The memory of an emulated device: arrays of the host, each between zones that nobody may write."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from tapec.errors import DeviceMemoryError
from tapec.runtime.cuda.emulation import GuardedMemory, elements_at
from tapec.runtime.device_array import Array, DeviceMemory

_HOST: Final = (1, 0)  # DLPack's number for memory of the host, which this is


class EmulatedMemory(DeviceMemory):
    """Memory of an emulated device.

    Args:
        nbytes: how much there is; None for as much as the host gives.
    """

    dlpack = _HOST

    def __init__(self, nbytes: int | None = None) -> None:
        self.nbytes = nbytes
        self.blocks: dict[int, GuardedMemory] = {}
        self._starts: list[int] = []  # of the blocks, in order
        self._lock = threading.RLock()  # this thread may hold it when garbage is collected

    @property
    def used(self) -> int:
        """Bytes that are taken."""
        return sum([block.data.nbytes for block in list(self.blocks.values())])

    def allocate(self, nbytes: int) -> int:
        """See `DeviceMemory.allocate`."""
        if self.nbytes is not None and self.used + nbytes > self.nbytes:
            raise DeviceMemoryError(
                f"the emulated device has too little memory: {nbytes:,} bytes asked for, {self.nbytes - self.used:,} "
                f"of {self.nbytes:,} free. Use smaller arrays, or let go of some"
            )
        made = GuardedMemory(nbytes)
        with self._lock:
            self.blocks[made.address] = made
            insort(self._starts, made.address)
        return made.address

    def free(self, address: int) -> None:
        """See `DeviceMemory.free`."""
        with self._lock:
            del self._starts[bisect_left(self._starts, address)]
            del self.blocks[address]

    def upload(self, address: int, array: Array) -> None:
        """See `DeviceMemory.upload`."""
        elements_at(address, array.dtype, array.size)[:] = array.reshape(-1)

    def download(self, address: int, dtype: np.dtype[Any], count: int) -> Array:
        """See `DeviceMemory.download`."""
        return elements_at(address, dtype, count).copy()

    def copy(self, to: int, source: int, nbytes: int) -> None:
        """See `DeviceMemory.copy`."""
        byte = np.dtype(np.uint8)
        elements_at(to, byte, nbytes)[:] = elements_at(source, byte, nbytes)

    def synchronize(self) -> None:
        """See `DeviceMemory.synchronize`: kernels are done when they have been asked for."""

    def check(self, kernel: str, addresses: Iterable[int]) -> None:
        """Raises `OutOfBoundsError` if a byte beside the memory in which these addresses lie was changed."""
        with self._lock:
            starts = {self._starts[bisect_right(self._starts, address) - 1] for address in addresses if address}
            blocks = [self.blocks[start] for start in starts]
        for block in blocks:
            block.check(kernel)
