"""The matrix product routines for those who call them: names, and what a call returns."""

from __future__ import annotations

from typing import Final

from tapec.ir.dtypes import DType

PREFIX: Final = "tapec_matmul_"
CUT_PREFIX: Final = "tapec_cut_matmul_"
BLAS_PREFIX: Final = "tapec_blas_"

# Around calls of BLAS: see `passes.blas_alone_text`.
ALONE_BEGIN: Final = "tapec_blas_alone_begin"
ALONE_END: Final = "tapec_blas_alone_end"
GET_THREADS: Final = "tapec_blas_get_threads"
SET_THREADS: Final = "tapec_blas_set_threads"

_CUT: Final = 2**23  # multiplications of a product that is worth several threads
BLAS_LIMIT: Final = 2**31

DONE: Final = 0
TOO_LARGE: Final = 2
BAD_STRIDES: Final = 3


def symbol(dtype: DType) -> str:
    """Name of the routine of a dtype."""
    return PREFIX + dtype.name


def cut_symbol(dtype: DType) -> str:
    """Name of the routine for products that are cut."""
    return CUT_PREFIX + dtype.name


def panel_symbol(dtype: DType) -> str:
    """Name of the routine that such a one calls for each piece."""
    return f"{PREFIX}{dtype.name}_panel"


def is_cut(dtype: DType, extents: tuple[int, int, int, int], strides: tuple[int, ...]) -> bool:
    """Whether a product of these extents (batch, m, n, k) goes to the routine that cuts."""
    batch, m, n, k = extents
    return dtype.is_float and min(m, n) > 1 and batch * m * n * k >= _CUT and max(*extents, *strides) < BLAS_LIMIT


def blas_symbol(routine: str) -> str:
    """The name by which the text calls a BLAS routine, whose own name could be that of another BLAS in the process."""
    return BLAS_PREFIX + routine


def blas_names(dtype: DType) -> tuple[str, ...]:
    """The BLAS routines that the routine of a dtype calls: those for matrices and for vectors; none for integers."""
    if not dtype.is_float:
        return ()
    prefix = "d" if dtype.bits == 64 else "s"
    return (f"{prefix}gemm", f"{prefix}gemv")
