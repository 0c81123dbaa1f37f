"""Entries around kernels written in Python, for the tests of entries."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tapec.ir import dtypes
from tapec.runtime.entry_spec import (
    ArrayLeaf,
    ArrayOut,
    EntrySpec,
    ObjectOut,
)

Maker = Callable[..., Callable[..., Any]]
KERNEL = ctypes.CFUNCTYPE(
    ctypes.c_int64, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_int64)
)
F64, F32, I64 = dtypes.F64, dtypes.F32, dtypes.I64
MATRIX, VECTOR, SCALAR = ArrayLeaf(F64, (2, 3)), ArrayLeaf(F32, (4,)), ArrayLeaf(F64, ())


class Call:
    """An entry around a kernel in Python, and what became of its calls."""

    def __init__(self, make: Maker, spec: EntrySpec, sizes: tuple[int, ...] = (), status: int = 0) -> None:
        self.seen: list[bytes] = []
        self.slow: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self.missed: list[tuple[Any, ...]] = []

        def kernel(args: Any, outs: Any, guards: Any) -> int:
            self.seen = [ctypes.string_at(args[i], size) for i, size in enumerate(sizes)]
            for out in spec.outs:
                count = int(np.prod(out.shape)) if isinstance(out, ArrayOut) else 1
                values = (np.arange(count) + 10 * out.index).astype(out.dtype.numpy)
                ctypes.memmove(outs[out.index], values.ctypes.data, values.nbytes)
            for i in range(spec.guards):
                guards[i] = i * i - 5
            return status

        def slow(*args: Any, **kwargs: Any) -> str:
            self.slow.append((args, kwargs))
            return "slow"

        def miss(*args: Any) -> str:
            self.missed.append(args)
            return "miss"

        self.kernel = KERNEL(kernel)
        address = ctypes.cast(self.kernel, ctypes.c_void_p).value
        self.entry = make(spec, address, slow, miss)


@dataclass
class Pair:
    first: Any
    second: Any


DONE = ObjectOut("done")


def matrix() -> Any:
    return np.arange(6.0).reshape(2, 3)
