"""Convolution against a loop over windows written down as its definition says."""

import itertools

import numpy as np
import pytest

import tapec as tp
from tapec.errors import ShapeError
from tapec.layers import Conv2D
from tapec.layers.windows import Windows

RNG = np.random.default_rng(0)


def same_padded(x, size, strides, fill=0.0):
    pads = []
    for n, k, s in zip(x.shape[1:3], size, strides, strict=True):
        total = max((-(-n // s) - 1) * s + k - n, 0)
        pads.append((total // 2, total - total // 2))
    return np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)


def windows_of(x, size, strides):
    """Index in the result, and the window there: (batch, height, width, channels)."""
    rows, columns = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:3], size, strides, strict=True)]
    for i, j in itertools.product(range(rows), range(columns)):
        yield i, j, x[:, i * strides[0] : i * strides[0] + size[0], j * strides[1] : j * strides[1] + size[1]]


def reference(x, kernel, strides, padding):
    size = kernel.shape[:2]
    x = same_padded(x, size, strides) if padding == "same" else x
    placed = {(i, j): np.einsum("bhwc,hwcf->bf", w, kernel) for i, j, w in windows_of(x, size, strides)}
    rows, columns = (max(k[axis] for k in placed) + 1 for axis in (0, 1))
    return np.stack([np.stack([placed[i, j] for j in range(columns)], 1) for i in range(rows)], 1)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [(1, 1), (2, 1), (2, 3)])
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (2, 5)])
def test_against_the_definition(size, strides, padding):
    layer = Conv2D(4, size, strides, padding, dtype=np.float64)
    x = RNG.normal(size=(2, 7, 9, 3))
    found = layer(x).numpy()
    np.testing.assert_allclose(found, reference(x, layer.kernel.numpy(), strides, padding), rtol=1e-10, atol=1e-12)


def test_bias_and_activation():
    x = RNG.normal(size=(1, 4, 4, 2))
    layer = Conv2D(3, 2, activation="relu", bias_initializer="ones", dtype=np.float64)
    found = layer(x).numpy()
    expected = np.maximum(reference(x, layer.kernel.numpy(), (1, 1), "valid") + 1, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    assert [v.name.split("/")[1] for v in layer.variables] == ["kernel:0", "bias:0"]
    plain = Conv2D(3, 2, use_bias=False)
    plain(x)
    assert [v.shape for v in plain.variables] == [(2, 2, 2, 3)]


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_derivatives(padding):
    layer = Conv2D(2, (2, 3), (1, 2), padding, activation="tanh", dtype=np.float64)
    x = RNG.normal(size=(2, 3, 4, 2))
    layer(x)
    tp.testing.check_grads(layer, [x], order=2, rtol=1e-5)
    kernel = layer.kernel.numpy()
    with tp.GradientTape() as tape:
        y = layer(x).sum()
    found = tape.gradient(y, layer.kernel).numpy()
    for index in [(0, 0, 0, 0), (1, 2, 1, 1), (0, 1, 1, 0)]:
        step = np.zeros_like(kernel)
        step[index] = 1e-6
        values = []
        for sign in (1, -1):
            layer.kernel.assign(kernel + sign * step)
            values.append(layer(x).numpy().sum())
        layer.kernel.assign(kernel)
        np.testing.assert_allclose(found[index], (values[0] - values[1]) / 2e-6, rtol=1e-6)


def test_compiled_is_eager():
    layer = Conv2D(3, 3, padding="same")
    x = RNG.normal(size=(2, 5, 6, 2)).astype(np.float32)
    eager = layer(x).numpy()
    assert tp.function(layer)(x).tobytes() == eager.tobytes()


def test_empty_batch():
    assert Conv2D(3, 2)(np.zeros((0, 4, 4, 1))).shape == (0, 3, 3, 3)


def test_errors():
    with pytest.raises(ValueError, match="kernel_size is a number from 1 up"):
        Conv2D(3, 0)
    with pytest.raises(ValueError, match="strides is a number"):
        Conv2D(3, 2, (1, 2, 3))
    with pytest.raises(ValueError, match="'valid' or 'same'"):
        Conv2D(3, 2, padding="full")
    with pytest.raises(ShapeError, match=r"\(batch, height, width, channels\)"):
        Conv2D(3, 2)(np.zeros((4, 4, 1)))
    with pytest.raises(ShapeError, match="does not fit"):
        Conv2D(3, 5)(np.zeros((1, 4, 4, 1)))
    layer = Conv2D(3, 2)
    layer(np.zeros((1, 4, 4, 1)))
    with pytest.raises(ShapeError, match="1 channels"):
        layer(np.zeros((1, 4, 4, 2)))


def test_margins():
    windows = Windows((3, 2), (2, 2), "same")
    assert windows.counts((1, 5, 4, 1)) == (3, 2)
    assert windows.margins((1, 5, 4, 1)) == [(1, 1), (0, 0)]
    assert Windows((2, 2), (1, 1), "same").margins((1, 3, 3, 1)) == [(0, 1), (0, 1)]
