"""What loops and branches refuse, and what they say."""

from __future__ import annotations

import numpy as np
import pytest

import tapec as tp
from tapec.errors import ArgumentError, BodyValueError, BranchError, CarryError, ConditionError, ShapeError

X = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("init", "body", "message"),
    [
        (X, lambda c, _: (c[:2], None), r"carry is tensor<3xf64> before a round and tensor<2xf64> after it"),
        (np.float32(1), lambda c, x: (c * x, None), r"carry is tensor<f32> before a round and tensor<f64> after it"),
        ({"a": 1.0}, lambda c, x: ({"a": c["a"], "b": x}, None), r"a dict with \['a'\] .* with \['a'\], \['b'\] after"),
        ((1.0, 2.0), lambda c, _: ((c[0], X), None), r"carry\[1\] is tensor<f64> before a round and tensor<3xf64>"),
    ],
)  # fmt: skip
def test_a_carry_that_changes(init, body, message):
    with pytest.raises(CarryError, match=f"tp.scan: .*{message}"):
        tp.scan(body, init, X)
    with tp.eager(), pytest.raises(CarryError, match=message):
        tp.scan(body, init, X)


def test_errors_name_the_line():
    with pytest.raises(CarryError, match=rf"at .*{__file__.rpartition('/')[2]}:\d+"):
        tp.fori_loop(0, 3, lambda _, c: c[:1], X)


@pytest.mark.parametrize(
    ("xs", "length", "error", "message"),
    [
        ((X, X[:2]), None, ShapeError, r"xs\[0\]: 3, xs\[1\]: 2"),
        (X, 4, ShapeError, "xs: 3, length: 4"),
        (1.0, None, ShapeError, "xs: no axis"),
        (None, -1, ShapeError, "length: -1"),
        (None, None, ArgumentError, "needs xs, or the number of rounds"),
    ],
)
def test_xs_of_unequal_length(xs, length, error, message):
    with pytest.raises(error, match=message):
        tp.scan(lambda c, x: (c, x), 1.0, xs, length)


def test_a_body_that_gives_no_pair():
    with pytest.raises(ArgumentError, match="must return a pair"):
        tp.scan(lambda c, _: c, 1.0, X)


def test_python_branches_on_values_of_a_body():
    def step(c, x):
        if x > 1.0:
            c = c + x
        return c, None

    with pytest.raises(BodyValueError, match=rf"tp\.scan, at .*{__file__.rpartition('/')[2]}:\d+, Python branched"):
        tp.scan(step, 0.0, X)
    with tp.eager():
        assert tp.scan(step, 0.0, X)[0].item() == 5.0
    for body, instead in (
        (lambda _, c: c + float(c), "keep the tensor"),
        (lambda _, c: c + c.numpy(), "keep the tensor"),
        (lambda i, c: c * X[i], r"np\.take\(a, i, axis=0\)"),
    ):
        with pytest.raises(BodyValueError, match=rf"tp\.fori_loop.* Instead: {instead}"):
            tp.fori_loop(0, 3, body, 1.0)
    with pytest.raises(BodyValueError, match=r"tp\.cond"):
        tp.cond(tp.constant(True), lambda x: x if x > 0 else -x, lambda x: x, 1.0)


def test_python_may_look_at_what_does_not_change():
    flag = tp.constant(3)

    def step(c, x):
        return (c + x if flag > 2 else c), None

    f = tp.function(lambda xs: tp.scan(step, 0.0, xs)[0])
    assert f(X) == 6.0
    assert f(X) == 6.0


def test_variables_are_not_assigned_in_a_body():
    v = tp.Variable(1.0)
    with pytest.raises(BodyValueError, match=r"was assigned inside the body of tp\.fori_loop"):
        tp.fori_loop(0, 3, lambda _, c: v.assign_add(c), 1.0)


@pytest.mark.parametrize("condition", [lambda x: x, lambda x: x > X, lambda _: 1])
def test_conditions_that_are_no_boolean_scalar(condition):
    with pytest.raises(ConditionError, match="must be a boolean scalar, got tensor<"):
        tp.while_loop(condition, lambda x: x, 1.0)
    with pytest.raises(ConditionError, match="carries no tensor"):
        tp.while_loop(lambda _: np.sum(X) > 0.0, lambda x: x, None)


def test_predicates_and_indices():
    with pytest.raises(ConditionError, match="must be a boolean scalar, got tensor<3xi1>"):
        tp.cond(tp.constant(X) > 1.0, lambda: 1.0, lambda: 2.0)
    with pytest.raises(ConditionError, match="must be an integer scalar, got tensor<f64>"):
        tp.switch(tp.constant(1.0), [np.sin])
    with pytest.raises(ArgumentError, match="at least one branch"):
        tp.switch(tp.constant(1), [])


@pytest.mark.parametrize(
    ("true_fn", "message"),
    [
        (lambda x: x[:2], r"result is tensor<3xf64> in false_fn and tensor<2xf64> in true_fn"),
        (lambda x: x.astype(np.float32), r"tensor<3xf64> in false_fn and tensor<3xf32> in true_fn"),
        (lambda x: (x, x), r"false_fn gives one value, true_fn gives a tuple of 2 tensors"),
    ],
)
def test_branches_of_unequal_results(true_fn, message):
    with pytest.raises(BranchError, match=message):
        tp.cond(tp.constant(True), true_fn, lambda x: x, X)


def test_an_error_in_a_body_leaves_nothing_behind():
    def broken(c, x):
        raise KeyError("mine")

    with tp.GradientTape() as tape:
        x = tp.constant(2.0)
        tape.watch(x)
        with pytest.raises(KeyError, match="mine"):
            tp.scan(broken, x, X)
        y = x * x
    assert tape.gradient(y, x).item() == 4.0
