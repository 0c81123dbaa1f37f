# ruff: noqa: E501  (a table of cases)
"""Functions made of several primitives: their derivatives to second order, and at the points where formulas break."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import tapec as tp
from tapec import nn
from tapec.testing import check_grads

R = np.random.default_rng(3)
X, Y = R.normal(size=(2, 3)), R.normal(size=(2, 3))
P = np.abs(X) + 0.5
V, W = R.normal(size=3), R.normal(size=2)
M = R.normal(size=(3, 2))
A, B = R.normal(size=(2, 2, 3)), R.normal(size=(2, 3, 2))

SMOOTH = {
    "tan": (np.tan, X), "sinh": (np.sinh, X * 2), "cosh": (np.cosh, X * 2), "arcsin": (np.arcsin, X / 3),
    "arccos": (np.arccos, X / 3), "arcsinh": (np.arcsinh, X * 1e3), "arccosh": (np.arccosh, P + 1),
    "arctanh": (np.arctanh, X / 3), "exp2": (np.exp2, X), "log2": (np.log2, P), "log10": (np.log10, P),
    "cbrt": (np.cbrt, X), "logaddexp": (np.logaddexp, X, Y), "logaddexp2": (np.logaddexp2, X, Y),
    "hypot": (np.hypot, X, Y), "arctan2": (np.arctan2, X, Y), "reciprocal": (np.reciprocal, P), "square": (np.square, X),
    "power": (np.power, P, Y), "float power": (lambda x: x**1.7, P), "x**3": (lambda x: x**3, X), "x**-2": (lambda x: x**-2, P),
    "2**x": (lambda x: 2**x, X), "fmod": (lambda x: np.fmod(x, 0.7), X), "sinc": (np.sinc, X), "var": (lambda x: np.var(x, axis=1), X),
    "std": (lambda x: np.std(x, ddof=1), X), "mean": (lambda x: np.mean(x, axis=0), X), "prod": (lambda x: np.prod(x, axis=1), X),
    "average": (lambda x, w: np.average(x, weights=w), X, P), "norm": (np.linalg.norm, X),
    "norm 1": (lambda x: np.linalg.norm(x, 1), X), "norm 3": (lambda x: np.linalg.norm(x[0], 3), X),
    "cumprod": (lambda x: np.cumprod(x, axis=1), X), "cumsum": (np.cumsum, X), "diff": (lambda x: np.diff(x, axis=1), X),
    "trapezoid": (lambda y, x: np.trapezoid(y, x), V, np.sort(V)), "gradient": (np.gradient, V), "median": (np.median, X),
    "quantile": (lambda x: np.quantile(x, 0.3, axis=1), X), "cov": (np.cov, X), "corrcoef": (np.corrcoef, X),
    "interp": (lambda x, f: np.interp(x, [-2.0, 0.1, 3.0], f), X, V), "matmul": (np.matmul, A, B),
    "matmul broadcast": (lambda a, m: a @ m, A, M), "vector": (lambda v, m: v @ m, V, M), "inner": (np.inner, X, Y),
    "outer": (np.outer, V, W), "kron": (np.kron, V, W), "cross": (np.cross, V, V[::-1].copy()), "dot": (np.dot, X, V),
    "tensordot": (lambda a, b: np.tensordot(a, b, axes=([1, 2], [2, 1])), A, B),
    "einsum": (lambda a, b: np.einsum("bij,bjk->ik", a, b), A, B), "einsum diagonal": (lambda m: np.einsum("ii", m[:2]), M),
    "matrix_power": (lambda m: np.linalg.matrix_power(m[:2], 3), M), "sort": (lambda x: np.sort(x, axis=0), X),
    "partition": (lambda x: np.partition(x, 1, axis=1), X), "argpartition": (lambda x: np.take_along_axis(x, np.argpartition(X, 1), axis=1) ** 2, X),
    "unique": (lambda x: np.unique(x) ** 2, X), "unique of repeated": (lambda v: np.unique(np.concatenate([v, W]))[1:] ** 2, V),
    "histogram": (lambda w: np.histogram(X, [-2.0, 0.0, 2.0], weights=w)[0] ** 2, P), "histogram edges": (lambda x: np.histogram(x, 3)[1] ** 2, X),
    "add.reduceat": (lambda x: np.add.reduceat(x, [1, 0, 2], axis=1) ** 2, X), "multiply.reduceat": (lambda v: np.multiply.reduceat(v, [0, 1]), V),
    "maximum.reduceat": (lambda x: np.maximum.reduceat(x**2, [0, 1]), X), "frexp": (lambda x: np.frexp(x)[0] ** 2, X), "ldexp": (lambda x: np.ldexp(x, 3) ** 2, X),
    "modf": (lambda x: np.modf(x)[0] ** 2, X), "flat": (lambda x: x.flat[1:4] ** 2, X), "T.flat": (lambda x: x.T.flat[1:4] ** 2, X),
    "take": (lambda x: np.take(x, [0, 2, 0], axis=1), X), "mixed index": (lambda a: a[[0, 1], :, [2, 0]], A),
    "repeated index": (lambda x: x[[0, 0, 1]] * x[0], X), "mask": (lambda x: x[X > 0] ** 2, X), "negative step": (lambda x: x[::-1, 2:0:-1] ** 2, X),
    "take_along_axis": (lambda x: np.take_along_axis(x, np.argsort(X, axis=1), axis=1), X), "diag": (np.diag, V), "diagonal": (np.diagonal, X),
    "tril": (np.tril, X), "roll": (lambda x: np.roll(x, 1, axis=1) * x, X), "tile": (lambda v: np.tile(v, (2, 2)), V), "repeat": (lambda v: np.repeat(v, [1, 0, 2]), V),
    "pad": (lambda x: np.pad(x, 1, mode="reflect"), X), "pad by a tensor": (lambda v, w: np.pad(v, 1, constant_values=w[0]), V, W),
    "stack": (lambda v, w: np.stack([v[:2], w]), V, W), "concatenate": (lambda x, y: np.concatenate([x, y], axis=1), X, Y),
    "where": (lambda x, y: np.where(X > 0, x, y), X, Y), "full_like": (lambda v: np.full_like(v, v[0]), V),
    "linspace": (lambda v: np.linspace(v[0], v[1], 4), V), "convolve": (np.convolve, V, W), "poly": (np.poly, V), "polydiv": (np.polydiv, V, W),
    "polyfit": (lambda x, y: np.polyfit(x, y, 1), V, V * V), "roots": (lambda c: np.sort(np.roots(np.poly(c))), V),
    "apply_along_axis": (lambda x: np.apply_along_axis(lambda r: r * r[0], 1, x), X), "apply_over_axes": (lambda x: np.apply_over_axes(np.prod, x, [1]), X),
    "piecewise": (lambda x: np.piecewise(x, [x < 0, x > 1], [lambda t: t**2, lambda t: t**3, lambda t: np.sin(t)]), X), "polyval": (np.polyval, V, W),
    "nan_to_num": (np.nan_to_num, X), "vander": (np.vander, V), "logaddexp.accumulate": (np.logaddexp.accumulate, V),
    "logaddexp.reduce": (np.logaddexp.reduce, X), "logaddexp2.reduce": (lambda x: np.logaddexp2.reduce(x, axis=1), X),
    "sliding_window_view": (lambda x: sliding_window_view(x, (2, 2), (1, 0)) * x[0, 0], X),
    "softmax": (nn.softmax, X), "log_softmax": (nn.log_softmax, X), "logsumexp": (nn.logsumexp, X), "gelu": (nn.gelu, X), "gelu tanh": (lambda x: nn.gelu(x, approximate=True), X),
    "softplus": (nn.softplus, X), "silu": (nn.silu, X), "mish": (nn.mish, X), "elu": (nn.elu, X), "selu": (nn.selu, X), "log_sigmoid": (nn.log_sigmoid, X),
}  # fmt: skip


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_to_second_order(name):
    fn, *args = SMOOTH[name]
    check_grads(fn, args, order=2, rtol=2e-5, atol=2e-5)


def derivative(fn, *values, order=1):
    xs = [tp.constant(v) for v in values]
    with tp.GradientTape(persistent=True) as outer:
        outer.watch(xs)
        with tp.GradientTape() as tape:
            tape.watch(xs)
            y = fn(*xs)
        first = tape.gradient(y, xs)
    if order == 1:
        return [None if g is None else g.tolist() for g in first]
    return [None if g is None else g.tolist() for g in outer.gradient(first[0], xs)]


inf, nan = np.inf, np.nan


@pytest.mark.parametrize(
    ("fn", "values", "want"),
    [
        (np.logaddexp, (0.0, 0.0), [0.5, 0.5]),
        (np.logaddexp, (-inf, -inf), [1.0, 0.0]),
        (np.logaddexp, (-inf, 2.0), [0.0, 1.0]),
        (np.logaddexp, (inf, 2.0), [1.0, 0.0]),
        (lambda x: np.logaddexp(0.0, x), (0.0,), [0.5]),
        (lambda x: np.logaddexp(0, x), (-800.0,), [0.0]),
        (lambda x: np.logaddexp(x, 0.0), (800.0,), [1.0]),
        (np.hypot, (0.0, 0.0), [0.0, 0.0]),
        (np.hypot, (1e200, 0.0), [1.0, 0.0]),
        (np.hypot, (3e-200, 4e-200), [0.6, 0.8]),
        (np.hypot, (3.0, 3.0), [0.5**0.5, 0.5**0.5]),
        (np.sinc, (0.0,), [0.0]),
        (np.linalg.norm, ([0.0, 0.0],), [[0.0, 0.0]]),
        (np.std, ([2.0, 2.0],), [[0.0, 0.0]]),
        (np.sinh, (0.0,), [1.0]),
        (np.cosh, (0.0,), [0.0]),
        (np.cosh, (1e-9,), [1e-9]),
        (np.arcsinh, (0.0,), [1.0]),
        (np.arcsinh, (-1e200,), [1e-200]),
        (np.arctanh, (0.0,), [1.0]),
        (np.tan, (0.0,), [1.0]),
        (np.arcsin, (1.0,), [inf]),
        (np.arccos, (-1.0,), [-inf]),
        (np.sinh, (25.0,), [np.cosh(25.0)]),
        (np.cosh, (-25.0,), [np.sinh(-25.0)]),
        (np.arccos, (0.0,), [-1.0]),
        (np.fmod, (0.0, 2.0), [1.0, 0.0]),
        (np.cbrt, (8.0,), [1 / 12]),
        (lambda x: x**2, (0.0,), [0.0]),
        (lambda x: x**0, (0.0,), [0.0]),
        (lambda x: np.where(x > 0, np.sqrt(x), 0.0), (0.0,), [0.0]),
        (lambda x: np.where(x > 0, np.log(x), x), (0.0,), [1.0]),
        (nn.relu, (0.0,), [0.0]),
        (nn.softplus, (0.0,), [0.5]),
        (nn.softplus, (-inf,), [0.0]),
        (nn.elu, (0.0,), [1.0]),
        (nn.logsumexp, ([-inf, -inf],), [[0.0, 0.0]]),
        (nn.logsumexp, ([-inf, 1.0],), [[0.0, 1.0]]),
        (lambda x: nn.log_softmax(x)[0], ([0.0, -inf],), [[0.0, 0.0]]),
        (np.prod, ([0.0, 2.0, 3.0],), [[6.0, 0.0, 0.0]]),
        (lambda x: np.cumprod(x)[2], ([0.0, 2.0, 0.0],), [[0.0, 0.0, 0.0]]),
        (np.nansum, ([nan, 2.0],), [[0.0, 1.0]]),
        (np.nanmean, ([nan, 2.0],), [[0.0, 1.0]]),
        (np.nan_to_num, ([nan, inf, 2.0],), [[0.0, 0.0, 1.0]]),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_first_derivatives_at_special_points(fn, values, want):
    for got, expected in zip(derivative(fn, *values), want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize(
    ("fn", "values", "want"),
    [
        (np.logaddexp, (0.0, 0.0), [0.25, -0.25]),
        (lambda x: np.logaddexp(0.0, x), (0.0,), [0.25]),
        (nn.softplus, (0.0,), [0.25]),
        (np.hypot, (3.0, 3.0), [1 / (6 * 2**0.5), -1 / (6 * 2**0.5)]),
        (np.sinc, (0.0,), [-(np.pi**2) / 3]),
        (np.sinh, (0.0,), [0.0]),
        (np.cosh, (0.0,), [1.0]),
        (np.arcsinh, (0.0,), [0.0]),
        (np.cbrt, (8.0,), [-1 / 144]),
        (lambda x: x**2, (0.0,), [2.0]),
        (lambda x: x**3, (0.0,), [0.0]),
        (lambda x: np.linalg.norm(x) ** 2, ([3.0, 4.0],), [[2.0, 2.0]]),
    ],
)
def test_second_derivatives_at_special_points(fn, values, want):
    for got, expected in zip(derivative(fn, *values, order=2), want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-15)
