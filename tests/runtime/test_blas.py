"""BLAS by address: the routine behind it works, SciPy stays importable, nothing is imported early."""

import ctypes
import subprocess
import sys

import numpy as np
import pytest

from tapec.runtime import blas


def test_ddot_by_address() -> None:
    x, y = np.arange(5.0), np.arange(5.0) + 1.0
    pointer = ctypes.c_void_p
    ddot = ctypes.CFUNCTYPE(ctypes.c_double, *[pointer] * 5)(blas.address("ddot"))
    n, one = ctypes.c_int(5), ctypes.c_int(1)
    assert (
        ddot(ctypes.addressof(n), x.ctypes.data, ctypes.addressof(one), y.ctypes.data, ctypes.addressof(one)) == x @ y
    )


@pytest.mark.parametrize("name", ["dgemm", "sgemm", "dgemv", "sgemv", "sdot", "daxpy", "dsyrk", "dtrsm"])
def test_routines_have_distinct_addresses(name: str) -> None:
    assert blas.address(name) not in (0, blas.address("dnrm2"))
    assert blas.address(name) == blas.address(name)


def test_lapack_by_address() -> None:
    """`dgetrf` of a 1 x 1 matrix that is zero says so."""
    dgetrf = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 6)(blas.address("dgetrf", "cython_lapack"))
    n, a, pivot, info = ctypes.c_int(1), ctypes.c_double(0.0), ctypes.c_int(), ctypes.c_int()
    p = ctypes.addressof
    dgetrf(p(n), p(n), p(a), p(n), p(pivot), p(info))
    assert (pivot.value, info.value) == (1, 1)
    with pytest.raises(LookupError, match="cython_lapack has no routine 'dgemm'"):
        blas.address("dgemm", "cython_lapack")


def test_unknown_routine() -> None:
    with pytest.raises(LookupError, match="dnonesuch"):
        blas.address("dnonesuch")


@pytest.mark.parametrize("before", ["", "import scipy.linalg\n"])
def test_lazy_light_and_harmless(before: str) -> None:
    code = (
        "import sys\nfrom tapec.runtime import blas\nassert 'scipy' not in sys.modules\n"
        f"{before}known = 'scipy.linalg' in sys.modules\nfirst = blas.address('dgemm')\n"
        "assert ('scipy.linalg' in sys.modules) == known\nassert 'numba' not in sys.modules\n"
        "import scipy.linalg.cython_blas\nassert 'dgemm' in scipy.linalg.cython_blas.__pyx_capi__\n"
        "import scipy.linalg\nassert scipy.linalg.inv([[2.0]])[0, 0] == 0.5\n"
        "blas._interface.cache_clear()\nblas.address.cache_clear()\nassert blas.address('dgemm') == first\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
