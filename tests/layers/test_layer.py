"""What layers share: lazy Variables, names, dtypes, and first calls inside compiled functions."""

import numpy as np
import pytest

import tapec as tp
from tapec.errors import DTypeError, ShapeError
from tapec.layers import Activation, BatchNorm, Dense, Dropout, Embedding, Flatten, LayerNorm, Sequential
from tapec.naming import reset_names


def test_names_count_up_within_a_class():
    reset_names()
    layers = [Dense(1), Dense(1), LayerNorm(), Dense(1, name="mine")]
    for layer in layers:
        layer(np.zeros((1, 1)))
    assert [v.name for layer in layers for v in layer.variables] == [
        "dense/kernel:0", "dense/bias:0", "dense_1/kernel:0", "dense_1/bias:0", "layer_norm/gamma:0",
        "layer_norm/beta:0", "mine/kernel:0", "mine/bias:0",
    ]  # fmt: skip


def test_scopes_of_modules_come_first():
    class Model(tp.Module):
        def __init__(self):
            super().__init__()
            self.layer = Dense(1, name="head")

        def __call__(self, x):
            with self.name_scope:
                return self.layer(x)

    model = Model()
    model(np.zeros((1, 1)))
    assert [v.name for v in model.variables] == ["model/head/kernel:0", "model/head/bias:0"]


def test_variables_are_made_at_the_first_call_and_only_then():
    layer = Dense(2)
    assert layer.variables == ()
    assert not layer.built
    layer(np.zeros((3, 4)))
    kernel = layer.kernel
    layer(np.ones((5, 4)))
    assert layer.kernel is kernel
    assert kernel.shape == (4, 2)


def test_a_failing_build_leaves_the_layer_unbuilt():
    layer = BatchNorm()
    with pytest.raises(ShapeError, match="at least two axes"):
        layer(np.zeros(3))
    assert not layer.built
    assert layer(np.zeros((2, 3))).shape == (2, 3)


def test_inputs_are_converted():
    assert Dense(2)(np.zeros((1, 3))).dtype == np.float32
    assert Dense(2)(np.zeros((1, 3), np.int64)).dtype == np.float32
    assert Dense(2, dtype=np.float64)(np.zeros((1, 3), np.float32)).dtype == np.float64
    with pytest.raises(DTypeError, match="int32"):
        Dense(2, dtype=np.int32)


def test_weights_that_are_not_trainable():
    layer = Dense(2, trainable=False)
    layer(np.zeros((1, 3)))
    assert len(layer.variables) == 2
    assert layer.trainable_variables == ()


def test_a_first_call_in_a_compiled_function_initialises_once():
    model = Sequential([Dropout(0.5), Dense(3), Dropout(0.5)])
    twin = Sequential([Dropout(0.5), Dense(3), Dropout(0.5)])
    compiled = tp.function(lambda x: model(x, training=True))
    x = np.ones((4, 5), np.float32)

    tp.random.seed(8)
    ran = [compiled(x) for _ in range(3)]
    kernel = model.layers[1].kernel.numpy()
    tp.random.seed(8)
    eager = [twin(x, training=True).numpy() for _ in range(3)]
    assert compiled.recordings == 1
    assert kernel.tobytes() == twin.layers[1].kernel.numpy().tobytes()
    for a, b in zip(ran, eager, strict=True):
        assert a.tobytes() == b.tobytes()
    assert ran[0].tobytes() != ran[1].tobytes()


def test_a_first_call_under_a_tape_is_differentiated():
    layer = Dense(2, activation="relu", kernel_initializer="ones")
    with tp.GradientTape() as tape:
        y = layer([[1.0, 2.0, 3.0]])
        loss = np.mean(y**2)
    kernel, bias = tape.gradient(loss, layer.trainable_variables)
    assert kernel.tolist() == [[6.0, 6.0], [12.0, 12.0], [18.0, 18.0]]
    assert bias.tolist() == [6.0, 6.0]


def test_dense_against_numpy():
    rng = np.random.default_rng(0)
    layer = Dense(3, activation="tanh", dtype=np.float64, bias_initializer="ones")
    for shape in ((5,), (2, 5), (2, 3, 5), (0, 5)):
        x = rng.normal(size=shape)
        found = layer(x).numpy()
        expected = np.tanh(x @ layer.kernel.numpy() + layer.bias.numpy())
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    assert Dense(3, use_bias=False)(np.zeros((1, 2))).shape == (1, 3)
    with pytest.raises(ShapeError, match=r"last extent of 5, got shape \(2, 4\)"):
        layer(np.zeros((2, 4)))
    with pytest.raises(ShapeError, match="scalar"):
        Dense(3)(1.0)


def test_dense_derivatives():
    layer = Dense(2, activation="softplus", dtype=np.float64)
    x = np.random.default_rng(1).normal(size=(3, 4))
    layer(x)
    tp.testing.check_grads(layer, [x], order=2)
    kernel = layer.kernel

    def of_kernel(values):
        return tp.nn.softplus(x @ values + layer.bias)

    with tp.GradientTape() as tape:
        y = layer(x).sum()
    with tp.GradientTape() as other:
        values = kernel.value()
        other.watch(values)
        again = of_kernel(values).sum()
    np.testing.assert_array_equal(tape.gradient(y, kernel).numpy(), other.gradient(again, values).numpy())


def test_sequential():
    model = Sequential([Dense(4, activation="relu"), lambda x: x * 2.0, Sequential([Dense(1)])])
    x = np.ones((2, 3), np.float32)
    y = model(x)
    first, last = model.layers[0], model.layers[2].layers[0]
    np.testing.assert_array_equal(y.numpy(), last(first(x) * 2.0).numpy())
    assert len(model.variables) == 4
    model.add(Activation("sigmoid"))
    np.testing.assert_array_equal(model(x).numpy(), tp.nn.sigmoid(y).numpy())
    assert Sequential()([1.0, 2.0]).tolist() == [1.0, 2.0]


def test_flatten_and_activation():
    assert Flatten()(np.zeros((2, 3, 4))).shape == (2, 12)
    assert Flatten()(np.zeros((0, 3, 4))).shape == (0, 12)
    assert Flatten()(np.zeros(3)).shape == (3, 1)
    with pytest.raises(ShapeError, match="scalar"):
        Flatten()(1.0)
    assert Activation(lambda x: x + 1.0)([1.0]).tolist() == [2.0]
    assert Activation(None)([1.0]).tolist() == [1.0]
    with pytest.raises(ValueError, match="unknown activation 'rleu'; known are"):
        Activation("rleu")


@pytest.mark.parametrize("name", sorted(tp.layers.activation.ACTIVATIONS))
def test_every_activation_differentiates(name):
    layer = Activation(name, dtype=np.float64)
    tp.testing.check_grads(layer, [np.array([[-1.3, 0.4, 2.2]])], order=1)


def test_dropout():
    x = np.ones((200, 200), np.float32)
    layer = Dropout(0.25, generator=tp.random.Generator(0))
    assert layer(x).numpy().tobytes() == x.tobytes()
    y = layer(x, training=True).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs(np.mean(y == 0) - 0.25) < 4 * np.sqrt(0.25 * 0.75 / y.size)
    assert layer(x, training=True).numpy().tobytes() != y.tobytes()
    assert Dropout(0.0)(x, training=True).numpy().tobytes() == x.tobytes()
    for rate in (-0.1, 1.0):
        with pytest.raises(ValueError, match="from 0 to below 1"):
            Dropout(rate)


def test_dropout_passes_the_gradient_where_it_kept():
    x = tp.Variable(np.ones(50, np.float32))
    with tp.GradientTape() as tape:
        y = Dropout(0.5)(x, training=True)
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), y.numpy())


def test_embedding():
    layer = Embedding(5, 3)
    ids = np.array([[0, 4], [4, 1]])
    with tp.GradientTape() as tape:
        y = layer(ids)
    table = layer.embeddings.numpy()
    np.testing.assert_array_equal(y.numpy(), table[ids])
    assert np.abs(table).max() <= 0.05
    g = tape.gradient(y, layer.embeddings).numpy()
    np.testing.assert_array_equal(g, np.array([1, 1, 0, 0, 2])[:, None] * np.ones(3))
    with pytest.raises(DTypeError, match="float64"):
        layer(np.zeros(2))
    with pytest.raises(tp.errors.IndexOutOfRangeError, match="5"):
        layer([5])
