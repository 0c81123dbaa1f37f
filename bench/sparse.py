"""Sparse matrices as users make them again and again, with one pattern, and how they are compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def csr(
    rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, Callable[[np.ndarray], Any]]:
    """The order of CSR for entries at these places, and what makes matrices of entries in that order."""
    from scipy.sparse import coo_array, csr_array

    order = coo_array((np.arange(rows.size, dtype=np.float64), (rows, columns)), shape=shape).tocsr()
    indices, indptr = order.indices, order.indptr
    return order.data.astype(np.int64), lambda entries: csr_array((entries, indices, indptr), shape=shape)


def products(matrix: Any) -> list[np.ndarray]:
    """What is compared, since peers store different zeros: products with two vectors from both sides."""
    rng = np.random.default_rng(1)
    rows, columns = matrix.shape
    return [matrix @ rng.normal(size=columns), matrix.T @ rng.normal(size=rows)]
