"""Copies between the host and a GPU, without waiting where the driver need not.

`cuMemcpyHtoD` waits for the stream before it reads memory that may be paged out. Small arrays, such as the numbers of
a formula or a learning rate, are therefore copied on the host and sent behind what was asked for before. The copies
stay until the GPU is known to have read them: drivers differ in when they do.
"""

from __future__ import annotations

import threading
from typing import Any, Final, final

import numpy as np

from tapec.runtime.cuda.driver_api import Driver
from tapec.runtime.device_array import Array

_SMALL: Final = 1 << 16  # bytes
_MOST: Final = 256  # copies that are kept


@final
class Transfers:
    """Copies to and from one GPU.

    Args:
        driver: the GPU.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._sent: list[Array] = []
        # What is sent while another thread waits is not done when that has waited. Garbage may be collected meanwhile.
        self._lock = threading.RLock()

    def upload(self, address: int, array: Array) -> None:
        """See `DeviceMemory.upload`."""
        if not array.nbytes:
            return
        with self._lock:
            self._driver.enter()
            if array.nbytes > _SMALL:
                self._driver.upload(address, array.ctypes.data, array.nbytes)
                return
            kept = array.copy()
            self._sent.append(kept)
            self._driver.send(address, kept.ctypes.data, kept.nbytes)
            if len(self._sent) >= _MOST:
                self.wait()

    def download(self, address: int, dtype: np.dtype[Any], count: int) -> Array:
        """See `DeviceMemory.download`."""
        array = np.empty(count, dtype)
        if array.nbytes:
            with self._lock:
                self._driver.enter()
                self._driver.download(array.ctypes.data, address, array.nbytes)
                self._sent.clear()  # which came before, on the same stream
        return array

    def wait(self) -> None:
        """Waits until all that was asked for is done."""
        with self._lock:
            self._driver.enter()
            self._driver.synchronize()
            self._sent.clear()
