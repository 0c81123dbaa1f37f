"""The matrix product routines for those who call them: names, and what a call returns."""

from __future__ import annotations

from typing import Final

from tapec.ir.dtypes import DType

PREFIX: Final = "tapec_matmul_"
BLAS_PREFIX: Final = "tapec_blas_"

DONE: Final = 0
TOO_LARGE: Final = 2
BAD_STRIDES: Final = 3


def symbol(dtype: DType) -> str:
    """Name of the routine of a dtype."""
    return PREFIX + dtype.name


def blas_symbol(routine: str) -> str:
    """The name by which the text calls a BLAS routine, whose own name could be that of another BLAS in the process."""
    return BLAS_PREFIX + routine


def blas_names(dtype: DType) -> tuple[str, ...]:
    """The BLAS routines that the routine of a dtype calls: those for matrices and for vectors; none for integers."""
    if not dtype.is_float:
        return ()
    prefix = "d" if dtype.bits == 64 else "s"
    return (f"{prefix}gemm", f"{prefix}gemv")
