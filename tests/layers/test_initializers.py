"""Initial values: their distributions, and that they belong to no recording."""

import numpy as np
import pytest
from scipy import stats

import tapec as tp
from tapec.layers import initializers
from tapec.random import Generator

SHAPE = (300, 500)


@pytest.fixture(autouse=True)
def seeded():
    tp.random.seed(13)


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("glorot_uniform", 2 / 800), ("glorot_normal", 2 / 800), ("he_uniform", 2 / 300), ("he_normal", 2 / 300),
        ("lecun_uniform", 1 / 300), ("lecun_normal", 1 / 300), ("uniform", 0.1**2 / 12),
        ("random_uniform", 0.1**2 / 12), ("random_normal", 0.05**2),
        ("truncated_normal", 0.05**2 * 0.87962566103423978**2),
    ],
)  # fmt: skip
def test_variances(name, variance):
    values = initializers.get(name)(SHAPE, np.dtype(np.float64)).numpy()
    assert abs(values.mean()) < 4 * np.sqrt(variance / values.size)
    np.testing.assert_allclose(values.var(), variance, rtol=0.02)


def test_shapes_of_the_distributions():
    uniform = initializers.get("glorot_uniform")(SHAPE, np.dtype(np.float64)).numpy().ravel()
    limit = np.sqrt(6 / 800)
    assert stats.kstest(uniform, stats.uniform(-limit, 2 * limit).cdf).pvalue > 1e-3
    normal = initializers.get("he_normal")(SHAPE, np.dtype(np.float64)).numpy().ravel()
    scale = np.sqrt(2 / 300) / 0.87962566103423978
    assert stats.kstest(normal, stats.truncnorm(-2, 2, 0, scale).cdf).pvalue > 1e-3


def test_constants():
    assert initializers.get("zeros")((2,), np.dtype(np.float32)).tolist() == [0.0, 0.0]
    ones = initializers.get("ones")((2, 0), np.dtype(np.float64))
    assert (ones.shape, ones.dtype) == ((2, 0), np.float64)
    assert initializers.Constant(2.5)((), np.dtype(np.float32)).item() == 2.5


def test_fans_of_windows():
    assert initializers.fans((3, 5, 7, 11)) == (105, 165)
    assert initializers.fans((4, 6)) == (4, 6)
    assert initializers.fans((9,)) == (9, 9)


def test_unknown_names():
    with pytest.raises(ValueError, match="unknown initializer 'he'; known are zeros"):
        initializers.get("he")
    assert initializers.get(len) is len


def test_seeds_and_own_streams():
    def draw(**options):
        return initializers.RandomNormal(**options)((5,), np.dtype(np.float32)).numpy().tolist()

    tp.random.seed(1)
    first, second = draw(), draw()
    tp.random.seed(1)
    assert first == draw() != second
    assert draw(generator=Generator(3)) == draw(generator=Generator(3))


def test_no_recording_hears_of_them():
    initializer = initializers.get("he_normal")

    @tp.function
    def f(x):
        return x + initializer((3,), np.dtype(np.float64)).numpy()

    x = np.zeros(3)
    assert f(x).tolist() == f(x).tolist()
    assert f.compiles == 1
