"""Memory of a GPU that is kept for the next one who asks: the driver's own calls wait until the GPU is idle.

All work of tapec is in order on one stream, so that memory may be used again as soon as the host lets it go.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from typing import Final, final

from tapec.errors import DeviceMemoryError
from tapec.runtime.cuda.driver_api import Driver

# Sizes are rounded up to multiples of these, the second from as many bytes on, so that they come back.
_SMALL: Final = 512
_LARGE: Final = 1 << 20


@final
class Pool:
    """Memory of a GPU, by address.

    Of what is kept the lowest address is used first, so that a loop that does the same again and again gets the same
    addresses in whatever order it lets go of them (`runtime.cuda.graphs` looks for that).

    Args:
        driver: the GPU.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._lock = threading.Lock()
        self._sizes: dict[int, int] = {}
        self._kept: dict[int, list[int]] = {}  # heaps
        self._returned: deque[int] = deque()

    def allocate(self, nbytes: int) -> int:
        """See `DeviceMemory.allocate`. What is kept is given up before there is too little memory."""
        unit = _SMALL if nbytes < _LARGE else _LARGE
        size = max(-(-nbytes // unit), 1) * unit
        with self._lock:
            self._sort()
            kept = self._kept.get(size)
            if kept:
                return heapq.heappop(kept)
            self._driver.enter()
            try:
                address = self._driver.allocate(size)
            except DeviceMemoryError:
                self._give_up()
                size = max(nbytes, 1)  # no more than what was asked for, in the message too
                address = self._driver.allocate(size)
            self._sizes[address] = size
            return address

    def free(self, address: int) -> None:
        """See `DeviceMemory.free`. It waits for nobody: garbage may be collected while this thread holds the lock."""
        self._returned.append(address)

    def _sort(self) -> None:
        while self._returned:
            address = self._returned.popleft()
            heapq.heappush(self._kept.setdefault(self._sizes[address], []), address)

    def _give_up(self) -> None:
        """Gives the driver all memory that nobody uses."""
        for kept in self._kept.values():
            while kept:
                address = kept.pop()
                del self._sizes[address]
                self._driver.free(address)
