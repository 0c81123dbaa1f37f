"""Matrices on both sides of the size from which LAPACK takes over, against NumPy and SciPy."""

import numpy as np
import pytest
import scipy.linalg

from tapec.errors import LinearAlgebraError
from tapec.ops import linalg
from tapec.passes.lapack.small import SMALL
from tapec.runtime.linalg import execute_linalg, execute_linalg_with

SIZES = (0, 1, 2, 3, 7, SMALL, SMALL + 1)
TOLERANCE = {np.float64: 1e-11, np.float32: 2e-4}


def matrix(n, dtype, seed=0):
    """Rows that pivoting must swap: the largest elements stand off the diagonal."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(2, n, n)) + 3.0 * np.roll(np.eye(n), 1, axis=0)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", SIZES)
def test_solving_with_factors(n, dtype):
    a = matrix(n, dtype)
    packed, pivots = execute_linalg(linalg.lu, a)
    for i in range(2):
        if n:
            factors, rows = scipy.linalg.lu_factor(a[i])
            np.testing.assert_allclose(packed[i].T, factors, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
            np.testing.assert_array_equal(pivots[i], rows + 1)
    for k in (0, 1, 3):
        b = np.random.default_rng(k).normal(size=(2, n, k)).astype(dtype)
        for transposed in (False, True):
            x = execute_linalg_with(linalg.lu_solve, (a, packed, pivots, b), {"transposed": transposed})
            op = np.swapaxes(a, 1, 2) if transposed else a
            np.testing.assert_allclose(x, np.linalg.solve(op, b), rtol=1e-8, atol=100 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", SIZES)
def test_triangles_and_cholesky(n, dtype):
    a = matrix(n, dtype)
    b = np.random.default_rng(1).normal(size=(2, n, 3)).astype(dtype)
    well = a / (n + 1) + 2 * np.eye(n, dtype=dtype)
    for lower in (False, True):
        for transposed in (False, True):
            for unit in (False, True):
                attributes = {"lower": lower, "transposed": transposed, "unit": unit}
                for layout in (well, np.swapaxes(np.ascontiguousarray(np.swapaxes(well, 1, 2)), 1, 2)):
                    x = execute_linalg_with(linalg.triangular_solve, (layout, b), attributes)
                    expected = [
                        scipy.linalg.solve_triangular(m, y, trans=int(transposed), lower=lower, unit_diagonal=unit)
                        if n
                        else y
                        for m, y in zip(well, b, strict=True)
                    ]
                    np.testing.assert_allclose(x, expected, rtol=1e-8, atol=10 * TOLERANCE[dtype])
    symmetric = (a @ np.swapaxes(a, 1, 2) + np.eye(n)).astype(dtype)
    factor = execute_linalg(linalg.cholesky, symmetric)
    np.testing.assert_allclose(factor, np.linalg.cholesky(symmetric), rtol=1e-8, atol=10 * TOLERANCE[dtype])


@pytest.mark.parametrize("n", [1, 3, SMALL, SMALL + 1])
@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_indefinite_matrices_fail(n, bad):
    a = np.eye(n)
    a[-1, -1] = bad
    with pytest.raises(LinearAlgebraError):
        execute_linalg(linalg.cholesky, a)
    a[-1, -1] = np.nan  # NumPy gives NaNs here
    assert np.isnan(execute_linalg(linalg.cholesky, a)[-1, -1])


@pytest.mark.parametrize("n", [1, 3, SMALL, SMALL + 1])
def test_singular_matrices_have_factors_and_no_solution(n):
    a = np.eye(n)
    a[-1] = a[0] if n > 1 else 0.0
    packed, pivots = execute_linalg(linalg.lu, a)
    np.testing.assert_allclose(np.prod(np.diagonal(packed)), 0.0)
    with pytest.raises(LinearAlgebraError, match="Singular"):
        execute_linalg_with(linalg.lu_solve, (a, packed, pivots, np.ones((n, 1))), {"transposed": False})
