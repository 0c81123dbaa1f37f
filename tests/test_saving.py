"""`tp.save` and `tp.load`: all or nothing."""

import numpy as np
import pytest

import tapec as tp
from tapec.errors import CorruptFileError, EagerFallbackWarning, VariableMismatchError
from tapec.layers import BatchNorm, Dense, Sequential
from tapec.safetensors import read, write


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def model(*, called=True):
    made = Sequential([Dense(3), BatchNorm(), Dense(1)])
    if called:
        made(np.ones((2, 4)), training=True)
    return made


def values(module):
    return [v.numpy().tobytes() for v in module.variables]


def test_round_trip(path):
    one, other = model(), model()
    assert values(one) != values(other)
    tp.save(one, path)
    tp.load(other, path)
    assert values(one) == values(other)
    assert sorted(read(path)) == [
        "layers.0.bias", "layers.0.kernel", "layers.1.beta", "layers.1.gamma", "layers.1.moving_mean",
        "layers.1.moving_variance", "layers.2.bias", "layers.2.kernel",
    ]  # fmt: skip


def test_training_goes_on_with_the_same_bits(path):
    x, y = np.random.default_rng(0).normal(size=(2, 8, 4)).astype(np.float32)

    def steps(module, optimizer, count):
        for _ in range(count):
            with tp.GradientTape() as tape:
                loss = np.mean((module(x, training=True) - y[:, :1]) ** 2)
            variables = module.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    one, adam = model(), tp.optimizers.Adam(0.1)
    steps(one, adam, 2)
    tp.save({"model": one, "optimizer": adam}, path)
    steps(one, adam, 2)
    other, fresh = model(), tp.optimizers.Adam(0.5)
    fresh.build(other.trainable_variables)
    tp.load({"model": other, "optimizer": fresh}, path)
    steps(other, fresh, 2)
    assert values(one) == values(other)


def test_a_generators_state(path):
    g = tp.random.Generator(4)
    g.words((10,))
    tp.save({"key": g.key, "counter": g.counter}, path)
    ahead = g.word((5,)).numpy()
    fresh = tp.random.Generator(0)
    tp.load({"key": fresh.key, "counter": fresh.counter}, path)
    np.testing.assert_array_equal(fresh.word((5,)).numpy(), ahead)


def test_mismatches_are_all_named_and_nothing_is_assigned(path):
    write(path, {"a": np.zeros(2), "b": np.zeros((2, 3)), "c": np.zeros(1), "e": np.zeros(1, np.float32)})
    target = {"a": tp.Variable([1.0, 2.0]), "b": tp.Variable(np.ones((3, 2))), "d": tp.Variable(1.0),
              "e": tp.Variable([1.0])}  # fmt: skip
    with pytest.raises(VariableMismatchError) as caught:
        tp.load(target, path)
    message = str(caught.value)
    for part in ("the file has no 'd'", "no Variable for 'c'", "'b' is float64(3, 2), and in the file float64(2, 3)",
                 "'e' is float64(1,), and in the file float32(1,)", str(path)):  # fmt: skip
        assert part in message
    assert target["a"].tolist() == [1.0, 2.0]


def test_layers_that_were_never_called(path):
    with pytest.raises(ValueError, match=r"'sequential\w*' has no Variables to save; layers make theirs"):
        tp.save(model(called=False), path)
    tp.save(model(), path)
    with pytest.raises(VariableMismatchError, match="layers make their Variables at the first call"):
        tp.load(model(called=False), path)


def test_corrupt_files_change_nothing(path):
    one = model()
    tp.save(one, path)
    path.write_bytes(path.read_bytes()[:-1])
    before = values(one)
    with pytest.raises(CorruptFileError, match="not a whole safetensors file"):
        tp.load(one, path)
    assert values(one) == before
    with pytest.raises(FileNotFoundError):
        tp.load(one, path.with_name("missing"))


def test_shared_variables_are_saved_once(path):
    v = tp.Variable([1.0])
    tp.save({"a": v, "b": v}, path)
    assert list(read(path)) == ["a"]


def test_saving_in_a_compiled_function_happens_at_every_call(path):
    v = tp.Variable(0.0)

    @tp.function
    def step(x):
        v.assign_add(x)
        tp.save({"v": v}, path)
        return x

    with pytest.warns(EagerFallbackWarning):
        step(np.float64(1.0))
    for _ in range(2):
        step(np.float64(1.0))
    assert read(path)["v"] == 3.0
