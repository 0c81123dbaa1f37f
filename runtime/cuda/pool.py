"""Memory of a GPU that is kept for the next one who asks: the driver's own calls wait until the GPU is idle.

All work of tapec is in order on one stream, so that memory may be used again as soon as the host lets it go.
"""

from __future__ import annotations

from typing import Final, final

from tapec.errors import DeviceMemoryError
from tapec.runtime.cuda.driver_api import Driver

# Sizes are rounded up to multiples of these, the second from as many bytes on, so that they come back.
_SMALL: Final = 512
_LARGE: Final = 1 << 20


@final
class Pool:
    """Memory of a GPU, by address. Lists are used in single steps only, since garbage is collected at any time.

    Args:
        driver: the GPU.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._sizes: dict[int, int] = {}
        self._kept: dict[int, list[int]] = {}

    def allocate(self, nbytes: int) -> int:
        """See `DeviceMemory.allocate`. What is kept is given up before there is too little memory."""
        unit = _SMALL if nbytes < _LARGE else _LARGE
        size = max(-(-nbytes // unit), 1) * unit
        try:
            return self._kept[size].pop()
        except (KeyError, IndexError):
            self._driver.enter()
        try:
            address = self._driver.allocate(size)
        except DeviceMemoryError:
            self.give_up()
            size = max(nbytes, 1)  # no more than what was asked for, in the message too
            address = self._driver.allocate(size)
        self._sizes[address] = size
        return address

    def free(self, address: int) -> None:
        """See `DeviceMemory.free`."""
        self._kept.setdefault(self._sizes[address], []).append(address)

    def give_up(self) -> None:
        """Gives the driver all memory that nobody uses."""
        for kept in list(self._kept.values()):
            while kept:
                address = kept.pop()
                del self._sizes[address]
                self._driver.free(address)
