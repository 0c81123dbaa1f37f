"""Optimizers against their formulas in NumPy, and what they do with bad gradients."""

import warnings

import numpy as np
import pytest

import tapec as tp
from tapec.errors import DisconnectedGradientWarning, DTypeError, ShapeError
from tapec.optimizers import SGD, Adam, AdamW, RMSprop

START = np.array([1.0, -2.0, 3.0])
GRADIENTS = np.random.default_rng(0).normal(size=(6, 3))


def run(optimizer, dtype=np.float64):
    variable = tp.Variable(START.astype(dtype), name="w")
    for gradient in GRADIENTS:
        optimizer.apply_gradients([(gradient.astype(dtype), variable)])
    return variable.numpy()


def sgd(rate=0.1, momentum=0.0, nesterov=False):
    w, v = START.copy(), np.zeros(3)
    for g in GRADIENTS:
        v = momentum * v - rate * g
        w = w + (momentum * v - rate * g if nesterov else v)
    return w


def adam(rate=0.1, decay=0.0, b1=0.9, b2=0.999, epsilon=1e-7):
    w, m, s = START.copy(), np.zeros(3), np.zeros(3)
    for t, g in enumerate(GRADIENTS, start=1):
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g * g
        w = w - rate * decay * w - rate * np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(s) + epsilon)
    return w


def rmsprop(rate=0.1, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    w, s, a, p = START.copy(), np.zeros(3), np.zeros(3), np.zeros(3)
    for g in GRADIENTS:
        s, a = rho * s + (1 - rho) * g * g, rho * a + (1 - rho) * g
        p = momentum * p + rate * g / np.sqrt(s - (a * a if centered else 0) + epsilon)
        w = w - p
    return w


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (lambda: SGD(0.1), sgd()),
        (lambda: SGD(0.1, momentum=0.9), sgd(momentum=0.9)),
        (lambda: SGD(0.1, momentum=0.9, nesterov=True), sgd(momentum=0.9, nesterov=True)),
        (lambda: Adam(0.1), adam()),
        (lambda: Adam(0.1, 0.5, 0.7, 1e-3), adam(b1=0.5, b2=0.7, epsilon=1e-3)),
        (lambda: AdamW(0.1, weight_decay=0.2), adam(decay=0.2)),
        (lambda: RMSprop(0.1), rmsprop()),
        (lambda: RMSprop(0.1, 0.5, 0.3), rmsprop(rho=0.5, momentum=0.3)),
        (lambda: RMSprop(0.1, epsilon=1e-3, centered=True), rmsprop(epsilon=1e-3, centered=True)),
    ],
)  # fmt: skip
def test_formulas(optimizer, expected):
    np.testing.assert_allclose(run(optimizer()), expected, rtol=1e-13)
    found = run(optimizer(), np.float32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_names_and_slots():
    tp.naming.reset_names()
    optimizer, w = Adam(), tp.Variable([1.0, 2.0], name="layer/w")
    optimizer.apply_gradients([([1.0, 1.0], w)])
    assert [v.name for v in optimizer.variables] == [
        "adam/iterations:0", "adam/learning_rate:0", "adam/layer/w/mean:0", "adam/layer/w/square:0",
    ]  # fmt: skip
    assert optimizer.trainable_variables == ()
    assert SGD().name == "sgd"
    assert SGD().slots == []


def test_slots_can_be_made_before_the_first_step():
    optimizer, w = Adam(), tp.Variable([1.0])
    optimizer.build([w])
    (slots,) = optimizer.slots
    optimizer.apply_gradients([([1.0], w)])
    assert optimizer.slots == [slots]
    assert slots["mean"].numpy()[0] == pytest.approx(0.1)


def test_learning_rate_changes_reach_compiled_steps():
    optimizer, w = SGD(0.5), tp.Variable(0.0)
    step = tp.function(lambda g: optimizer.apply_gradients([(g, w)]))
    step(np.float64(1.0))
    assert w.item() == -0.5
    optimizer.learning_rate = 0.25
    step(np.float64(1.0))
    assert w.item() == -0.75
    assert step.recordings == 1
    assert optimizer.learning_rate.item() == 0.25


def test_learning_rate_as_variable_and_as_function():
    rate, w = tp.Variable(0.5), tp.Variable(0.0)
    optimizer = SGD(rate)
    assert optimizer.learning_rate is rate
    optimizer.apply_gradients([(1.0, w)])
    rate.assign(0.125)
    optimizer.apply_gradients([(1.0, w)])
    assert w.item() == -0.625

    seen = tp.Variable(0.0)
    schedule = SGD(lambda taken: 1.0 / (taken + 1))
    step = tp.function(lambda g: schedule.apply_gradients([(g, seen)]))
    for _ in range(3):
        step(np.float64(1.0))
    assert seen.item() == -(1 + 1 / 2 + 1 / 3)
    assert step.recordings == 1
    with pytest.raises(TypeError, match="make another optimizer"):
        schedule.learning_rate = 0.1
    with pytest.raises(TypeError, match="make another optimizer"):
        optimizer.learning_rate = tp.Variable(0.1)


def test_missing_gradients_are_named_once():
    optimizer = SGD(1.0)
    a, b = tp.Variable(1.0, name="a"), tp.Variable(1.0, name="b")
    with pytest.warns(UserWarning, match=r"variables \['b:0'\]"):
        optimizer.apply_gradients([(1.0, a), (None, b)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.apply_gradients([(1.0, a), (None, b)])
    assert (a.item(), b.item(), optimizer.iterations.item()) == (-1.0, 1.0, 2)


def test_no_gradient_at_all():
    optimizer, a = SGD(1.0), tp.Variable(1.0, name="a")
    with pytest.raises(ValueError, match=r"No gradients provided for any variable: \['a:0'\]"):
        optimizer.apply_gradients([(None, a)])
    with pytest.raises(ValueError, match="No gradients"):
        optimizer.apply_gradients([])


def test_nothing_is_assigned_unless_everything_fits():
    optimizer = Adam(1.0)
    a, b, n = tp.Variable([1.0]), tp.Variable([1.0, 2.0], name="b"), tp.Variable(3, name="n")
    with pytest.raises(ShapeError, match=r"b:0 has shape \(2,\), its gradient has shape \(3,\)"):
        optimizer.apply_gradients([([1.0], a), ([1.0, 2.0, 3.0], b)])
    with pytest.raises(DTypeError, match="n:0 is int64"):
        optimizer.apply_gradients([([1.0], a), (1, n)])
    with pytest.raises(ValueError, match="stands twice"):
        optimizer.apply_gradients([([1.0], a), ([2.0], a)])
    assert a.item() == 1.0
    assert optimizer.iterations.item() == 0


@pytest.mark.parametrize(
    "make", [lambda: SGD(momentum=1.0), lambda: Adam(beta_1=1.0), lambda: AdamW(beta_2=-0.1), lambda: RMSprop(rho=2.0)]
)
def test_decays_outside_their_range(make):
    with pytest.raises(ValueError, match="from 0 to below 1"):
        make()


def test_no_derivative_flows_through_a_step():
    optimizer, w, g = SGD(0.1), tp.Variable(1.0), tp.Variable(2.0)
    with tp.GradientTape() as tape:
        optimizer.apply_gradients([(g * 1.0, w)])
        y = w * 3.0
    with pytest.warns(DisconnectedGradientWarning):
        d_w, d_g = tape.gradient(y, [w, g])
    assert d_w.item() == 3.0
    assert d_g is None


def test_linear_regression_converges():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(100, 3))
    y = x @ [1.0, -2.0, 0.5]
    for optimizer in (SGD(0.1, 0.9), Adam(0.1), AdamW(0.1, 0.0), RMSprop(0.02)):
        w = tp.Variable(np.zeros(3))

        @tp.function
        def step(x, y, w=w, optimizer=optimizer):
            with tp.GradientTape() as tape:
                loss = np.mean((x @ w - y) ** 2)
            optimizer.apply_gradients([(tape.gradient(loss, w), w)])
            return loss

        losses = [step(x, y) for _ in range(300)]
        assert losses[-1] < 1e-3 * losses[0]
