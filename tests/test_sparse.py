"""`tp.sparsity`, `tp.sparse_jacobian` and `tp.sparse_hessian` against dense derivatives and published values."""

import threading
import warnings
from typing import NamedTuple

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tapec as tp
from tapec.errors import (
    ArgumentError,
    BatchedValueError,
    DensePatternWarning,
    DTypeError,
    EagerFallbackWarning,
    IntegerInputError,
    NonScalarTargetError,
)

X = np.linspace(0.3, 1.4, 12)
MODES = ("auto", "forward", "reverse")


def tridiagonal(x):
    y = np.concatenate([np.zeros(1), x, np.zeros(1)])
    return y[:-2] * y[1:-1] - np.sin(y[2:])


def rosenbrock(x):
    return np.sum(100 * (x[1::2] - x[::2] ** 2) ** 2 + (1 - x[::2]) ** 2)


def chained_rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def everywhere(derivative, *args):
    """The matrix of a recorded, a compiled and an eager call, which must have the same bits."""
    recorded, compiled = derivative(*args), derivative(*args)
    with tp.eager():
        eager = derivative(*args)
    for other in (recorded, eager):
        assert (other.indices is compiled.indices) or np.array_equal(other.indices, compiled.indices)
        np.testing.assert_array_equal(other.indptr, compiled.indptr)
        np.testing.assert_array_equal(other.data, compiled.data)
    assert type(compiled) is sp.csr_array
    assert compiled.has_canonical_format
    return compiled


# Jacobians -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_tridiagonal(mode):
    jacobian = tp.sparse_jacobian(tridiagonal, mode=mode)
    found = everywhere(jacobian, X)
    np.testing.assert_allclose(found.toarray(), tp.jacobian(tridiagonal)(X), rtol=1e-14)
    assert jacobian.colors.max() + 1 == 3
    assert jacobian.direction == ("reverse" if mode == "reverse" else "forward")
    assert jacobian.pattern.nnz == found.nnz == 34


def test_auto_takes_fewer_products():
    few_rows = tp.sparse_jacobian(lambda x: np.sum(np.reshape(x, (4, 3)) ** 2, 1))
    np.testing.assert_allclose(few_rows(X).toarray() @ X, 2 * np.sum(X.reshape(4, 3) ** 2, 1))
    assert (few_rows.direction, few_rows.colors.max()) == ("reverse", 0)
    few_columns = tp.sparse_jacobian(lambda x: np.repeat(x, 3) ** 2)
    few_columns(X)
    assert (few_columns.direction, few_columns.colors.max()) == ("forward", 0)


@settings(max_examples=30, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))), st.sampled_from(MODES))
def test_drawn_structures(pattern, mode):
    matrix = pattern * np.random.default_rng(0).uniform(1, 2, pattern.shape)
    x = np.linspace(1, 2, pattern.shape[1])

    def f(x):
        return np.sin(matrix @ x)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DensePatternWarning)
        found = tp.sparse_jacobian(f, mode=mode)(x)
    np.testing.assert_allclose(found.toarray(), np.cos(matrix @ x)[:, None] * matrix, rtol=1e-13)
    np.testing.assert_array_equal(tp.sparsity(f, x).toarray(), pattern)


@pytest.mark.parametrize("mode", MODES)
def test_containers_and_several_arguments(mode):
    class Pair(NamedTuple):
        a: object
        b: object

    def f(p, scale, y):
        return {"first": p.a * y, "number": 2.0, "name": "n", "second": (scale * p.b["c"] ** 2,)}

    p, y = Pair(np.arange(1.0, 4.0), {"c": np.array([[1.0], [2.0]]), "text": "t"}), np.array([4.0, 5.0, 6.0])
    found = everywhere(tp.sparse_jacobian(f, (0, "y"), mode), p, 3.0, y).toarray()
    expected = np.zeros((6, 8))
    expected[:3, :3], expected[:3, 5:], expected[4:, 3:5] = np.diag(y), np.diag(p.a), np.diag([6.0, 12.0])
    np.testing.assert_allclose(found, expected)
    pattern = tp.sparsity(f, p, 3.0, y, argnums=(0, -1))
    np.testing.assert_array_equal(pattern.toarray(), expected != 0)


def test_shapes_without_elements():
    assert tp.sparse_jacobian(lambda x: x * 2)(np.zeros((0, 3))).shape == (0, 0)
    assert tp.sparse_jacobian(lambda x: x[:0])(X).shape == (0, 12)
    assert tp.sparse_jacobian(lambda _: ())(X).shape == (0, 12)
    assert tp.sparse_jacobian(np.sign)(X).nnz == 0
    assert tp.sparse_jacobian(lambda _: np.ones(2))(X).toarray().tolist() == np.zeros((2, 12)).tolist()


def test_single_precision_and_mixed():
    found = tp.sparse_jacobian(np.square)(X.astype(np.float32))
    assert found.dtype == np.float32
    mixed = tp.sparse_jacobian(lambda x: (x, x.astype(np.float64)))(X.astype(np.float32))
    assert mixed.dtype == np.float64


def test_tensors_and_variables_give_matrices_too():
    for x in (tp.constant(X), tp.Variable(X)):
        found = everywhere(tp.sparse_jacobian(tridiagonal), x)
        np.testing.assert_allclose(found.toarray(), tp.jacobian(tridiagonal)(X), rtol=1e-14)


# Hessians ------------------------------------------------------------------------------------------------------------


def test_extended_rosenbrock():
    hessian = tp.sparse_hessian(rosenbrock)
    found = everywhere(hessian, X)
    np.testing.assert_allclose(found.toarray(), tp.hessian(rosenbrock)(X), rtol=1e-13)
    assert found.nnz == 24
    assert hessian.colors.max() + 1 == 2
    pattern = tp.sparsity(rosenbrock, X, order=2)
    np.testing.assert_array_equal(pattern.toarray(), np.kron(np.eye(6), np.ones((2, 2))) > 0)


@settings(max_examples=30, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_drawn_hessians(pattern):
    """The sum of products over cliques of arguments."""
    x = np.linspace(1, 2, pattern.shape[1])

    def f(x):
        return sum([np.prod(np.sin(x[np.flatnonzero(row)])) for row in pattern if row.any()], np.sum(x))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DensePatternWarning)
        found = tp.sparse_hessian(f)(x)
    np.testing.assert_allclose(found.toarray(), tp.hessian(f)(x), rtol=1e-12, atol=1e-14)
    shared = (pattern.T.astype(int) @ pattern) > 0
    np.testing.assert_array_equal(found.toarray() != 0, shared)
    np.testing.assert_array_equal(tp.sparsity(f, x, order=2).toarray(), shared)


def test_arrow_and_linear_parts():
    hessian = tp.sparse_hessian(lambda x: np.sum(x[0] * x[1:] ** 2) + np.sum(x))
    assert hessian(X).nnz == 11 * 3
    assert hessian.colors.max() + 1 == 2
    assert tp.sparse_hessian(np.sum)(X).nnz == 0


def test_hessian_of_several_arguments():
    def f(x, y):
        return np.sum(x * y**2) + np.sum(x**3)

    x, y = X[:3], X[3:6]
    found = everywhere(tp.sparse_hessian(f, (0, 1)), x, y).toarray()
    blocks = tp.hessian(f, (0, 1))(x, y)
    np.testing.assert_allclose(found, np.block([[np.array(b) for b in row] for row in blocks]), rtol=1e-13)


# Loops ---------------------------------------------------------------------------------------------------------------


def laplacian(u):
    return np.concatenate([u[1:], np.zeros(1)]) - 2 * u + np.concatenate([np.zeros(1), u[:-1]])


def heat(u):
    return tp.fori_loop(0, 3, lambda _, c: c + 0.2 * laplacian(c) + 0.01 * c**3, u)


def newton_steps(u):
    """Three steps to the cube roots, each by itself."""
    return tp.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] - (s[1] ** 3 - u) / (3 * s[1] ** 2)), (0, u))[1]


@pytest.mark.parametrize(("f", "entries"), [(heat, 12 * 7 - 12), (newton_steps, 12)])
def test_loops(f, entries):
    jacobian, hessian = tp.sparse_jacobian(f), tp.sparse_hessian(lambda u: np.sum(f(u) ** 2))
    found = jacobian(X)
    assert found.nnz == entries
    np.testing.assert_allclose(found.toarray(), tp.jacobian(f)(X), rtol=1e-12, atol=1e-14)
    if f is newton_steps:
        assert hessian(X).nnz == 12
        np.testing.assert_allclose(hessian(X).toarray(), tp.hessian(lambda u: np.sum(f(u) ** 2))(X), rtol=1e-12)


def test_hessian_through_scans():
    def slices(x):
        return np.sum(tp.scan(lambda c, row: (c, np.sin(row) * row), np.zeros(()), x)[1])

    def steps(x):
        return np.sum(heat(x[:, 0]) * x[:, 1])

    x = np.stack([X, X[::-1]], 1)
    for f, most in ((slices, 24), (steps, 24 * 24 // 2)):
        found = tp.sparse_hessian(f)(x)
        assert found.nnz <= most
        np.testing.assert_allclose(found.toarray(), np.reshape(tp.hessian(f)(x), (24, 24)), rtol=1e-12, atol=1e-14)


def bratu(u):
    p = np.pad(u, 1)
    return 4 * u - p[2:, 1:-1] - p[:-2, 1:-1] - p[1:-1, 2:] - p[1:-1, :-2] - 0.1 * np.exp(u)


def test_bratu():
    u = np.reshape(X, (3, 4))
    found = everywhere(tp.sparse_jacobian(bratu), u)
    assert found.nnz == 12 * 5 - 2 * (3 + 4)
    np.testing.assert_allclose(found.toarray(), np.reshape(tp.jacobian(bratu)(u), (12, 12)), rtol=1e-14)


# What is kept, and what makes it anew --------------------------------------------------------------------------------


def test_kept_per_structure():
    jacobian = tp.sparse_jacobian(tridiagonal)
    first, second = jacobian(X), jacobian(X + 1)
    assert jacobian.recordings == 1
    assert first.indices is second.indices
    assert jacobian(X[:5]).shape == (5, 5)
    assert jacobian.recordings == 2
    assert len(jacobian.colors) == 5
    jacobian(X)
    assert len(jacobian.colors) == 12


def test_a_branch_of_python_has_its_own_pattern():
    def f(x):
        return x * x if x[0] > 0 else x * np.roll(x, 1)

    jacobian = tp.sparse_jacobian(f)
    for x, entries in ((X, 12), (-X, 24), (X + 1, 12), (-X - 1, 24)):
        found = jacobian(x)
        assert found.nnz == jacobian.pattern.nnz == entries
        np.testing.assert_allclose(found.toarray(), tp.jacobian(f)(x))
    assert jacobian.recordings == 2


def test_indices_that_change_are_noticed():
    jacobian = tp.sparse_jacobian(lambda x, i: x[i] ** 2)
    index = np.array([3, 0, 3])
    for new in (index, np.array([1, 2, -1]), index):
        found = jacobian(X, new).toarray()
        expected = np.zeros((3, 12))
        expected[np.arange(3), new] = 2 * X[new]
        np.testing.assert_allclose(found, expected)
    assert jacobian.recordings == 2

    outside = tp.sparse_jacobian(lambda x: x[index] ** 2)
    assert outside(X).indices.tolist() == [3, 0, 3]
    index[0] = 5
    assert outside(X).indices.tolist() == [5, 0, 3]


def test_zeros_of_a_matrix_that_change_are_noticed():
    matrix = np.eye(4)
    jacobian = tp.sparse_jacobian(lambda x: matrix @ x)
    x = np.ones(4)
    assert jacobian(x).nnz == 4
    matrix[0, 0] = 5.0
    assert jacobian(x)[0, 0] == 5.0
    assert jacobian.recordings == 1
    matrix[0, 3] = 7.0
    np.testing.assert_array_equal(jacobian(x).toarray(), matrix)
    assert jacobian.recordings == 2


def test_index_computed_from_the_argument():
    jacobian = tp.sparse_jacobian(lambda x: x[np.argsort(x)] ** 2)
    for x in (X, X[::-1].copy(), X):
        np.testing.assert_allclose(jacobian(x).toarray(), 2 * np.diag(np.sort(x))[:, np.argsort(x)])


def test_results_do_not_share_entries_and_keep_the_pattern():
    jacobian = tp.sparse_jacobian(np.square)
    first = jacobian(X)
    with pytest.raises(ValueError, match="read-only"):
        first.indices[0] = 3
    own = first.copy()
    own.indices[0] = 3
    first[2, 2] = 0.0
    np.testing.assert_allclose(jacobian(X).toarray(), 2 * np.diag(X))


def test_inside_other_transformations():
    square = tp.function(lambda x: np.sin(x) * x)
    jacobian = tp.sparse_jacobian(lambda x: square(x) + tp.grad(lambda z: np.sum(z**3))(x))
    np.testing.assert_allclose(jacobian(X).diagonal(), np.cos(X) * X + np.sin(X) + 6 * X)
    with pytest.warns(EagerFallbackWarning, match="leaves for plain Python"):  # a matrix of SciPy's is no tensor
        found = tp.function(lambda x: jacobian(x) @ np.ones(12) + x)(X)
    np.testing.assert_allclose(found, jacobian(X).diagonal() + X)
    with pytest.raises(BatchedValueError):
        tp.vmap(lambda x: jacobian(x).data)(np.ones((2, 3)))


def test_inside_other_threads():
    jacobian = tp.sparse_jacobian(tridiagonal)
    found = []
    threads = [threading.Thread(target=lambda k=k: found.append((k, jacobian(X * k)))) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for k, matrix in found:
        np.testing.assert_allclose(matrix.toarray(), tp.jacobian(tridiagonal)(X * k), rtol=1e-13)


def test_large():
    n = 10**5
    x = np.linspace(0.1, 1.0, n)
    jacobian, hessian = tp.sparse_jacobian(tridiagonal), tp.sparse_hessian(chained_rosenbrock)
    found = jacobian(x)
    assert jacobian.colors.max() + 1 == 3
    assert found.nnz == 3 * n - 2
    np.testing.assert_allclose(found @ np.ones(n), tp.jvp(tridiagonal, x, np.ones(n))[1], rtol=1e-12, atol=1e-12)
    v = np.cos(np.arange(n))
    np.testing.assert_allclose(hessian(x) @ v, tp.hvp(chained_rosenbrock, x, v), rtol=1e-10, atol=1e-10)
    assert hessian.colors.max() + 1 == 3


# Bundle adjustment ---------------------------------------------------------------------------------------------------

# The problem, its test file and the values of its hand-written derivative are those of microsoft/ADBench (MIT licence).
CAMERA = "1.797201 0.590697 -0.635786 90.859550 29.361415 28.777534 211.628116 -0.284531 -14.762924 0.058931 0.069976"
POINT, WEIGHT, FEATURE = "4.173048 5.586898 1.403869", 0.417022, "-525.672849 161.811929"


def numbers(text):
    return np.array([float(word) for word in text.split()])


def bundle_adjustment(cameras, points, weights, features, camera_of, point_of):
    camera, point = cameras[camera_of], points[point_of]
    r, center, f, x0, kappa = camera[:, :3], camera[:, 3:6], camera[:, 6:7], camera[:, 7:9], camera[:, 9:]
    moved = point - center
    theta = np.sqrt(np.sum(r * r, 1, keepdims=True))
    v = r / theta
    along = np.sum(v * moved, 1, keepdims=True)
    rotated = moved * np.cos(theta) + np.cross(v, moved) * np.sin(theta) + v * along * (1 - np.cos(theta))
    u = rotated[:, :2] / rotated[:, 2:]
    rho = np.sum(u * u, 1, keepdims=True)
    projected = f * u * (1 + kappa[:, :1] * rho + kappa[:, 1:] * rho**2) + x0
    return weights[:, None] * (projected - features), 1 - weights**2


@pytest.mark.parametrize(("mode", "count"), [("forward", 14), ("reverse", 10), ("auto", 10)])
def test_bundle_adjustment(mode, count):
    """The benchmark stores 31 entries per observation, of which 2 are zero: no coordinate reads the other's x0."""
    n, m, p = 2, 10, 10
    arrays = (np.tile(numbers(CAMERA), (n, 1)), np.tile(numbers(POINT), (m, 1)), np.full(p, WEIGHT))
    observed = (np.tile(numbers(FEATURE), (p, 1)), np.arange(p) % n, np.arange(p) % m)
    jacobian = tp.sparse_jacobian(bundle_adjustment, (0, 1, 2), mode)
    found = everywhere(jacobian, *arrays, *observed)
    assert found.shape == (30, 62)
    assert found.nnz == 29 * p
    assert jacobian.colors.max() + 1 == count
    data = found.data
    assert data.sum() == pytest.approx(-1.165596163846241e04, rel=1e-8)
    assert np.linalg.norm(data) == pytest.approx(4.799383025697731e03, rel=1e-8)
    assert np.abs(data).max() == pytest.approx(9.121077736680091e02, rel=1e-8)
    np.testing.assert_allclose(data[:3], [2.288772022082468e02, 6.345748114955455e02, -7.822228662593405e02], rtol=1e-8)
    assert data[-1] == pytest.approx(-8.340440000000000e-01, rel=1e-8)
    dense = tp.jacobian(bundle_adjustment, (0, 1, 2))(*arrays, *observed)
    rows = [
        np.hstack([np.asarray(block).reshape(size, -1) for block in blocks])
        for size, blocks in zip((20, 10), dense, strict=True)
    ]
    np.testing.assert_allclose(found.toarray(), np.vstack(rows), rtol=1e-12, atol=1e-12)


# Errors and warnings -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [tp.sparse_jacobian, tp.sparse_hessian, lambda f: lambda x: tp.sparsity(f, x)])
def test_integers_are_refused(make):
    with pytest.raises(IntegerInputError, match="int64"):
        make(lambda x: np.sum(x * 2.0))(np.arange(3))


def test_errors():
    with pytest.raises(DTypeError, match="the result is int64: it must be floating"):
        tp.sparse_jacobian(lambda x: np.argsort(x))(X)
    with pytest.raises(NonScalarTargetError):
        tp.sparse_hessian(np.sin)(X)
    with pytest.raises(NonScalarTargetError):
        tp.sparsity(np.sin, X, order=2)
    with pytest.raises(ValueError, match="order is 1 or 2, got 3"):
        tp.sparsity(np.sin, X, order=3)
    with pytest.raises(ValueError, match="mode is 'auto', 'forward' or 'reverse', got 'both'"):
        tp.sparse_jacobian(np.sin, mode="both")
    with pytest.raises(ArgumentError, match="argument 1"):
        tp.sparse_jacobian(lambda x: x, 1)(X)
    with pytest.raises(AttributeError, match="before it has been called"):
        tp.sparse_jacobian(np.sin).pattern


def test_a_dense_one_warns_once():
    jacobian = tp.sparse_jacobian(lambda x: x * np.sum(x))
    with pytest.warns(DensePatternWarning, match=r"12 by 12, needs 12 products.*tp\.jacobian") as caught:
        found = jacobian(X)
    assert caught[0].filename == __file__
    np.testing.assert_allclose(found.toarray(), np.diag(np.full(12, X.sum())) + X[:, None])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jacobian(X)
        tp.sparse_jacobian(tridiagonal)(X)


def test_names():
    def residual(x):
        """Of a model."""
        return x * x

    jacobian = tp.sparse_jacobian(residual)
    assert repr(jacobian) == "<tapec sparse derivative of residual: 0 recordings, 0 patterns>"
