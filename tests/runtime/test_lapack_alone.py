"""LAPACK leaves its number of threads as it found it, and runs on one of them for matrices that are not large."""

import ctypes
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from tapec.errors import LinearAlgebraError
from tapec.ops import linalg
from tapec.passes.lapack.alone import own_threads_text, unknown_threads_text
from tapec.passes.lapack.names import ALONE_BEGIN, ALONE_BELOW, ALONE_END, GET_THREADS, SET_THREADS
from tapec.passes.lapack.small import SMALL
from tapec.runtime import blas, jit
from tapec.runtime import linalg as runtime_linalg
from tapec.runtime.linalg import execute_linalg

FUNCTIONS = blas.own_threads()
needs_openblas = pytest.mark.skipif(FUNCTIONS is None, reason="SciPy's BLAS is not OpenBLAS")


@pytest.fixture
def threads():
    get, set_ = ctypes.CFUNCTYPE(ctypes.c_int)(FUNCTIONS[0]), ctypes.CFUNCTYPE(None, ctypes.c_int)(FUNCTIONS[1])
    before = get()
    set_(2)
    yield get
    set_(before)


@needs_openblas
def test_the_number_of_threads_is_one_between_begin_and_end(threads):
    symbols = dict(zip((GET_THREADS, SET_THREADS), FUNCTIONS, strict=True))
    library = jit.compile_module(own_threads_text(), symbols=symbols)
    begin, end = (ctypes.CFUNCTYPE(None)(library.address(name)) for name in (ALONE_BEGIN, ALONE_END))
    begin()
    assert threads() == 1
    begin()  # another caller, meanwhile
    end()
    assert threads() == 1
    end()
    assert threads() == 2


@needs_openblas
@pytest.mark.parametrize("n", [3, 40, ALONE_BELOW])
def test_what_was_found_is_put_back(threads, n):
    a = np.eye(n)
    for primitive in (linalg.lu, linalg.cholesky, linalg.qr, linalg.eigh):
        execute_linalg(primitive, a)
        assert threads() == 2
    with pytest.raises(LinearAlgebraError):
        execute_linalg(linalg.cholesky, -a)
    assert threads() == 2


@pytest.mark.parametrize(("n", "alone"), [(SMALL, 0), (SMALL + 1, 1), (ALONE_BELOW - 1, 1), (ALONE_BELOW, 0)])
def test_which_sizes_run_alone(monkeypatch, n, alone):
    """Smaller ones do not call LAPACK, larger ones get its threads."""
    called = []
    callbacks = {
        name: ctypes.CFUNCTYPE(None)(lambda name=name: called.append(name)) for name in (ALONE_BEGIN, ALONE_END)
    }
    addresses = {name: ctypes.cast(callback, ctypes.c_void_p).value for name, callback in callbacks.items()}
    monkeypatch.setattr(runtime_linalg, "_threads_of_lapack", lambda: SimpleNamespace(address=addresses.__getitem__))
    monkeypatch.setattr(runtime_linalg, "_LIBRARIES", {})
    monkeypatch.setattr(runtime_linalg, "_CALLS", {})
    execute_linalg(linalg.cholesky, np.eye(n))
    assert called == [ALONE_BEGIN, ALONE_END] * alone


@needs_openblas
def test_threads_that_factor_at_once_leave_it_so_too(threads):
    a = np.random.default_rng(0).normal(size=(48, 48))
    expected = execute_linalg(linalg.qr, a)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: [execute_linalg(linalg.qr, a) for _ in range(20)][-1], range(4)):
            np.testing.assert_array_equal(found[0], expected[0])
    assert threads() == 2


def test_another_library_is_left_to_itself():
    library = jit.compile_module(unknown_threads_text())
    for name in (ALONE_BEGIN, ALONE_END):
        ctypes.CFUNCTYPE(None)(library.address(name))()
