"""What the matrix product routines are called, and which products go where."""

from __future__ import annotations

from typing import Final

from tapec.ir.dtypes import DType

PREFIX: Final = "tapec_matmul_"

# Multiplications up to which the short routine is faster than the one that prepares panels; fewer where one side is a
# vector (docs/design/0021-products.md).
SMALL_PRODUCT: Final = 32_768
SMALL_VECTOR_PRODUCT: Final = 128
# Rows and columns, at most, of a product that is written as sums.
FEW: Final = 4


def symbol(dtype: DType) -> str:
    """Name of the routine for small products of a dtype."""
    return PREFIX + dtype.name


def is_dot(dtype: DType, m: int, n: int, k: int) -> bool:
    """Whether a product is that of a few long vectors on each side: its elements are sums of elementwise products."""
    return dtype.is_float and 0 < m <= FEW and 0 < n <= FEW and k > SMALL_VECTOR_PRODUCT


def is_small(dtype: DType, m: int, n: int, k: int) -> bool:
    """Whether a `(m, k)` times `(k, n)` runs through the short routine; integers always do."""
    return not dtype.is_float or m * n * k <= (SMALL_VECTOR_PRODUCT if m == 1 or n == 1 else SMALL_PRODUCT)
