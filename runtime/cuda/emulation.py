"""Kernels run on the host, so that they can be tested without a GPU: every phase's own text, compiled for this CPU.

Arrays lie between guard zones whose bytes are compared after every run.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapec.errors import TapecError
from tapec.passes.cuda.host_text import host_bytes, host_module
from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.thread_text import may_fail
from tapec.runtime import jit

Array = np.ndarray[Any, Any]
_QUICK = jit.Options((), 0)  # the code runs once or twice
_ZONE = 4096  # bytes before and behind an array
_MARK = 0xA5


class OutOfBoundsError(TapecError):
    """A kernel wrote outside its arrays: a defect of tapec."""


class GuardedMemory:
    """Bytes between two zones that nobody may write.

    Attributes:
        data: the bytes.
        address: of the first.
    """

    def __init__(self, nbytes: int) -> None:
        self._whole = np.full(nbytes + 2 * _ZONE + 64, _MARK, np.uint8)
        self._start = _ZONE + -(self._whole.ctypes.data + _ZONE) % 64
        self.data: Array = self._whole[self._start : self._start + nbytes]
        self.address = int(self._whole.ctypes.data) + self._start

    def check(self, kernel: str) -> None:
        """Raises `OutOfBoundsError` if a byte of the zones was changed."""
        end = self._start + self.data.nbytes
        if (self._whole[: self._start] != _MARK).any() or (self._whole[end:] != _MARK).any():
            raise OutOfBoundsError(f"{kernel} wrote outside an array of {self.data.nbytes} bytes")


class EmulatedKernels:
    """Some kernels, compiled for the host.

    Attributes:
        fail: whether one of them may set the status.
    """

    def __init__(self, kernels: Sequence[Kernel]) -> None:
        text = host_module(kernels)
        self.fail = may_fail(text)
        self.library = jit.compile_module(text, opt=_QUICK)

    def run(self, kernel: Kernel, addresses: Sequence[int], *, backwards: bool = False) -> None:
        """Runs one kernel.

        Args:
            kernel: one of those that were compiled.
            addresses: of its arrays, and of the status.
            backwards: whether blocks and threads run from the last to the first.
        """
        *arrays, status = addresses
        pointers = np.array(arrays or [0], np.uintp)
        memory = GuardedMemory(host_bytes(kernel))
        entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
        entry(self.library.address(kernel.name))(pointers.ctypes.data, status, memory.address, int(backwards))
        memory.check(f"{kernel.name} in its shared memory")


def elements_at(address: int, dtype: np.dtype[Any], count: int) -> Array:
    """The memory at an address as an array."""
    if not count:
        return np.empty(0, dtype)
    there = memoryview((ctypes.c_uint8 * (count * dtype.itemsize)).from_address(address))
    found: Array = np.ndarray((count,), dtype, there)
    return found
