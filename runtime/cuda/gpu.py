"""A GPU as the place where launch plans are carried out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

import numpy as np

from tapec.passes.cuda.device_text import device_module
from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.plan import LaunchPlan
from tapec.passes.cuda.thread_text import may_fail
from tapec.runtime.cuda.backend import Backend, KernelLaunch
from tapec.runtime.cuda.driver_api import Driver, load_library
from tapec.runtime.cuda.graphs import Graphs
from tapec.runtime.cuda.pool import Pool
from tapec.runtime.cuda.program import Target
from tapec.runtime.cuda.ptx import ptx_of
from tapec.runtime.cuda.transfers import Transfers
from tapec.runtime.device_array import Array, DeviceMemory

# PTX is good for its architecture and all later ones.
_ARCHITECTURES: Final = ((10, 0), (9, 0), (8, 0), (7, 0))
_CUDA: Final = (2, 0)  # DLPack's number for memory of the first NVIDIA GPU


class GpuTarget(Target):
    """The first GPU of the machine.

    Raises:
        DeviceNotFoundError: there is none, or no driver.
    """

    def __init__(self) -> None:
        self.driver = Driver(load_library())
        super().__init__(GpuMemory(self.driver))

    def backend(self, plan: LaunchPlan) -> Backend:
        """The GPU, with the kernels of the plan compiled for it."""
        return GpuBackend(self.driver, self.memory, plan.kernels)


class GpuMemory(DeviceMemory):
    """Memory of a GPU.

    Args:
        driver: the GPU.
    """

    dlpack = _CUDA

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.pool = Pool(driver)
        self.transfers = Transfers(driver)

    def allocate(self, nbytes: int) -> int:
        """See `DeviceMemory.allocate`."""
        return self.pool.allocate(nbytes)

    def free(self, address: int) -> None:
        """See `DeviceMemory.free`."""
        self.pool.free(address)

    def upload(self, address: int, array: Array) -> None:
        """See `DeviceMemory.upload`."""
        self.transfers.upload(address, array)

    def download(self, address: int, dtype: np.dtype[Any], count: int) -> Array:
        """See `DeviceMemory.download`."""
        return self.transfers.download(address, dtype, count)

    def copy(self, to: int, source: int, nbytes: int) -> None:
        """See `DeviceMemory.copy`."""
        self.driver.enter()
        self.driver.copy(to, source, nbytes)

    def synchronize(self) -> None:
        """See `DeviceMemory.synchronize`."""
        self.transfers.wait()


class GpuBackend(Backend):
    """Kernels of a GPU, on its default stream.

    Args:
        driver: the GPU.
        memory: of the GPU.
        kernels: those that will be launched.
    """

    def __init__(self, driver: Driver, memory: DeviceMemory, kernels: Sequence[Kernel]) -> None:
        self.driver = driver
        self.memory = memory
        module = device_module(kernels)
        self.fails = may_fail(module)
        self.graphs = Graphs(driver)
        driver.enter()
        major, minor = next(a for a in _ARCHITECTURES if a <= driver.capability)
        find = driver.load(ptx_of(module, f"sm_{major}{minor}")) if kernels else None
        self.functions = {k.name: find(k.name) for k in kernels} if find is not None else {}

    def launch(self, kernel: Kernel, addresses: Sequence[int]) -> None:
        """Asks for a kernel."""
        self.driver.enter()
        self.driver.launch(self.functions[kernel.name], kernel.grid, kernel.block, addresses)

    def sequence(self, key: Hashable, launches: Callable[[], Sequence[KernelLaunch]]) -> None:
        """Asks for several kernels: by a graph, if just these were asked for before."""
        self.driver.enter()
        if not self.graphs.launch(key):
            asked = launches()
            self._ask(asked, None)
            if len(asked) > 1:
                self.graphs.seen(key, lambda stream: self._ask(asked, stream))

    def _ask(self, launches: Sequence[KernelLaunch], stream: Any) -> None:
        for kernel, addresses in launches:
            self.driver.launch(self.functions[kernel.name], kernel.grid, kernel.block, addresses, stream)
