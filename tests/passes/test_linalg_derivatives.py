"""Derivatives of factorizations and solves against finite differences, in both modes, at order 2."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapec.constants import constant
from tapec.dispatch import apply, apply_several
from tapec.ops import PRIMITIVES, linalg
from tapec.passes.derivatives import DERIVATIVES
from tapec.passes.derivatives.table import Excused
from tapec.tape import GradientTape
from tapec.testing import check_grads

SHAPES = [(0, 0), (1, 1), (2, 2), (3, 3), (2, 2, 2)]

# A square matrix, or a batch of some.
DRAWN = st.builds(
    lambda batch, n: (*batch, n, n), st.sampled_from([(), (1,), (2,), (0,), (2, 1)]), st.sampled_from([0, 1, 2, 3])
)


def square(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape) + shape[-1] * np.eye(shape[-1])


def symmetric(*shape, seed=0):
    a = square(*shape, seed=seed)
    return a + np.swapaxes(a, -1, -2)


def tall(*shape, seed=0):
    *batch, m, n = shape
    return np.random.default_rng(seed).normal(size=(*batch, m + 2, n))


def factored(primitive, value_of):
    """A function of the matrix alone, whose value NumPy computes."""

    def run(a):
        packed, pivots = apply_several(linalg.lu, (a,))
        return apply(primitive, (constant(value_of(a._array)), a, packed, pivots))

    return run


def cofactors(a):
    return np.linalg.det(a)[..., None, None] * np.swapaxes(np.linalg.inv(a), -1, -2)


def lu_solve(transposed):
    def run(a, b):
        packed, pivots = apply_several(linalg.lu, (a,))
        return apply(linalg.lu_solve, (a, packed, pivots, b), {"transposed": transposed})

    return run


def triangular_solve(lower, transposed, unit):
    attributes = {"lower": lower, "transposed": transposed, "unit": unit}
    return lambda a, b: apply(linalg.triangular_solve, (a, b), attributes)


def side(*shape):
    return np.random.default_rng(7).normal(size=(*shape[:-1], 2))


@given(shape=DRAWN)
@settings(max_examples=6, deadline=None)
def test_solves(shape):
    for transposed in (False, True):
        check_grads(lu_solve(transposed), [square(*shape), side(*shape)])
        for lower in (False, True):
            for unit in (False, True):
                check_grads(triangular_solve(lower, transposed, unit), [square(*shape), side(*shape)])


@given(shape=DRAWN)
@settings(max_examples=6, deadline=None)
def test_cholesky_of_the_triangle_that_it_reads(shape):
    check_grads(lambda a: apply(linalg.cholesky, (a,)), [symmetric(*shape)])


@given(shape=DRAWN)
@settings(max_examples=6, deadline=None)
def test_determinants(shape):
    a = square(*shape)
    check_grads(factored(linalg.det, np.linalg.det), [a])
    check_grads(factored(linalg.log_abs_det, lambda x: np.linalg.slogdet(x)[1]), [a])
    check_grads(factored(linalg.cofactor, cofactors), [a])


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_the_gradient_of_a_determinant_is_right_for_a_matrix_of_rank_n_minus_1(n):
    a = np.random.default_rng(n).integers(-4, 5, (n, n)).astype(float)
    a[-1] = a[:-1].sum(0)  # small integers: elimination is exact where pivots divide, and the last pivot is zero
    a = np.triu(np.ones((n, n))) @ np.diag([*np.arange(1.0, n), 0.0]) if n > 2 else a
    x = constant(a)
    with GradientTape() as tape:
        tape.watch(x)
        y = factored(linalg.det, np.linalg.det)(x)
    minors = np.array([[np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) for j in range(n)] for i in range(n)])
    signs = (-1.0) ** np.add.outer(np.arange(n), np.arange(n))
    np.testing.assert_allclose(tape.gradient(y, x)._array, signs * minors, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 2), (2, 2, 1)], ids=str)
def test_pseudoinverses(shape):
    def run(a):
        return apply(linalg.pinv, (constant(np.linalg.pinv(a._array)), a))

    for a in (square(*shape[:-2], shape[-1], shape[-1]), tall(*shape), np.swapaxes(tall(*shape), -1, -2)):
        check_grads(run, [a], rtol=1e-5, atol=1e-5)


@given(shape=DRAWN)
@settings(max_examples=6, deadline=None)
def test_qr(shape):
    for a in (square(*shape), tall(*shape)):
        check_grads(lambda x: apply_several(linalg.qr, (x,)), [a], rtol=1e-5, atol=1e-5)
        for i in (0, 1):
            check_grads(lambda x, i=i: apply_several(linalg.qr, (x,))[i], [a], order=1, rtol=1e-5, atol=1e-5)


@given(shape=DRAWN)
@settings(max_examples=6, deadline=None)
def test_eigh(shape):
    check_grads(lambda x: apply_several(linalg.eigh, (x,)), [symmetric(*shape)], rtol=1e-5, atol=1e-5)
    for i in (0, 1):
        check_grads(lambda x, i=i: apply_several(linalg.eigh, (x,))[i], [symmetric(*shape)], order=1)


@given(shape=DRAWN)
@settings(max_examples=6, deadline=None)
def test_svd(shape):
    for a in (square(*shape), tall(*shape), np.swapaxes(tall(*shape), -1, -2)):
        check_grads(lambda x: apply_several(linalg.svd, (x,)), [a], rtol=1e-4, atol=1e-4)
        for i in (0, 1, 2):
            check_grads(lambda x, i=i: apply_several(linalg.svd, (x,))[i], [a], order=1, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_eig_with_its_norm_and_phase(shape, seed):
    a = np.random.default_rng(seed).normal(size=shape)
    check_grads(lambda x: apply_several(linalg.eig, (x,)), [a], order=2 if seed == 2 else 1, rtol=1e-4, atol=1e-4)
    for i in (0, 1):
        check_grads(lambda x, i=i: apply_several(linalg.eig, (x,))[i], [a], order=1, rtol=1e-5, atol=1e-5)


def gradient(run, a):
    x = constant(a)
    with GradientTape() as tape:
        tape.watch(x)
        y = run(x)
    return tape.gradient(y, x)._array


def test_values_have_derivatives_where_they_coincide_and_vectors_have_none():
    a = np.diag([2.0, 2.0, 5.0])
    np.testing.assert_allclose(gradient(lambda x: apply_several(linalg.eigh, (x,))[0], a), np.eye(3))
    np.testing.assert_allclose(gradient(lambda x: apply_several(linalg.svd, (x,))[1], a), np.eye(3))
    assert not np.isfinite(gradient(lambda x: apply_several(linalg.eigh, (x,))[1], a)).all()
    assert not np.isfinite(gradient(lambda x: apply_several(linalg.svd, (x,))[0], a)).all()


def test_every_primitive_is_here():
    ours = [p for p in PRIMITIVES.values() if p.family.name in {"linalg", "attached"}]
    differentiable = {p.name for p in ours if not isinstance(DERIVATIVES[p], Excused)}
    assert differentiable == {
        "lu_solve", "triangular_solve", "cholesky", "det", "log_abs_det", "cofactor", "pinv", "qr", "eigh", "svd",
        "eig",
    }  # fmt: skip
