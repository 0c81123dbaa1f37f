"""Kernels run on the host, so that they can be tested without a GPU: every phase's own text, compiled for this CPU.

Arrays lie between guard zones whose bytes are compared after every run.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tapec.errors import TapecError
from tapec.passes.cuda.host_text import host_bytes, host_module
from tapec.passes.cuda.kernel import Kernel
from tapec.passes.kernel_status import FINE
from tapec.passes.loops import Buffer
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

    def check(self, name: str) -> None:
        """Raises `OutOfBoundsError` if a byte of the zones was changed."""
        end = self._start + self.data.nbytes
        if (self._whole[: self._start] != _MARK).any() or (self._whole[end:] != _MARK).any():
            raise OutOfBoundsError(f"a kernel wrote outside {name}, which has {self.data.nbytes} bytes")


class EmulatedKernels:
    """Some kernels, compiled for the host."""

    def __init__(self, kernels: Sequence[Kernel]) -> None:
        self.library = jit.compile_module(host_module(kernels), opt=_QUICK)

    def run(self, kernel: Kernel, addresses: Mapping[Buffer, int], *, backwards: bool = False) -> int:
        """Runs one kernel; its status.

        Args:
            kernel: one of those that were compiled.
            addresses: of its arrays.
            backwards: whether blocks and threads run from the last to the first.
        """
        pointers = np.array([addresses[b] for b in kernel.buffers] or [0], np.uintp)
        status = np.full(1, FINE, np.int64)
        memory = GuardedMemory(host_bytes(kernel))
        entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
        function = entry(self.library.address(kernel.name))
        function(pointers.ctypes.data, status.ctypes.data, memory.address, int(backwards))
        memory.check(f"the shared memory of {kernel.name}")
        return int(status[0])
