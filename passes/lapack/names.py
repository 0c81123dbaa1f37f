"""The linear algebra routines for those who call them: names, and what a call returns."""

from __future__ import annotations

from typing import Final

from tapec.ir.dtypes import DType, by_name

PREFIX: Final = "tapec_linalg_"
LAPACK_PREFIX: Final = "tapec_lapack_"

# Around calls of LAPACK: see `passes.lapack.alone`.
ALONE_BEGIN: Final = f"{LAPACK_PREFIX}alone_begin"
ALONE_END: Final = f"{LAPACK_PREFIX}alone_end"
GET_THREADS: Final = f"{LAPACK_PREFIX}get_threads"
SET_THREADS: Final = f"{LAPACK_PREFIX}set_threads"
ALONE_BELOW: Final = 512

DONE: Final = 0
FAILED: Final = 1  # a singular or indefinite matrix, or an iteration that did not converge, in any matrix of the batch

# What each routine calls, without the letter of the precision.
CALLS: Final[dict[str, tuple[str, ...]]] = {
    "lu": ("getrf",),
    "lu_solve": ("getrs",),
    "cholesky": ("potrf",),
    "triangular_solve": ("trsm",),
    "qr": ("geqrf", "orgqr"),
    "eigh": ("syevd",),
    "svd": ("gesdd",),
    "eig": ("geev",),
}
BLAS: Final = frozenset({"trsm"})  # the others are LAPACK's


def symbol(primitive: str, dtype: DType) -> str:
    """Name of the routine of a primitive, for a dtype."""
    return f"{PREFIX}{primitive}_{dtype.name}"


def routine_of(symbol: str) -> tuple[str, DType]:
    """The primitive and dtype of a routine's name."""
    primitive, _, dtype = symbol.removeprefix(PREFIX).rpartition("_")
    return primitive, by_name(dtype)


def lapack_symbol(stem: str) -> str:
    """The name by which the text calls a routine of LAPACK or BLAS."""
    return LAPACK_PREFIX + stem


def lapack_name(stem: str, dtype: DType) -> str:
    """LAPACK's own name of a routine."""
    return ("d" if dtype.bits == 64 else "s") + stem
