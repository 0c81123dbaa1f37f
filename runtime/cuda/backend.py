"""What a launch plan asks of a device, so that the same code carries it out on a GPU or on the host."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence

from tapec.passes.cuda.kernel import Kernel
from tapec.runtime.device_array import DeviceMemory

# A kernel and the addresses of its arrays; that of the status is the last.
KernelLaunch = tuple[Kernel, Sequence[int]]


class Backend(ABC):
    """The kernels of a plan on a device: work in order on one stream.

    Attributes:
        memory: of the device.
        fails: whether some kernel may set the status, so that the host must look at it.
    """

    memory: DeviceMemory
    fails: bool

    @abstractmethod
    def launch(self, kernel: Kernel, addresses: Sequence[int]) -> None:
        """Runs a kernel on its arrays; the address of the status is the last."""

    @abstractmethod
    def sequence(self, key: Hashable, launches: Callable[[], Sequence[KernelLaunch]]) -> None:
        """Runs several kernels, one after the other.

        Args:
            key: equal for equal launches of this backend.
            launches: gives them.
        """
