"""Layer and batch normalisation against NumPy; moving averages; derivatives."""

import numpy as np
import pytest

import tapec as tp
from tapec.errors import ShapeError
from tapec.layers import BatchNorm, LayerNorm

X = np.random.default_rng(2).normal(3.0, 2.0, size=(6, 4, 5))


def normalised(x, axes, epsilon=1e-3):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def test_layer_norm():
    layer = LayerNorm(dtype=np.float64)
    np.testing.assert_allclose(layer(X).numpy(), normalised(X, -1), rtol=1e-12, atol=1e-14)
    layer.gamma.assign(np.arange(5.0))
    layer.beta.assign(np.ones(5))
    np.testing.assert_allclose(layer(X).numpy(), normalised(X, -1) * np.arange(5.0) + 1, rtol=1e-12, atol=1e-14)
    assert LayerNorm(center=False, scale=False)(X).shape == X.shape
    with pytest.raises(ShapeError, match="last extent of 5"):
        layer(X[..., :3])


def test_batch_norm_in_training_and_after():
    layer = BatchNorm(momentum=0.9, dtype=np.float64)
    np.testing.assert_allclose(layer(X, training=True).numpy(), normalised(X, (0, 1)), rtol=1e-12, atol=1e-14)
    mean, variance = 0.1 * X.mean((0, 1)), 0.9 + 0.1 * X.var((0, 1))
    np.testing.assert_allclose(layer.moving_mean.numpy(), mean, rtol=1e-12)
    np.testing.assert_allclose(layer.moving_variance.numpy(), variance, rtol=1e-12)
    np.testing.assert_allclose(layer(X).numpy(), (X - mean) / np.sqrt(variance + 1e-3), rtol=1e-12)
    assert [v.name.split("/")[1] for v in layer.trainable_variables] == ["gamma:0", "beta:0"]
    assert len(layer.variables) == 4
    with pytest.raises(ShapeError, match="last extent of 5"):
        layer(X[..., :3])


def test_moving_averages_inside_a_compiled_function():
    compiled, eager = BatchNorm(), BatchNorm()
    f = tp.function(lambda x: compiled(x, training=True))
    for k in range(4):
        assert f(X * k).tobytes() == eager(X * k, training=True).numpy().tobytes()
    assert f.recordings == 1
    assert compiled.moving_mean.numpy().tobytes() == eager.moving_mean.numpy().tobytes()
    assert compiled.moving_variance.numpy().tobytes() == eager.moving_variance.numpy().tobytes()


@pytest.mark.parametrize("training", [False, True])
def test_derivatives(training):
    small = X[:3, :2, :2]
    for layer in (BatchNorm(dtype=np.float64), LayerNorm(dtype=np.float64)):
        layer(small, training=training)
        layer.gamma.assign([0.5, 2.0])
        tp.testing.check_grads(lambda x, layer=layer: layer(x, training=training), [small], order=1, rtol=1e-5)


def test_no_derivative_flows_through_moving_averages():
    layer, x = BatchNorm(), tp.Variable(X.astype(np.float32))
    with tp.GradientTape() as tape:
        layer(x, training=True)
        y = layer.moving_mean * 2.0
    with pytest.warns(tp.errors.DisconnectedGradientWarning, match="no derivative flows through state"):
        assert tape.gradient(y, x) is None
