"""Arrays that lie on a device. They hold what a tensor needs to know of an array, and bring their values on demand."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from math import prod
from typing import Any, final

import numpy as np

Array = np.ndarray[Any, Any]


class DeviceMemory(ABC):
    """The memory of a device, by address. What is asked for happens in order, behind the kernels before it.

    Attributes:
        dlpack: the device's type and number in DLPack's terms.
    """

    dlpack: tuple[int, int]

    @abstractmethod
    def allocate(self, nbytes: int) -> int:
        """Memory of the device, at a multiple of 64.

        Raises:
            DeviceMemoryError: there is not so much.
        """

    @abstractmethod
    def free(self, address: int) -> None:
        """Gives memory back; what was asked for before may still use it."""

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
    def synchronize(self) -> None:
        """Waits until all that was asked for is done."""

    @final
    def put(self, array: Any) -> DeviceArray:
        """A copy of an array of the host."""
        dense: Array = np.asarray(array, order="C")
        made = self.empty(dense.dtype, dense.shape)
        self.upload(made.address, dense)
        return made

    @final
    def empty(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> DeviceArray:
        """A new array, whose elements are anybody's guess."""
        block = Block(self.allocate(prod(shape) * dtype.itemsize), self.free)
        return DeviceArray(self, block, block.address, dtype, shape)


@final
class Block:
    """Memory of a device, given back when nobody has it any more.

    Args:
        address: of its first byte.
        release: called with the address in the end.

    Attributes:
        wait: called before that, if others may be using the memory.
    """

    __slots__ = ("address", "release", "wait")

    def __init__(self, address: int, release: Callable[[int], None]) -> None:
        self.address = address
        self.release = release
        self.wait: Callable[[], None] | None = None

    def __del__(self, ending: Callable[[], bool] = sys.is_finalizing) -> None:
        if ending():  # the device takes everything back, and modules have lost their names
            return
        if self.wait is not None:
            self.wait()
        self.release(self.address)


@final
class DeviceArray:
    """An array on a device: dense, row-major, and not written to while more than its maker holds it.

    Args:
        memory: of the device.
        block: what keeps its memory.
        address: of the first element.
        dtype: of the elements.
        shape: extents, outermost first.
    """

    __slots__ = ("__weakref__", "address", "block", "dtype", "memory", "shape")

    def __init__(
        self, memory: DeviceMemory, block: Block, address: int, dtype: np.dtype[Any], shape: tuple[int, ...]
    ) -> None:
        self.memory = memory
        self.block = block
        self.address = address
        self.dtype = dtype
        self.shape = shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.dtype.itemsize

    def reshaped(self, shape: tuple[int, ...]) -> DeviceArray:
        """The same memory in another shape."""
        return DeviceArray(self.memory, self.block, self.address, self.dtype, shape)

    def part(self, offset: int, shape: tuple[int, ...]) -> DeviceArray:
        """What begins at an element of it, for programs that are told how it lies: it need not be dense."""
        return DeviceArray(self.memory, self.block, self.address + offset * self.itemsize, self.dtype, shape)

    def copied(self) -> DeviceArray:
        """The same elements in memory of their own."""
        made = self.memory.empty(self.dtype, self.shape)
        self.memory.copy(made.address, self.address, self.nbytes)
        return made

    # Values: each of these waits for the device and copies ------------------------------------------------------------

    def host(self) -> Array:
        """The values as a NumPy array of their own."""
        return self.memory.download(self.address, self.dtype, self.size).reshape(self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("an array on a device can't be had on the host without a copy")
        found = self.host()
        return found if dtype is None else found.astype(dtype, copy=False)

    def __getitem__(self, key: Any) -> Any:
        return self.host()[key]

    def __bool__(self) -> bool:
        return bool(self.host())

    def __int__(self) -> int:
        return int(self.host())

    def item(self) -> Any:
        """The one element as a Python number."""
        return self.host().item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self.host().tolist()

    def __repr__(self) -> str:
        return repr(self.host())


def on_device(array: Any) -> bool:
    """Whether an array lies on a device, and is none of NumPy's."""
    return type(array) is DeviceArray


def on_host(array: Any) -> Array:
    """The values of an array of the host, which is that array itself, or of a device, which are copied."""
    found: Array = array.host() if type(array) is DeviceArray else array
    return found
