"""A GPU as the place where launch plans are carried out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapec.errors import UnsupportedOnDeviceError
from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.plan import Call, LaunchPlan
from tapec.passes.steps import Operand
from tapec.runtime.cuda.backend import Array, Backend
from tapec.runtime.cuda.driver_api import Driver, load_library
from tapec.runtime.cuda.program import Target
from tapec.runtime.cuda.ptx import ptx

# PTX is good for its architecture and all later ones.
_ARCHITECTURES = ((10, 0), (9, 0), (8, 0), (7, 0))


class GpuTarget(Target):
    """The first GPU of the machine.

    Raises:
        DeviceNotFoundError: there is none, or no driver.
    """

    def __init__(self) -> None:
        self.driver = Driver(load_library())

    def backend(self, plan: LaunchPlan) -> Backend:
        """The GPU, with the kernels of the plan compiled for it."""
        return GpuBackend(self.driver, plan.kernels)


class GpuBackend(Backend):
    """Memory and kernels of a GPU, on its default stream.

    Args:
        driver: the GPU.
        kernels: those that will be launched.
    """

    def __init__(self, driver: Driver, kernels: Sequence[Kernel]) -> None:
        self.driver = driver
        driver.enter()
        major, minor = next(a for a in _ARCHITECTURES if a <= driver.capability)
        find = driver.load(ptx(kernels, f"sm_{major}{minor}")) if kernels else None
        self.functions = {k.name: find(k.name) for k in kernels} if find is not None else {}

    def allocate(self, nbytes: int) -> int:
        """Memory of the GPU; a driver gives no empty one."""
        self.driver.enter()
        return self.driver.allocate(max(nbytes, 1))

    def free(self, address: int) -> None:
        """Gives memory back."""
        self.driver.free(address)

    def upload(self, address: int, array: Array) -> None:
        """Copies a dense array to the GPU."""
        if array.nbytes:
            self.driver.upload(address, array.ctypes.data, array.nbytes)

    def download(self, address: int, dtype: np.dtype[Any], count: int) -> Array:
        """Copies elements to the host."""
        array = np.empty(count, dtype)
        if array.nbytes:
            self.driver.download(array.ctypes.data, address, array.nbytes)
        return array

    def copy(self, to: int, source: int, nbytes: int) -> None:
        """Copies inside the GPU."""
        self.driver.copy(to, source, nbytes)

    def launch(self, kernel: Kernel, addresses: Sequence[int]) -> None:
        """Asks for a kernel."""
        self.driver.launch(self.functions[kernel.name], kernel.grid, kernel.block, addresses)

    def call(self, call: Call, address: Callable[[Operand], int]) -> None:
        """Libraries are not bound yet."""
        raise UnsupportedOnDeviceError(
            f"`{call.step.primitive.name}` of this size is {call.library}'s work, which tapec does not call yet; leave "
            "`device` out"
        )
