# ruff: noqa: E501  (tables of cases)
"""NumPy's linear algebra on tensors, and `tp.linalg`: derivatives, errors, compiled functions, vmap."""

import mpmath
import numpy as np
import pytest

import tapec as tp
from tapec.errors import LinearAlgebraError, MatrixShapeError, ShapeError, UnsupportedFunctionError
from tapec.testing import check_grads

R = np.random.default_rng(5)
N = 4
A, B, V = R.normal(size=(N, N)) + N * np.eye(N), R.normal(size=(N, 2)), R.normal(size=N)
TALL, STACK = R.normal(size=(N + 2, 3)), R.normal(size=(2, 3, 3)) + 3 * np.eye(3)


def positive(a):
    return a @ np.matrix_transpose(a) + 1.0 * np.eye(a.shape[-1])


SMOOTH = {
    "solve": (np.linalg.solve, A, B), "solve a vector": (np.linalg.solve, A, V), "solve batches": (np.linalg.solve, STACK, B[:3]),
    "inv": (np.linalg.inv, STACK), "det": (np.linalg.det, STACK), "slogdet": (lambda a: np.linalg.slogdet(a)[1], A),
    "cholesky": (lambda a: np.linalg.cholesky(positive(a)), A), "cholesky of any matrix": (np.linalg.cholesky, positive(A)),
    "upper cholesky": (lambda a: np.linalg.cholesky(positive(a), upper=True), STACK),
    "qr": (lambda a: list(np.linalg.qr(a)), TALL), "qr of a wide matrix": (lambda a: list(np.linalg.qr(a)), TALL.T.copy()),
    "r alone": (lambda a: np.linalg.qr(a, "r"), A), "eigh": (lambda a: list(np.linalg.eigh(a)), A),
    "eigvalsh": (np.linalg.eigvalsh, STACK), "eigvals": (lambda a: np.linalg.eigvals(positive(a)), A),
    "svd": (lambda a: list(np.linalg.svd(a, full_matrices=False)), TALL), "svdvals": (np.linalg.svdvals, STACK),
    "pinv": (np.linalg.pinv, TALL), "pinv of a wide matrix": (np.linalg.pinv, TALL.T.copy()),
    "lstsq": (lambda a, b: list(np.linalg.lstsq(a, b)[:2]), TALL, R.normal(size=N + 2)), "cond": (np.linalg.cond, A),
    "cond 1": (lambda a: np.linalg.cond(a, 1), A), "norm 2": (lambda a: np.linalg.norm(a, 2), TALL),
    "nuclear norm": (lambda a: np.linalg.norm(a, "nuc"), TALL), "norm -2": (lambda a: np.linalg.norm(a, -2), TALL),
    "tensorsolve": (np.linalg.tensorsolve, A.reshape(2, 2, 4), R.normal(size=(2, 2))),
    "tensorinv": (lambda a: np.linalg.tensorinv(a, 1), A.reshape(4, 2, 2)), "power -2": (lambda a: np.linalg.matrix_power(a, -2), A),
    "multi_dot": (lambda a, b: np.linalg.multi_dot([a, a, b]), A, B),
    "triangular": (lambda a, b: tp.linalg.solve_triangular(a, b, lower=True, transposed=True), A, B),
    "unit triangular": (lambda a, b: tp.linalg.solve_triangular(a, b, unit_diagonal=True), STACK, V[:3]),
    "cho_solve": (lambda a, b: tp.linalg.cho_solve(np.linalg.cholesky(positive(a)), b), A, V),
    "expm": (tp.linalg.expm, A / 20), "expm with squaring": (tp.linalg.expm, STACK * 3),
}  # fmt: skip


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_to_second_order(name):
    fn, *args = SMOOTH[name]
    scale = 1e3 if name == "expm with squaring" else 1.0
    check_grads(fn, args, order=2, rtol=2e-5 * scale, atol=2e-5 * scale)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_compiled_gradients_have_the_bits_of_the_tape(name, dtype):
    fn, *args = SMOOTH[name]
    args = [np.asarray(a, dtype) for a in args]

    def total(*xs):
        found = fn(*xs)
        return sum(np.sum(x**2) for x in (found if isinstance(found, list) else [found]))

    gradient = tp.grad(total, argnums=tuple(range(len(args))))
    gradient(*args)
    compiled = gradient(*args)
    tensors = [tp.constant(a) for a in args]
    with tp.GradientTape() as tape:
        tape.watch(tensors)
        y = total(*tensors)
    for a, b in zip(tape.gradient(y, tensors), compiled, strict=True):
        assert a.dtype == b.dtype == dtype
        np.testing.assert_array_equal(a.numpy(), b)


@pytest.mark.parametrize("name", ["solve", "inv", "det", "cholesky", "eigh", "svd", "pinv", "triangular", "qr"])
def test_vmap_against_a_loop(name):
    fn, *args = SMOOTH[name]
    stacks = [np.stack([a + 0.1 * i * np.eye(*a.shape[-2:]) for i in range(3)]) for a in args]
    found = tp.vmap(fn)(*stacks)
    loop = [fn(*[tp.constant(s[i]) for s in stacks]) for i in range(3)]
    if not isinstance(found, list):
        found, loop = [found], [[x] for x in loop]
    for k, part in enumerate(found):
        np.testing.assert_allclose(part, np.stack([x[k].numpy() for x in loop]), rtol=1e-12, atol=1e-12)


def test_one_matrix_and_many_right_hand_sides_are_one_solve():
    bs = R.normal(size=(5, N))
    text = tp.vmap(lambda b: np.linalg.solve(A, b)).inspect(bs).recorded
    assert text.count("lu_solve") == 1
    assert f"tensor<{N}x5xf64>" in text
    np.testing.assert_allclose(tp.vmap(lambda b: np.linalg.solve(A, b))(bs), np.linalg.solve(A, bs.T).T)


def test_the_gradient_of_a_solve_factors_once():
    gradient = tp.grad(lambda a, b: np.sum(np.linalg.solve(a, b) ** 2), argnums=(0, 1))
    text = gradient.inspect(A, V).optimised
    assert text.count('tapec.lu"') == 1
    assert text.count("tapec.lu_solve") == 2


# Errors --------------------------------------------------------------------------------------------------------------

SINGULAR = np.ones((2, 2))
NOT_SQUARE = tp.constant(np.ones((2, 3)))


@pytest.mark.parametrize(
    ("fn", "good", "bad", "words"),
    [
        (lambda a: np.linalg.solve(a, np.ones(2)), np.eye(2), SINGULAR, "Singular matrix"),
        (np.linalg.inv, np.eye(2), SINGULAR, "Singular matrix"),
        (np.linalg.cholesky, np.eye(2), -np.eye(2), "Matrix is not positive definite"),
        (np.linalg.svdvals, np.eye(2), np.full((2, 2), np.nan), "SVD did not converge"),
        (np.linalg.eigvalsh, np.eye(3), np.full((3, 3), np.nan), "Eigenvalues did not converge"),
        (np.linalg.eigvals, np.eye(2), np.full((2, 2), np.inf), "Array must not contain infs or NaNs"),
    ],
)
def test_what_numpy_raises_is_raised_eagerly_and_compiled(fn, good, bad, words):
    with pytest.raises(np.linalg.LinAlgError, match=words):
        fn(bad)
    with pytest.raises(LinearAlgebraError, match=rf"{words}\n  at .*test_linalg_functions.py"):
        fn(tp.constant(bad))
    compiled = tp.function(fn)
    for _ in range(3):
        compiled(good)
        with pytest.raises(np.linalg.LinAlgError, match=rf"{words}\n  at .*test_linalg_functions.py"):
            compiled(bad)
    assert compiled.compiles == 1


def test_singular_matrices_have_determinants():
    compiled = tp.function(lambda a: (np.linalg.det(a), *np.linalg.slogdet(a)))
    for _ in range(2):
        assert compiled(SINGULAR) == (0.0, 0.0, -np.inf)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: np.linalg.solve(NOT_SQUARE, np.ones(2)),
            MatrixShapeError,
            r"shape \(2, 3\) with right-hand sides of shape \(2,\)",
        ),
        (lambda: np.linalg.solve(tp.constant(np.eye(2)), np.ones((3, 1))), ShapeError, r"\(2, 2\).*\(3, 1\)"),
        (lambda: np.linalg.solve(tp.constant(np.ones((2, 2, 2))), np.ones((3, 2, 1))), ShapeError, "do not broadcast"),
        (lambda: np.linalg.inv(tp.constant(np.ones(3))), MatrixShapeError, r"inv takes matrices, got shape \(3,\)"),
        (lambda: np.linalg.det(NOT_SQUARE), MatrixShapeError, r"det takes square matrices, got shape \(2, 3\)"),
        (lambda: np.linalg.cholesky(NOT_SQUARE), MatrixShapeError, "square"),
        (lambda: np.linalg.matrix_power(NOT_SQUARE, 2), MatrixShapeError, "square"),
        (lambda: tp.linalg.expm(NOT_SQUARE), MatrixShapeError, "square"),
        (lambda: tp.linalg.solve_triangular(np.eye(2), tp.constant(np.ones(3))), ShapeError, "solve_triangular"),
        (lambda: np.linalg.tensorsolve(NOT_SQUARE, np.ones(2)), MatrixShapeError, "square system"),
        (lambda: np.linalg.lstsq(NOT_SQUARE, np.ones(3)), ShapeError, "number of rows"),
        (lambda: np.linalg.svd(NOT_SQUARE), UnsupportedFunctionError, "full_matrices=False"),
        (lambda: np.linalg.qr(tp.constant(np.ones((3, 2))), "complete"), UnsupportedFunctionError, "mode='reduced'"),
        (lambda: np.linalg.qr(NOT_SQUARE, "raw"), UnsupportedFunctionError, "not 'raw'"),
    ],
)
def test_shapes_that_do_not_fit_are_shown_with_the_users_line(call, error, words):
    with pytest.raises(error, match=words) as raised:
        call()
    assert "test_linalg_functions.py" in str(raised.value)


def test_wrong_shapes_are_errors_of_linear_algebra_as_in_numpy():
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.inv(NOT_SQUARE)
    for call in (lambda: np.linalg.norm(NOT_SQUARE, "two"), lambda: np.linalg.eigh(tp.constant(A), "X")):
        with pytest.raises(ValueError, match=r"'two'|UPLO"):
            call()


# Types and paths -----------------------------------------------------------------------------------------------------


def test_results_are_numpys_named_tuples_compiled_too():
    for fn in (np.linalg.slogdet, np.linalg.eigh, np.linalg.qr, np.linalg.svd, np.linalg.eig):
        compiled = tp.function(fn)
        for found in (fn(tp.constant(A)), compiled(A), compiled(A)):
            assert type(found) is type(fn(A))


def test_the_rank_decides_the_shape_of_the_residuals():
    compiled = tp.function(np.linalg.lstsq)
    b = R.normal(size=N + 2)
    deficient = TALL.copy()
    deficient[:, 2] = deficient[:, 0]
    for a, size in ((TALL, 1), (deficient, 0), (TALL, 1), (deficient, 0)):
        found, want = compiled(a, b), np.linalg.lstsq(a, b)
        assert found[1].shape == want[1].shape == (size,)
        assert found[2] == want[2]
        np.testing.assert_allclose(found[0], want[0])
    assert compiled.compiles == 2


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_expm_at_every_order_and_squaring(dtype):
    compiled = tp.function(tp.linalg.expm)
    a = (STACK / np.abs(STACK).sum(1).max()).astype(dtype)
    for norm in (1e-3, 0.1, 0.4, 1.0, 3.0, 5.0, 30.0, 0.0):
        x = (a * norm).astype(dtype)
        found, again = compiled(x), compiled(x)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, again)
        want = np.array([mpmath.expm(mpmath.matrix(m.tolist())).tolist() for m in x], np.float64)
        np.testing.assert_allclose(found, want, rtol=0, atol=1e2 * np.finfo(dtype).eps * np.abs(want).max())
    assert tp.linalg.expm(np.zeros((0, 0))).shape == (0, 0)


def test_eigenvalues_are_complex_where_they_must_be():
    turn = np.array([[0.0, -2.0], [2.0, 0.0]])
    compiled = tp.function(np.linalg.eigvals)
    for a, dtype in ((np.eye(2), np.float64), (turn, np.complex128), (np.eye(2), np.float64), (turn, np.complex128)):
        for w in (compiled(a), np.linalg.eigvals(tp.constant(a)).numpy()):
            assert w.dtype == dtype
            np.testing.assert_allclose(w, np.linalg.eigvals(a))
    assert compiled.compiles == 2


def test_derivatives_of_complex_eigenvalues_and_vectors():
    a = np.array([[0.3, -1.0, 0.2], [1.0, 0.1, 0.0], [0.3, 0.2, 1.0]])
    assert np.linalg.eigvals(a).imag.any()
    check_grads(lambda x: np.abs(np.linalg.eigvals(x)), [a])
    check_grads(lambda x: np.abs(np.linalg.eig(x).eigenvectors) + np.linalg.eig(x).eigenvalues.real, [a])


def test_variables_and_integers_are_operands():
    v = tp.Variable(A)
    with tp.GradientTape() as tape:
        y = np.linalg.slogdet(v)[1]
    np.testing.assert_allclose(tape.gradient(y, v).numpy(), np.linalg.inv(A).T)
    np.testing.assert_allclose(np.linalg.solve(tp.constant([[2, 0], [0, 4]]), [2, 4]).numpy(), [1.0, 1.0])


def test_symmetric_functions_have_symmetric_gradients():
    """Of a matrix that is symmetric only NumPy's triangle is read; the derivative is that along symmetric directions."""
    a = positive(A)
    for fn in (np.linalg.cholesky, np.linalg.eigvalsh):
        g = tp.grad(lambda x, fn=fn: np.sum(fn(x) ** 3))(a)
        np.testing.assert_allclose(g, g.T, rtol=1e-12)


def test_python_loops_of_factorizations_become_one_loop():
    """Ops of several results repeat like others."""

    def iterated(a):
        for _ in range(60):
            q, r = np.linalg.qr(a)
            a = np.linalg.solve(q, r @ q) + r
        return np.sum(a)

    gradient = tp.value_and_grad(iterated)
    first = gradient(A)
    assert gradient.inspect(A).optimised.count('tapec.qr"') < 5
    second = gradient(A)
    x = tp.constant(A)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = iterated(x)
    assert first[0] == second[0] == y.item()
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), second[1], rtol=1e-12)
