"""Values that are differentiated and leave for plain Python: an error with the user's line and what to write."""

import math
import re
import warnings
from math import sin

import numpy as np
import pytest
from scipy import integrate, special

import tapec as tp
from tapec.errors import LostDerivativeError


def filled(t):
    a = np.zeros(2)
    a[0] = t
    return np.sum(a)


def of_fill(t):
    a = np.zeros(2)
    a.fill(t)
    return np.sum(a)


f = np.vectorize(lambda v: v * v)
LOSSES = {
    "array of a list": (lambda t: np.sum(np.array([t, 1.0])), r"np\.stack\(\[a, b\]\) joins"),
    "array of nested lists": (lambda t: np.sum(np.array([[t, 1], [0, t]])), r"tp\.asarray\(\[\[a, b\]"),
    "asarray": (lambda t: np.asarray(t) * 2.0, "leave the call out"),
    "function of a list": (lambda t: np.sum(np.diag([t, 1])), r"give np\.diag the tensor np\.stack\(\[a, b\]\)"),
    "function of linalg": (lambda t: np.linalg.norm([t, 1.0]), r"give np\.linalg\.norm the tensor"),
    "join of lists": (lambda t: np.sum(np.concatenate([[t], [1.0]])), r"np\.concatenate\(\[t\[None\], \[1\.0\]\]\)"),
    "operator": (lambda t: np.sum(np.ones((2, 2)) @ [t, 1.0]), r"np\.stack\(\[a, b\]\) joins"),
    "vectorize": (lambda t: np.sum(np.vectorize(lambda v: v * v)(t)), r"tp\.vmap"),
    "vectorized": (lambda t: np.sum(f(t)), r"tp\.vmap"),
    "fromiter": (lambda t: np.sum(np.fromiter([t, 1.0], float)), r"np\.stack\(list\(values\)\)"),
    "r_": (lambda t: np.sum(np.r_[t, 1.0]), r"np\.r_ can't"),
    "full": (lambda t: np.sum(np.full(3, t)), r"np\.broadcast_to"),
    "float": (lambda t: t * float(t), "keep the tensor"),
    "math": (lambda t: t * math.sin(t), r"np\.sin\(t\) is recorded, math\.sin\(t\) is not"),
    "math by another name": (lambda t: t * sin(t), r"np\.sin\(t\) is recorded"),
    "math of other names": (lambda t: t * math.atan2(t, 1.0), r"np\.arctan2\(t\) is recorded"),
    "NumPy's number": (lambda t: np.float64(t) * 2.0, r"t\.astype\(np\.float64\)"),
    "element of an array": (filled, r"np\.zeros_like\(x\)"),
    "fill": (of_fill, "keep the tensor"),
    "item": (lambda t: t * t.item(), "keep the tensor"),
    "tolist": (lambda t: t * t.tolist(), "keep the tensor"),
    "numpy": (lambda t: t * t.numpy(), "keep the tensor"),
    "scipy": (lambda t: integrate.simpson([t, t, t]) * t, r"simpson computes outside .* tp\.custom_gradient"),
}  # fmt: skip
TRANSFORMS = {
    "grad": lambda f: tp.grad(f)(1.5),
    "grad of function": lambda f: tp.grad(tp.function(f))(1.5),
    "grad of grad": lambda f: tp.grad(tp.grad(f))(1.5),
    "jvp": lambda f: tp.jvp(f, (1.5,), (1.0,)),
    "vjp": lambda f: tp.vjp(f, 1.5),
    "linearize": lambda f: tp.linearize(f, 1.5),
    "jacobian": lambda f: tp.jacobian(f)(1.5),
    "hessian": lambda f: tp.hessian(f)(1.5),
    "hvp": lambda f: tp.hvp(f, 1.5, 1.0),
    "sparse_jacobian": lambda f: tp.sparse_jacobian(f)(1.5),
    "sparsity": lambda f: tp.sparsity(f, 1.5),
    "checkpoint": lambda f: tp.grad(tp.checkpoint(f))(1.5),
    "checkpoint in a checkpoint": lambda f: tp.grad(tp.checkpoint(lambda t: tp.checkpoint(f)(t * t)))(1.5),
    "jvp of checkpoint": lambda f: tp.jvp(tp.checkpoint(lambda t: f(2.0 * t)), (1.5,), (1.0,)),
    "checkpoint that reads": lambda f: tp.grad(lambda t: tp.checkpoint(lambda: f(t * t))())(1.5),
    "transpose of a rule": lambda f: tp.jvp(tp.custom_gradient(lambda t: (t * t, f)), (1.5,), (1.0,)),
    "eager": lambda f: eagerly(f),
    "strict tape": lambda f: strict_tape(f),
    "strict accumulator": lambda f: strict_accumulator(f),
}


def eagerly(f):
    with tp.eager():
        return tp.grad(f)(1.5)


def strict_tape(f):
    x = tp.Variable(1.5)
    with tp.GradientTape(strict=True) as tape:
        y = f(x * 1.0)
    return tape.gradient(y, x)


def strict_accumulator(f):
    x = tp.constant(1.5)
    with tp.ForwardAccumulator(x, 1.0, strict=True) as accumulator:
        y = f(x * 1.0)
    return accumulator.jvp(y)


@pytest.mark.parametrize("name", LOSSES)
def test_the_error_says_what_to_write_instead(name):
    loss, instead = LOSSES[name]
    with pytest.raises(LostDerivativeError, match=rf"(?s){re.escape(__file__)}:\d+: `.*Instead: .*{instead}"):
        tp.grad(loss)(1.5)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", ["array of a list", "math", "element of an array"])
def test_every_transform_of_a_function_refuses(transform, name):
    for _ in range(2):  # the second call is refused as the first one was
        with pytest.raises(LostDerivativeError, match="no derivative"):
            TRANSFORMS[transform](LOSSES[name][0])


@pytest.mark.parametrize(
    "loss",
    [
        lambda t: np.sum(np.stack([t, 1.0]) ** 2),
        lambda t: np.sum(tp.asarray([[t, 1.0], [0.0, 2.0]]) ** 2),
        lambda t: np.sum(np.array([t, 1.0], like=t) ** 2),
        lambda t: np.sum(np.block([[t, 1.0], [0.0, 2.0]]) ** 2),
        lambda t: np.sum(np.concatenate([t[None], [1.0]]) ** 2),
        lambda t: np.sum(np.broadcast_to(t, 1) ** 2),
    ],
)
def test_what_is_written_instead_has_the_derivative(loss):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tp.grad(loss)(1.5) == 3.0
        assert tp.jvp(loss, (1.5,), (1.0,))[1] == 3.0


def test_no_derivative_of_what_asks_for_none():
    def loss(t):
        history.append(float(tp.stop_gradient(t)))
        assert f"{t:.1f}" == "1.5"
        return t * t

    history = []
    with pytest.warns(tp.errors.EagerFallbackWarning):
        assert tp.grad(loss)(1.5) == 3.0
    assert history == [1.5]


@pytest.mark.parametrize(
    ("transform", "error"),
    [
        (lambda f: tp.vmap(f)(np.ones(3)), tp.errors.BatchedValueError),
        (lambda f: tp.scan(lambda c, t: (c, f(t)), 0.0, np.ones(3)), tp.errors.BodyValueError),
        (lambda f: tp.cond(tp.constant(True), f, f, tp.constant(1.5)), tp.errors.BodyValueError),
    ],
    ids=["vmap", "scan", "cond"],
)
@pytest.mark.parametrize("name", ["array of a list", "math", "element of an array"])
def test_bodies_say_what_to_write_instead(transform, error, name):
    loss, instead = LOSSES[name]
    with pytest.raises(error, match=rf"(?s)at {re.escape(__file__)}:\d+, .*Instead: .*{instead}"):
        transform(loss)


def test_values_that_nobody_differentiates_may_leave():
    def loss(t, scale, n):
        return t * t * float(scale) * n.numpy()

    with pytest.warns(tp.errors.EagerFallbackWarning):
        assert tp.grad(loss)(1.5, 2.0, 3) == 18.0
    assert tp.jvp(lambda t: t * np.asarray(tp.constant(2.0)), (1.5,), (1.0,))[1] == 2.0


def test_checkpoints_let_go_what_nobody_differentiates():
    def block(t, scale):
        return t * t * float(scale) * float(tp.constant(2.0) * 1.0)

    with pytest.warns(tp.errors.EagerFallbackWarning):
        assert tp.grad(tp.checkpoint(block))(1.5, 2.0) == 12.0
    x = tp.Variable(1.5)
    with tp.GradientTape() as tape:
        y = tp.checkpoint(lambda t: t * float(t))(x.value())
    assert tape.gradient(y, x).item() == 1.5


def test_positions_and_keys_carry_no_derivative():
    def loss(x):
        assert len({x[0]: 1}) == 1
        return np.sum(x[np.nonzero(x)] ** 2)

    with pytest.warns(tp.errors.EagerFallbackWarning):
        assert tp.grad(loss)(np.array([1.0, 0.0, 2.0])).tolist() == [2.0, 0.0, 4.0]


def test_integers_of_floats_are_guarded():
    for whole in (math.floor, math.ceil, math.trunc):
        g = tp.grad(lambda t, whole=whole: t * whole(t))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert [g(x) for x in (1.5, 1.75, -2.5, 2.0)] == [whole(x) for x in (1.5, 1.75, -2.5, 2.0)]
            assert whole(tp.Variable(2.5)) == whole(2.5)
        assert g.compiles == g.recordings


def test_a_users_own_error_stays_as_it_is():
    def raising(t):
        try:
            float(t)
        except LostDerivativeError as error:
            raise ValueError("mine") from error

    with pytest.raises(ValueError, match="mine"):
        tp.grad(raising)(1.5)


def test_tapes_that_are_not_strict_go_on_as_tensorflows_do():
    x = tp.Variable(1.5)
    with warnings.catch_warnings(), tp.GradientTape() as tape:
        warnings.simplefilter("error")
        y = x * np.asarray(x * 2.0)
    assert tape.gradient(y, x).item() == 3.0


def test_a_rule_of_ones_own_gives_the_derivative_of_what_left():
    @tp.custom_gradient
    def gammaln(t):
        return tp.constant(special.gammaln(t.numpy())), lambda ct: ct * special.psi(np.asarray(t))

    with pytest.warns(tp.errors.EagerFallbackWarning):
        assert tp.grad(lambda t: gammaln(t))(1.5) == special.psi(1.5)
