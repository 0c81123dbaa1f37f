"""TensorFlow's names: defaults, argument names, and what is said of names that are not there."""

import importlib
import inspect
import pkgutil
from types import ModuleType

import numpy as np
import pytest

import tapec as tp
import tapec.compat.tensorflow as tf

MODULES = [
    importlib.import_module(info.name)
    for info in pkgutil.walk_packages(tf.__path__, "tapec.compat.tensorflow.")
    if "._" not in info.name
]


@pytest.mark.parametrize("module", [tf, *MODULES], ids=lambda m: m.__name__.removeprefix("tapec.compat."))
def test_a_name_that_is_not_there(module):
    with pytest.raises(AttributeError, match=r"tapec has under this name: \w+"):
        module.no_such_name
    assert not hasattr(module, "__wrapped__")


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__.removeprefix("tapec.compat."))
def test_what_is_listed_is_there_and_the_other_way_around(module):
    assert all(hasattr(module, name) for name in module.__all__)
    own = [
        name for name, value in vars(module).items()
        if inspect.isfunction(value) and not name.startswith("_") and value.__module__ == module.__name__
    ]  # fmt: skip
    assert set(own) <= set(module.__all__)


def test_a_close_name_is_suggested():
    with pytest.raises(AttributeError, match="did you mean reduce_mean"):
        tf.reduced_mean
    with pytest.raises(AttributeError, match=r"tf\.keras\.layers has no 'Dens'; did you mean Dense"):
        tf.keras.layers.Dens


def test_everything_public_is_documented():
    names = [(tf, name) for name in vars(tf) if not name.startswith("_")]
    names += [(module, name) for module in MODULES for name in module.__all__]
    public = [value for value in (getattr(m, name) for m, name in names) if callable(value)]
    assert [v for v in public if not v.__doc__] == []
    assert all(isinstance(getattr(tf, name), ModuleType) for name in ("math", "nn", "random", "keras", "linalg"))


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (3.0, np.float32), (10, np.int32), (True, np.bool_), ([1, 3.0], np.float32), (((1, 2), (3, 4)), np.int32),
        (2**40, np.int64), (np.float64(3.0), np.float64), ([np.float64(3.0)], np.float64),
        (np.arange(2), np.int64), ([], np.float32),
    ],
)  # fmt: skip
def test_dtypes_of_values(value, dtype):
    for made in (tf.constant(value), tf.Variable(value), tf.convert_to_tensor(value), tf.identity(value)):
        assert made.dtype == dtype
    assert tf.constant(value, dtype=tf.float64).dtype == tf.Variable(value, dtype=tf.float64).dtype == np.float64


def test_python_numbers_take_the_dtype_of_what_they_meet():
    assert (tf.constant(3.0) * 2.0).dtype == tf.add(tf.constant(1), 2).dtype.type(0).astype(np.float32).dtype
    assert tf.multiply(tf.constant(3.0), 2.0).dtype == tf.float32
    assert tf.multiply(tf.constant(3.0), [2.0]).dtype == tf.float32
    assert tf.add(1.0, 2.0).dtype == tf.float32
    assert tf.maximum(tf.constant(3.0, tf.float64), 2.0).dtype == tf.float64
    assert tf.where([True, False], tf.constant([1.0, 2.0]), 0.0).dtype == tf.float32


def test_variables():
    v = tf.Variable(3.0, trainable=False, name="v")
    assert isinstance(v, tf.Variable) and isinstance(v, tp.Variable)
    assert not isinstance(tf.constant(3.0), tf.Variable)
    assert (v.name, v.trainable) == ("v:0", False)
    assert tf.is_tensor(v) and tf.is_tensor(tf.constant(1)) and not tf.is_tensor(np.ones(1))


def test_making():
    np.testing.assert_array_equal(tf.zeros(2), [0, 0])
    np.testing.assert_array_equal(tf.ones((2, 1), tf.int32), [[1], [1]])
    np.testing.assert_array_equal(tf.fill([2], 7.0), [7, 7])
    np.testing.assert_array_equal(tf.eye(2, dtype=tf.float64), np.eye(2))
    np.testing.assert_array_equal(tf.range(2, 8, delta=3), [2, 5])
    assert tf.range(0.0, 1.0, 0.5).dtype == tf.float32
    assert tf.range(tf.constant(3)).shape == (3,)
    ramp = tf.linspace(-10.0, 10.0, 201)
    assert ramp.dtype == tf.float32 and ramp[-1].item() == 10.0
    np.testing.assert_array_equal(tf.constant([1, 2], shape=(2, 1)), [[1], [2]])
    np.testing.assert_array_equal(tf.constant(2.0, shape=[2]), [2, 2])
    np.testing.assert_array_equal(tf.one_hot([1], 3), [[0, 1, 0]])
    assert tf.zeros_like(tf.constant([1, 2])).dtype == tf.ones_like([1.0], dtype=tf.int32).dtype == tf.int32


def test_shapes():
    x = tf.reshape(tf.range(6), (2, 3))
    assert tf.shape(x).tolist() == [2, 3] and tf.shape(x).dtype == tf.int32
    assert (tf.size(x).item(), tf.rank(x).item()) == (6, 2)
    assert tf.reshape(x, tf.shape(tf.zeros((3, 2)))).shape == (3, 2)
    assert tf.transpose(x, perm=[1, 0]).shape == (3, 2)
    assert tf.expand_dims(x, axis=0).shape == (1, 2, 3)
    assert tf.squeeze(tf.zeros((1, 2, 1)), axis=[0]).shape == (2, 1)
    assert tf.broadcast_to([1, 2], [3, 2]).shape == tf.tile([[1, 2]], [3, 1]).shape == (3, 2)
    assert tf.reverse([1, 2, 3], axis=[0]).tolist() == [3, 2, 1]
    assert tf.roll([1, 2, 3], shift=1, axis=0).tolist() == [3, 1, 2]
    assert tf.repeat([1, 2], 2).tolist() == [1, 1, 2, 2]
    assert tf.pad([1, 2], [[1, 0]], constant_values=9).tolist() == [9, 1, 2]
    assert tf.pad([1, 2, 3], [[2, 0]], mode="REFLECT").tolist() == [3, 2, 1, 2, 3]


def test_joining_and_choosing():
    assert tf.concat([[1], [2, 3]], axis=0).tolist() == [1, 2, 3]
    assert tf.stack([tf.constant(1.0), 2.0], axis=0).tolist() == [1, 2]
    assert [t.item() for t in tf.unstack([1, 2])] == [1, 2]
    assert [t.tolist() for t in tf.split(tf.range(5), [2, 3])] == [[0, 1], [2, 3, 4]]
    assert [t.tolist() for t in tf.split(tf.range(4), 2)] == [[0, 1], [2, 3]]
    assert tf.gather([[1, 2], [3, 4]], [1], axis=1).tolist() == [[2], [4]]
    assert tf.boolean_mask([1, 2, 3], [True, False, True]).tolist() == [1, 3]
    assert tf.where([False, True]).tolist() == [[1]]
    assert tf.clip_by_value([-1.0, 5.0], 0.0, 2.0).tolist() == [0, 2]
    assert tf.sort([2, 1]).tolist() == [1, 2] and tf.argsort([2, 1]).tolist() == [1, 0]
    grid = tf.meshgrid([1, 2], [3], indexing="ij")
    assert [g.tolist() for g in grid] == [[[1], [2]], [[3], [3]]]


def test_reductions():
    x = [[1.0, 2.0], [3.0, 5.0]]
    assert tf.reduce_mean(input_tensor=x).item() == 2.75
    assert tf.reduce_sum(x, axis=[0, 1], keepdims=True).tolist() == [[11.0]]
    assert tf.reduce_max(x, axis=1).tolist() == [2, 5]
    assert tf.math.reduce_variance([1.0, 3.0]).item() == tf.math.reduce_std([1.0, 3.0]).item() == 1.0
    assert tf.reduce_logsumexp([0.0, 0.0]).item() == pytest.approx(np.log(2))
    assert tf.argmax([[1, 2], [3, 0]]).tolist() == [1, 0]
    assert tf.cumsum([[1, 2], [3, 4]]).tolist() == [[1, 2], [4, 6]]
    assert tf.atan2(y=1.0, x=0.0).item() == pytest.approx(np.pi / 2)


def test_neural_networks():
    assert tf.nn.leaky_relu(-1.0).item() == pytest.approx(-0.2)
    assert tf.nn.softmax(logits=[0.0, 0.0]).tolist() == [0.5, 0.5]
    assert tf.nn.log_softmax([[0.0, 0.0]], axis=-1).numpy() == pytest.approx(-np.log(2))
    loss = tf.nn.softmax_cross_entropy_with_logits(labels=[[1.0, 0.0]], logits=[[0.0, 0.0]])
    assert loss.tolist() == pytest.approx([np.log(2)])
    assert tf.nn.gelu(features=0.0, approximate=True).item() == 0.0
    assert tf.nn.softplus(features=1.0).item() == tf.math.softplus(1.0).item()


def test_linear_algebra():
    a = np.array([[4.0, 1.0], [1.0, 3.0]])
    np.testing.assert_allclose(tf.matmul(a, [[1.0], [2.0]], transpose_a=True), a.T @ [[1.0], [2.0]])
    s, u, v = tf.linalg.svd(a)
    np.testing.assert_allclose(u.numpy() * s.numpy() @ v.numpy().T, a, atol=1e-12)
    q, r = tf.linalg.qr(a)
    np.testing.assert_allclose(q @ r, a, atol=1e-12)
    values, vectors = tf.linalg.eigh(a)
    np.testing.assert_allclose(a @ vectors.numpy(), vectors.numpy() * values.numpy())
    chol = tf.linalg.cholesky(a)
    np.testing.assert_allclose(tf.linalg.cholesky_solve(chol, a), np.eye(2), atol=1e-12)
    np.testing.assert_allclose(tf.linalg.triangular_solve(chol, chol), np.eye(2), atol=1e-12)
    np.testing.assert_allclose(tf.linalg.solve(a, a), np.eye(2), atol=1e-12)
    np.testing.assert_allclose(tf.linalg.expm(np.zeros((2, 2))), np.eye(2))
    assert tf.linalg.trace(a).item() == 7.0 and tf.linalg.diag_part(a).tolist() == [4.0, 3.0]
    assert tf.norm([3.0, 4.0]).item() == 5.0 and tf.einsum("ij->", a).item() == 9.0
    assert tf.tensordot(a, a, axes=2).item() == 27.0
    assert tf.linalg.matvec(a, [1.0, 0.0]).tolist() == [4.0, 1.0]


def test_random_numbers():
    tf.random.set_seed(3)
    first = tf.random.normal([2, 3])
    tf.random.set_seed(3)
    assert (tf.random.normal((2, 3)).numpy() == first.numpy()).all() and first.dtype == tf.float32
    u = tf.random.uniform((100,), minval=2, maxval=5, dtype=tf.int32)
    assert u.dtype == tf.int32 and set(u.tolist()) == {2, 3, 4}
    assert tf.random.uniform((3,), 2.0, 3.0).numpy().min() >= 2
    assert tf.random.gamma((5,), [1.0, 2.0], beta=2.0).shape == (5, 2)
    assert tf.random.categorical([[0.0, -np.inf]], 2).tolist() == [[0, 0]]
    assert sorted(tf.random.shuffle([1, 2, 3]).tolist()) == [1, 2, 3]
    assert abs(tf.random.truncated_normal((50,))).numpy().max() <= 2


def test_compiled_functions_give_tensors():
    @tf.function
    def f(x, n=1):
        return {"y": x * 2.0, "n": n}

    found = f(3.0)
    assert found["y"].dtype == tf.float32 and found["y"].numpy() == 6.0
    v = tf.Variable(1.0)
    step = tf.function(lambda: v.assign_add(2.0) * 1.0, jit_compile=True)
    assert [step().numpy().item(), step().numpy().item()] == [3.0, 5.0]
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)["y"]
    assert tape.gradient(y, x).tolist() == [2, 2]
    assert tf.function(jit_compile=True)(lambda: None)() is None


def test_a_compiled_method():
    class Line(tf.Module):
        def __init__(self):
            self.slope = tf.Variable(2.0)

        @tf.function
        def __call__(self, x):
            return self.slope * x

    line = Line()
    assert line(tf.constant(3.0)).item() == 6.0
    line.slope.assign(5.0)
    assert line(tf.constant(3.0)).item() == 15.0


def test_control_flow():
    i, total = tf.while_loop(lambda i, _: i < 5, lambda i, s: (i + 1, s + i), loop_vars=(0, 0))
    assert (i.item(), total.item()) == (5, 10)
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = tf.cond(x > 1.0, lambda: x * x, lambda: x)
    assert tape.gradient(y, x).item() == 4.0
    assert tf.scan(lambda a, b: a + b, tf.constant([1.0, 2.0, 3.0]), initializer=0.0).tolist() == [1, 3, 6]
    assert tf.vectorized_map(lambda v: v * v, tf.constant([1.0, 2.0])).tolist() == [1, 4]


def test_derivatives():
    x = tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as tape:
        same = tf.identity(x)
        y = x * same * tf.stop_gradient(x)
    assert [g.item() for g in tape.gradient(y, [x, same])] == [18.0, 9.0]
    with tf.autodiff.ForwardAccumulator(primals=x, tangents=tf.constant(2.0)) as acc:
        y = x * x
    assert acc.jvp(y).item() == 12.0


def test_nests():
    tree = {"b": [1, 2], "a": (3,)}
    assert tf.nest.flatten(tree) == [1, 2, 3]
    assert tf.nest.pack_sequence_as(tree, [4, 5, 6]) == {"b": [4, 5], "a": (6,)}
    assert tf.nest.map_structure(lambda a, b: a + b, tree, tree) == {"b": [2, 4], "a": (6,)}
    assert tf.nest.is_nested(tree) and not tf.nest.is_nested(3)
    tf.nest.assert_same_structure(tree, {"b": [0, 0], "a": (0,)})
    for other in ({"b": [0, 0]}, {"b": [0, [0]], "a": (0,)}, 3):
        with pytest.raises(ValueError, match="structured as"):
            tf.nest.assert_same_structure(tree, other)


def test_layers_and_optimizers():
    ones = tf.keras.initializers.Ones()
    dense = tf.keras.layers.Dense(1, kernel_initializer=ones, activation=tf.keras.activations.relu)
    model = tf.keras.Sequential([tf.keras.layers.Flatten(), dense])
    optimizer = tf.keras.optimizers.SGD(learning_rate=0.5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(tf.constant([[[1.0, 2.0]]])))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    assert model.layers[1].kernel.numpy().ravel().tolist() == [0.5, 0.0]
    assert isinstance(model.layers[1], tf.keras.layers.Layer)
    for made in (tf.keras.initializers.RandomUniform(minval=2, maxval=3), tf.keras.initializers.GlorotUniform()):
        assert made((2, 2), np.dtype(np.float32)).dtype == tf.float32
    assert tf.keras.initializers.RandomUniform(2, 3)((4,), np.dtype(np.float32)).numpy().min() >= 2
    with tf.name_scope("outer"):
        assert tf.Variable(1.0, name="v").name == "outer/v:0"


def test_conversions():
    assert tf.cast([1.7, -1.7], tf.int32).tolist() == [1, -1]
    assert tf.cast(3, tf.float32).dtype == tf.float32
    x = tf.constant([1.0])
    assert tf.convert_to_tensor(x) is x


def test_registering_gradients():
    for declare in (tf.RegisterGradient, tf.no_gradient):
        with pytest.raises(LookupError, match="there is no op 'NoSuchOp'"):
            declare("NoSuchOp")
    assert callable(tf.RegisterGradient("AdjustContrastv2"))


def test_custom_gradients():
    @tf.custom_gradient
    def square(x):
        return x * x, lambda upstream: 4.0 * upstream

    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = square(x)
    assert tape.gradient(y, x).item() == 4.0
    assert square(3.0).dtype == tf.float32
    with tf.GradientTape() as tape:
        y = tf.recompute_grad(lambda x: tf.sin(x) ** 2)(x)
    assert tape.gradient(y, x).item() == pytest.approx(np.sin(6.0), rel=1e-6)
