"""Gamma variates: goodness of fit, and their implicit derivative against mpmath and SciPy."""

import mpmath
import numpy as np
import pytest
from scipy import special, stats

import tapec as tp
from tapec.dispatch import apply
from tapec.errors import DTypeError, ShapeError
from tapec.ops import sampling
from tapec.random import Generator, gamma

QUANTILES = [1e-6, 0.01, 0.3, 0.5, 0.7, 0.99, 1 - 1e-6]


@pytest.fixture(autouse=True)
def seeded():
    tp.random.seed(5)


@pytest.mark.parametrize("alpha", [0.05, 0.5, 1.0, 2.5, 40.0, 1e5])
def test_distribution(alpha):
    z = gamma(alpha, (60_000,), np.float64).numpy()
    assert stats.kstest(z, stats.gamma(alpha).cdf).pvalue > 1e-3
    assert stats.kstest(z, stats.gamma(alpha * 1.05 + 0.01).cdf).pvalue < 1e-3


def path_derivative(z, alpha):
    """dz/dalpha by the primitive's rule, float64."""
    sample, shape = tp.constant(z), tp.constant(alpha)
    with tp.GradientTape() as tape:
        tape.watch(shape)
        out = apply(sampling.gamma_sample, (sample, shape))
    return tape.gradient(out, shape).numpy()


def reference(z, alpha):
    """-(dF/dalpha) / p, F being the regularised incomplete gamma function, from whichever tail is the smaller."""
    with mpmath.workdps(40):
        a, z = mpmath.mpf(float(alpha)), mpmath.mpf(float(z))
        density = mpmath.exp((a - 1) * mpmath.log(z) - z - mpmath.loggamma(a))
        if z < a:
            change = mpmath.diff(lambda t: mpmath.gammainc(t, 0, z, regularized=True), a)
        else:
            change = -mpmath.diff(lambda t: mpmath.gammainc(t, z, mpmath.inf, regularized=True), a)
        return float(-change / density)


@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.5, 1.0, 1.5, 3.0, 20.0, 150.0])
def test_derivative_against_mpmath(alpha):
    z = special.gammaincinv(alpha, QUANTILES)
    z = z[z > 1e-290]
    expected = [reference(x, alpha) for x in z]
    np.testing.assert_allclose(path_derivative(z, np.full(z.shape, alpha)), expected, rtol=2e-11)


def test_derivative_is_that_of_the_quantile():
    alpha = np.array([0.2, 0.9, 2.0, 7.0, 1e4])[:, None]
    p = np.array(QUANTILES)
    step = 1e-4 * alpha
    difference = (special.gammaincinv(alpha + step, p) - special.gammaincinv(alpha - step, p)) / (2 * step)
    z = special.gammaincinv(alpha, p)
    np.testing.assert_allclose(path_derivative(z, np.broadcast_to(alpha, z.shape)), difference, rtol=1e-5)


def test_second_derivative_is_that_of_the_quantile():
    p = np.array([0.05, 0.4, 0.9])
    for alpha in (0.5, 2.0, 30.0):
        z, a = tp.constant(special.gammaincinv(alpha, p)), tp.constant(np.full(3, alpha))
        with tp.GradientTape() as outer:
            outer.watch(a)
            with tp.GradientTape() as inner:
                inner.watch(a)
                out = apply(sampling.gamma_sample, (z, a))
            first = inner.gradient(out, a)
        second = outer.gradient(first, a).numpy()
        h = 1e-3 * alpha
        below, here, above = (special.gammaincinv(alpha + k * h, p) for k in (-1, 0, 1))
        np.testing.assert_allclose(second, (above - 2 * here + below) / h**2, rtol=2e-4, atol=1e-6)


def test_mean_and_its_gradient():
    alpha = tp.Variable(np.array([0.3, 2.0, 10.0]))
    with tp.GradientTape() as tape:
        mean = np.mean(gamma(alpha, (100_000, 3)), axis=0)
    np.testing.assert_allclose(mean.numpy(), alpha.numpy(), rtol=0.03)
    np.testing.assert_allclose(tape.gradient(mean, alpha).numpy(), 1.0, rtol=0.03)  # E z = alpha


def test_float32_and_underflow():
    alpha = tp.Variable(np.full(2000, 1e-3, np.float32))
    with tp.GradientTape() as tape:
        z = gamma(alpha)
    assert z.dtype == np.float32
    assert (z.numpy() == 0).any()  # most draws are below the least float32
    g = tape.gradient(z, alpha).numpy()
    assert g.dtype == np.float32
    assert np.isfinite(g).all()
    assert (g >= 0).all()


def test_compiled_draws_are_the_eager_ones():
    streams = Generator(3), Generator(3)

    def loss(alpha, generator):
        return np.mean(gamma(alpha, (200,), generator=generator) ** 2)

    compiled = tp.value_and_grad(lambda alpha: loss(alpha, streams[0]))
    eager = tp.value_and_grad(lambda alpha: loss(alpha, streams[1]))
    ran = [compiled(np.float64(0.7)) for _ in range(8)]
    with tp.eager():
        assert ran == [eager(np.float64(0.7)) for _ in range(8)]
    assert len({value for value, _ in ran}) == 8
    assert streams[0].counter.item() == streams[1].counter.item()


def test_both_modes_and_derivatives_of_a_composition():
    g = Generator(0)
    z = gamma(np.array([0.5, 3.0]), generator=g)

    def fn(alpha):
        return np.log(apply(sampling.gamma_sample, (z, alpha))) * alpha

    alpha = tp.constant(np.array([0.5, 3.0]))
    with tp.GradientTape() as tape:
        tape.watch(alpha)
        y = fn(alpha)
    path = path_derivative(z.numpy(), alpha.numpy())
    np.testing.assert_allclose(
        tape.gradient(y, alpha).numpy(), np.log(z.numpy()) + alpha.numpy() * path / z.numpy(), rtol=1e-13
    )


@pytest.mark.parametrize("alpha", [0.0, -1.0, np.nan, np.inf])
def test_shape_parameters_outside_their_range(alpha):
    with pytest.raises(ValueError, match="finite shape parameters above 0"):
        gamma([1.0, alpha])


def test_errors():
    with pytest.raises(ShapeError, match="alpha of shape"):
        gamma([1.0, 2.0], (3,))
    with pytest.raises(DTypeError, match="int64"):
        gamma(1.0, dtype=np.int64)
    assert gamma(2).dtype == np.float32
    assert gamma(np.ones(0)).shape == (0,)
