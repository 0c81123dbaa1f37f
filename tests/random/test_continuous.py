"""Distributions of floating numbers: goodness of fit with fixed seeds, ends, dtypes, derivatives, errors."""

import numpy as np
import pytest
from scipy import special, stats

import tapec as tp
from tapec.errors import DTypeError, ShapeError
from tapec.random import Generator, normal, truncated_normal, uniform
from tapec.random.continuous import half_open, positive
from tapec.random.quantile import normal_quantile

N = 200_000
DTYPES = [np.float32, np.float64]


@pytest.fixture(autouse=True)
def seeded():
    tp.random.seed(20240501)


def fits(sample, cdf):
    return stats.kstest(sample.astype(np.float64), cdf).pvalue > 1e-3


@pytest.mark.parametrize("dtype", DTYPES)
def test_uniform(dtype):
    u = uniform((N,), dtype=dtype).numpy()
    assert u.dtype == dtype
    assert u.min() >= 0
    assert u.max() < 1
    assert fits(u, "uniform")
    assert fits(uniform((N,), -3.0, 5.0, dtype).numpy(), stats.uniform(-3, 8).cdf)
    assert not fits(u**1.02, "uniform")  # the test can fail


@pytest.mark.parametrize("dtype", DTYPES)
def test_normal(dtype):
    x = normal((N,), dtype=dtype).numpy()
    assert x.dtype == dtype
    assert fits(x, "norm")
    assert abs(x.mean(dtype=np.float64)) < 4 / np.sqrt(N)
    assert abs(x.var(dtype=np.float64) - 1) < 4 * np.sqrt(2 / N)
    assert abs(stats.kurtosis(x.astype(np.float64))) < 4 * np.sqrt(24 / N)
    assert fits(normal((N,), 3.0, 0.5, dtype).numpy(), stats.norm(3, 0.5).cdf)
    assert not fits(x + 0.02, "norm")


@pytest.mark.parametrize("dtype", DTYPES)
def test_tails_of_the_normal_distribution(dtype):
    x = np.abs(normal((4_000_000,), dtype=dtype).numpy())
    for bound in (3.0, 4.0, 4.75):
        expected = 4_000_000 * 2 * stats.norm.sf(bound)
        assert abs(np.sum(x > bound) - expected) < 4 * np.sqrt(expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_truncated_normal(dtype):
    x = truncated_normal((N,), dtype=dtype).numpy()
    assert np.abs(x).max() <= 2
    assert np.abs(x).max() > 1.999
    assert fits(x, stats.truncnorm(-2, 2).cdf)
    shifted = truncated_normal((N,), 1.0, 3.0, dtype).numpy()
    assert fits(shifted, stats.truncnorm(-2, 2, 1, 3).cdf)


@pytest.mark.parametrize("dtype", DTYPES)
def test_ends_of_what_words_become(dtype):
    words = tp.constant(np.array([0, 1, 2**63, 2**64 - 1], np.uint64))
    low = half_open(words, np.dtype(dtype)).numpy()
    assert low.tolist() == [0.0, 0.0, 0.5, 1 - np.finfo(dtype).epsneg]
    above = positive(words, np.dtype(dtype)).numpy()
    assert above[0] == 2.0**-65
    assert above[1] == 1.5 * 2.0**-64
    assert above[-1] == 1.0


def test_quantiles():
    p = np.concatenate([np.logspace(-10.8, -0.31, 500), 1 - np.logspace(-10.8, -0.31, 500), [0.5]])
    found = normal_quantile(tp.constant(p)).numpy()
    np.testing.assert_allclose(found, special.ndtri(p), rtol=2e-15, atol=1e-300)


def test_dtypes():
    assert normal((2,)).dtype == np.float32
    assert normal((2,), np.float64(1.0)).dtype == np.float64
    assert normal((2,), 1, 2).dtype == np.float32
    assert uniform((2,), np.zeros(2, np.float32), np.ones(2)).dtype == np.float64
    assert uniform((2,), np.int32(0), np.int32(3)).dtype == np.float64
    assert normal(3).shape == (3,)
    assert normal().shape == ()
    assert normal((0, 2)).shape == (0, 2)


@pytest.mark.parametrize("draw", [normal, uniform, truncated_normal])
def test_errors(draw):
    with pytest.raises(DTypeError, match="int32"):
        draw((2,), dtype=np.int32)
    with pytest.raises(ShapeError, match=r"\(3,\) does not broadcast to the shape \(2,\)"):
        draw((2,), np.zeros(3))
    with pytest.raises(ShapeError, match=r"\(1, 2\) does not broadcast"):
        draw((2,), 0.0, np.ones((1, 2)))
    with pytest.raises(ShapeError, match="negative"):
        draw((2, -1))


@pytest.mark.parametrize("draw", [normal, truncated_normal])
def test_derivatives_flow_to_mean_and_deviation(draw):
    mean, deviation = tp.Variable(np.zeros(3)), tp.Variable(2.0)
    with tp.GradientTape() as tape:
        x = draw((4, 3), mean, deviation)
    d_mean, d_deviation = tape.gradient(x, [mean, deviation])
    assert d_mean.tolist() == [4.0, 4.0, 4.0]
    np.testing.assert_allclose(d_deviation.item(), x.numpy().sum() / 2, rtol=1e-12)


def test_derivatives_flow_to_the_ends():
    low, high = tp.Variable(1.0), tp.Variable(3.0)
    with tp.GradientTape() as tape:
        u = uniform((), low, high, generator=Generator(4))
    d_low, d_high = tape.gradient(u, [low, high])
    share = (u.item() - 1) / 2
    np.testing.assert_allclose([d_low.item(), d_high.item()], [1 - share, share], rtol=1e-12)
