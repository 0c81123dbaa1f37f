"""Gradients of convolutions by what they are applied to: products of windows, also where windows are apart."""

from __future__ import annotations

import numpy as np
import pytest

import tapec as tp
from tapec.layers.windows import Windows
from tapec.ops import contraction, movement
from tapec.passes.derivatives import window_products

CASES = [
    ((3, 3), (1, 1), "same"),
    ((3, 3), (1, 1), "valid"),
    ((3, 3), (2, 2), "same"),
    ((3, 2), (2, 1), "valid"),
    ((2, 2), (3, 3), "valid"),  # some positions lie in no window
    ((5, 3), (2, 3), "same"),
    ((3, 1), (1, 1), "valid"),
    ((4, 4), (2, 2), "same"),
]


def convolution(size, step, padding, channels=8, filters=10, dtype=np.float64):
    """A loss with a convolution in it, and images."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 11, 12, channels)).astype(dtype)
    windows = Windows(size, step, padding)
    rows, columns = windows.counts(x.shape)
    kernel = rng.normal(size=(size[0] * size[1] * channels, filters)).astype(dtype)
    weights = rng.normal(size=(2 * rows * columns, filters)).astype(dtype)

    def loss(x):
        found = windows.of(x if isinstance(x, tp.Tensor) else tp.constant(x), 0.0)
        return np.sum(np.sin(found.reshape((len(weights), len(kernel))) @ kernel) * weights)

    return loss, x


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("size", "step", "padding"), CASES)
def test_same_bits_and_right(size, step, padding, dtype, monkeypatch):
    """Compiled and eager runs agree to the bit, and with the sum over places to rounding."""
    loss, x = convolution(size, step, padding, channels=64 // np.dtype(dtype).itemsize, dtype=dtype)
    found = tp.grad(loss)(x)
    with tp.eager():
        assert tp.grad(loss)(x).tobytes() == found.tobytes()
    monkeypatch.setattr(window_products, "LEAST_BYTES", 1 << 20)
    with tp.eager():
        assert np.allclose(tp.grad(loss)(x), found, rtol=0, atol=1e-12 if dtype is np.float64 else 1e-4)


def ops_of(f, x):
    _, path = f._run(f._take_apart((x,), {}))
    return path.executable.graph.ops


def test_no_place_is_written_out():
    """Two products, of windows both; nothing is as large as the windows are."""
    loss, x = convolution((3, 3), (1, 1), "same")
    f = tp.grad(loss)
    ops = ops_of(f, x)
    assert [op.primitive for op in ops if op.primitive.family.name.endswith("contraction")] == [
        contraction.contract
    ] * 2
    assert sum(op.primitive is movement.windows for op in ops) == 2
    _, path = f._run(f._take_apart((x,), {}))
    assert path.executable.program.arena_bytes < x.nbytes * 9


def test_a_class_of_positions_has_its_share_of_the_kernel():
    """Three by three places, two apart: the four classes read 2 x 2, 2 x 1, 1 x 2 and 1 x 1 places."""
    loss, x = convolution((3, 3), (2, 2), "valid")
    places = [op.attributes["size"][1:3] for op in ops_of(tp.grad(loss), x) if op.primitive is movement.windows]
    assert sorted(places) == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3)]


def test_few_channels_are_added_up():
    """A product with three columns would leave lanes idle."""
    loss, x = convolution((3, 3), (1, 1), "same", channels=3)
    assert sum(op.primitive is movement.windows for op in ops_of(tp.grad(loss), x)) == 1


def test_second_derivatives():
    loss, x = convolution((3, 3), (2, 1), "same")
    direction = np.random.default_rng(1).normal(size=x.shape)
    e = 1e-5
    gradient = tp.grad(loss)
    expected = (gradient(x + e * direction) - gradient(x - e * direction)) / (2 * e)
    _, product = tp.jvp(gradient, (x,), (direction,))
    assert np.allclose(product, expected, rtol=1e-5, atol=1e-6)
    inner = tp.grad(lambda x: np.sum(tp.grad(loss)(x) * direction))
    assert np.allclose(inner(x), expected, rtol=1e-5, atol=1e-6)
