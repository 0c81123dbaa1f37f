"""The program of `test_product_bounds.py`: products of matrices that end, or begin, at a page that may not be touched,
so that one element read or written outside ends this process. The argument is the width of vectors in bits. Prints how
many there were.
"""

import ctypes
import mmap
import sys
from itertools import product

import numpy as np

from tapec.ir import dtypes
from tapec.passes.product_plan import layout, matrix_axes
from tapec.runtime import matmul

PAGE = mmap.PAGESIZE
LIBC = ctypes.CDLL(None, use_errno=True)
POINTER = ctypes.c_void_p
ROUTINE = ctypes.CFUNCTYPE(ctypes.c_int64, *[POINTER] * 5)
# One row, one column; less than half a panel, half, more, and one more than a whole; several blocks; one row too many.
SIZES = [
    (1, 700, 35), (33, 700, 1), (7, 40, 3), (13, 70, 4), (12, 50, 10), (19, 300, 17), (6, 260, 33), (50, 1, 20),
    (1, 30, 2000), (2000, 30, 1), (5, 3, 100), (25, 64, 9),
]  # fmt: skip


class Fenced:
    """Memory for an array between two pages that may not be touched."""

    def __init__(self, array: np.ndarray, at_end: bool) -> None:
        room = -(-array.nbytes // PAGE) * PAGE
        self.pages = mmap.mmap(-1, room + 2 * PAGE)
        base = ctypes.addressof(ctypes.c_char.from_buffer(self.pages))
        for fence in (base, base + PAGE + room):
            assert LIBC.mprotect(POINTER(fence), ctypes.c_size_t(PAGE), 0) == 0
        self.address = base + PAGE + (room - array.nbytes if at_end else 0)
        self.array = array
        ctypes.memmove(self.address, array.ctypes.data, array.nbytes)

    def read(self) -> np.ndarray:
        """What lies there now."""
        out = np.empty_like(self.array)
        ctypes.memmove(out.ctypes.data, self.address, out.nbytes)
        return out


def main(vector_bits: int) -> None:
    matmul.vector_bits = lambda: vector_bits
    rng = np.random.default_rng(0)
    runs = 0
    for (m, k, n), dtype, by_columns, at_end in product(
        SIZES, (np.float64, np.float32), product((False, True), repeat=2), (False, True)
    ):
        a, b = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
        lying = [x.T.copy() if turned else x for x, turned in zip((a, b), by_columns, strict=True)]
        strides = [
            (0, 1, x.shape[0]) if turned else (0, x.shape[1], 1) for x, turned in zip((a, b), by_columns, strict=True)
        ]
        left, right = (Fenced(x, at_end) for x in lying)
        out = Fenced(np.full((m, n), np.nan, dtype), at_end)
        words = layout(matrix_axes((1, m, n, k), *strides))
        address, words = matmul.large_product(dtypes.of(np.dtype(dtype)), words)
        history = np.zeros(4, np.int64)
        assert ROUTINE(address)(history.ctypes.data, words.ctypes.data, left.address, right.address, out.address) == 0
        assert np.allclose(out.read(), a @ b, atol=1e-3)
        runs += 1
    print(runs)


if __name__ == "__main__":
    main(int(sys.argv[1]))
