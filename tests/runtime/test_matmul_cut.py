"""Large products in panels: against NumPy, the same bits however they run, and BLAS's own threads as they were."""

import ctypes
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import tapec as tp
from tapec.ir import dtypes
from tapec.passes.matmul_cut_text import matmul_cut_text
from tapec.passes.matmul_names import ALONE_BEGIN, ALONE_END, CUT_PREFIX, is_cut
from tapec.runtime import blas, matmul

needs_openblas = pytest.mark.skipif(blas.own_threads() is None, reason="SciPy's BLAS is no OpenBLAS")

# Batch, then m, k, n: cut by columns and by rows, with last panels of other lengths, one column, and batches.
SIZES = [
    ((), 128, 784, 256), ((), 784, 128, 256), ((), 130, 700, 129), ((), 2, 5000, 900), ((), 33, 1000, 1001),
    ((), 2048, 64, 129), ((3,), 200, 200, 200), ((2, 2), 300, 100, 300),
]  # fmt: skip


def product(a, b, by_columns_a, by_columns_b):
    """`a @ b` where an operand may come transposed, as BLAS then reads it."""
    return (np.swapaxes(a, -1, -2) if by_columns_a else a) @ (np.swapaxes(b, -1, -2) if by_columns_b else b)


def operands(size, dtype, by_columns_a, by_columns_b):
    batch, m, k, n = size
    rng = np.random.default_rng(m)
    a = rng.normal(size=(*batch, k, m) if by_columns_a else (*batch, m, k)).astype(dtype)
    b = rng.normal(size=(*batch, n, k) if by_columns_b else (*batch, k, n)).astype(dtype)
    return a, b, by_columns_a, by_columns_b


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_panels_against_numpy(size, dtype):
    for by_columns_a in (False, True):
        for by_columns_b in (False, True):
            args = operands(size, dtype, by_columns_a, by_columns_b)
            f = tp.function(product)
            with tp.eager():
                eager = f(*args)
            assert CUT_PREFIX in f.inspect(*args).llvm_ir
            for _ in range(3):
                assert f(*args).tobytes() == eager.tobytes()
            exact = product(args[0].astype(np.float64), args[1].astype(np.float64), *args[2:])
            bound = 40 * np.finfo(dtype).eps * np.sqrt(size[2])
            assert np.abs(eager - exact).max() < bound


def test_which_products_are_cut():
    dense = (0, 1000, 1, 0, 1000, 1)
    assert is_cut(dtypes.F32, (1, 200, 300, 400), dense)
    assert is_cut(dtypes.F64, (100, 50, 50, 50), dense)
    assert not is_cut(dtypes.F64, (1, 100, 100, 100), dense)
    assert not is_cut(dtypes.F64, (1, 10_000, 1, 10_000), dense)
    assert not is_cut(dtypes.I64, (1, 1000, 1000, 1000), dense)
    assert not is_cut(dtypes.F64, (1, 1000, 1000, 1000), (0, 2**31, 1, 0, 1000, 1))


SCRIPT = """
import sys
import numpy as np
sys.path.insert(0, {folder!r})
from test_matmul_cut import SIZES, operands, product
import tapec as tp
from tapec.runtime import threads
threads._ALWAYS = True
f = tp.function(product)
for size in SIZES:
    args = operands(size, np.float32, False, True)
    f(*args)
    print(f(*args).tobytes().hex())
"""


@needs_openblas
def test_bits_do_not_depend_on_threads():
    code = SCRIPT.format(folder=str(Path(__file__).parent))
    printed = set()
    for count in ("1", "2", "3"):
        environment = os.environ | {"NUMBA_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        printed.add(done.stdout)
    assert len(printed) == 1


@pytest.fixture
def blas_threads():
    """Functions to ask for and to set BLAS's number of threads, which is put back afterwards."""
    get, set_ = blas.own_threads()
    ask, tell = ctypes.CFUNCTYPE(ctypes.c_int)(get), ctypes.CFUNCTYPE(None, ctypes.c_int)(set_)
    before = ask()
    yield ask, tell
    tell(before)


@needs_openblas
def test_products_leave_the_number_of_blas_threads_as_it_was(blas_threads):
    ask, tell = blas_threads
    tell(2)
    a = np.random.default_rng(0).normal(size=(300, 300))
    f = tp.function(lambda x: x @ (x @ x))

    def work():
        for _ in range(50):
            f(a)

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert ask() == 2


@needs_openblas
def test_blas_has_one_thread_while_anybody_works(blas_threads):
    ask, tell = blas_threads
    begin, end = (ctypes.CFUNCTYPE(None)(matmul._alone()[name]) for name in (ALONE_BEGIN, ALONE_END))
    tell(2)
    begin()
    assert ask() == 1
    begin()
    end()
    assert ask() == 1
    end()
    assert ask() == 2
    tell(1)  # the user's own wish
    begin()
    end()
    assert ask() == 1


def test_where_blas_can_not_be_told_pieces_run_one_after_the_other():
    text = matmul_cut_text(dtypes.F64, alone=False)
    assert "parallel" not in text
    assert "alone" not in text


def test_small_products_are_not_cut():
    x = np.ones((20, 20))
    assert CUT_PREFIX not in tp.function(lambda x: x @ x).inspect(x).llvm_ir
