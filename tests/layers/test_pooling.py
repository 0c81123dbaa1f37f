"""Pooling against a loop over windows."""

import numpy as np
import pytest
from scipy.ndimage import maximum_filter

import tapec as tp
from tapec.errors import ShapeError
from tapec.layers import AveragePool2D, MaxPool2D

X = np.random.default_rng(4).normal(size=(2, 5, 7, 3))


def reference(x, size, strides, padding, reduce):
    """Windows cut off at the edges: what is beyond them does not count."""
    starts = []
    for n, k, s in zip(x.shape[1:3], size, strides, strict=True):
        count = -(-n // s) if padding == "same" else (n - k) // s + 1
        before = max((count - 1) * s + k - n, 0) // 2 if padding == "same" else 0
        starts.append([i * s - before for i in range(count)])
    return np.array([
        [reduce(x[:, max(i, 0) : i + size[0], max(j, 0) : j + size[1]], axis=(1, 2)) for j in starts[1]]
        for i in starts[0]
    ]).transpose(2, 0, 1, 3)  # fmt: skip


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "strides"), [((2, 2), None), ((3, 2), (1, 1)), ((3, 3), (2, 3))])
@pytest.mark.parametrize(("layer", "reduce"), [(MaxPool2D, np.max), (AveragePool2D, np.mean)])
def test_against_the_definition(layer, reduce, size, strides, padding):
    made = layer(size, strides, padding, dtype=np.float64)
    found = made(X).numpy()
    np.testing.assert_allclose(found, reference(X, size, strides or size, padding, reduce), rtol=1e-12)
    assert tp.function(made)(X).tobytes() == found.tobytes()


def test_max_against_scipy():
    found = MaxPool2D(3, 1, "same", dtype=np.float64)(X).numpy()
    np.testing.assert_array_equal(found, maximum_filter(X, (1, 3, 3, 1), mode="constant", cval=-np.inf))


def test_padding_never_wins():
    x = np.full((1, 3, 3, 1), -5.0)
    assert (MaxPool2D(2, padding="same")(x).numpy() == -5).all()
    assert (AveragePool2D(2, padding="same")(x).numpy() == -5).all()


@pytest.mark.parametrize("layer", [MaxPool2D, AveragePool2D])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_derivatives(layer, padding):
    x = np.random.default_rng(0).permutation(30.0 * np.arange(1, 31) / 30).reshape(1, 5, 3, 2)
    tp.testing.check_grads(layer(2, (1, 2), padding, dtype=np.float64), [x], order=1)


def test_ties_share_equally():
    x = tp.Variable(np.ones((1, 2, 2, 1), np.float32))
    with tp.GradientTape() as tape:
        y = MaxPool2D(2)(x)
    assert tape.gradient(y, x).numpy().ravel().tolist() == [0.25] * 4


def test_errors():
    with pytest.raises(ValueError, match="pool_size"):
        MaxPool2D(0)
    with pytest.raises(ShapeError, match="does not fit"):
        MaxPool2D(4)(np.zeros((1, 3, 3, 1)))
