"""`check_grads` finds wrong derivatives and says where they are."""

import numpy as np
import pytest

import tapec as tp
from tapec import tape_derivatives, tape_recorder
from tapec.ops import elementwise as ew
from tapec.passes.derivatives import DERIVATIVES
from tapec.passes.derivatives.table import Partials
from tapec.testing import check_grads

X = np.array([[0.5, 1.0, 1.5]])


def with_row(monkeypatch, primitive, row):
    monkeypatch.setattr(tape_derivatives, "_PLANS", {})
    monkeypatch.setattr(tape_recorder, "_NEEDED", {})
    monkeypatch.setitem(DERIVATIVES, primitive, row)


def test_right_derivatives_pass():
    check_grads(lambda x, y: [np.sin(x) * y, {"z": np.sum(x * y)}], [X, X + 1.0], order=3)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_a_wrong_partial_is_named(monkeypatch, mode):
    with_row(monkeypatch, ew.sin, Partials((lambda out, _: 2.0 * out,)))
    with pytest.raises(AssertionError, match=rf"^{mode}: argument 1, index \(0, 0\): the derivative is"):
        check_grads(lambda y, x: y * np.sin(x), [X, X], modes=[mode])


def test_a_wrong_second_derivative_is_named(monkeypatch):
    with_row(monkeypatch, ew.cos, Partials((lambda out, _: out,)))
    check_grads(np.sin, [X], order=1)
    with pytest.raises(AssertionError, match=r"^forward, then forward: argument 0, index \(0, 0\)"):
        check_grads(np.sin, [X], order=2)
    with pytest.raises(AssertionError, match=r"^reverse, then reverse: argument 0"):
        check_grads(np.sin, [X], order=2, modes=["reverse"])


def test_an_op_that_should_not_stop_derivatives(monkeypatch):
    with_row(monkeypatch, ew.sin, DERIVATIVES[ew.stop_gradient])
    with pytest.raises(AssertionError, match=r"the derivative is .*0\.0.*, finite differences give"):
        check_grads(np.sin, [X])


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_the_op_is_named_with_its_line(monkeypatch, mode):
    def function(x, y):
        z = np.exp(x) * y
        return np.sum(np.sin(z) * 2.0)

    with_row(monkeypatch, ew.sin, Partials((lambda out, _: 2.0 * out,)))
    line = function.__code__.co_firstlineno + 2
    with pytest.raises(AssertionError, match=rf"; the op 'sin' at .*test_testing\.py:{line} is wrong$"):
        check_grads(function, [X, X + 1.0], modes=[mode])


def test_a_custom_rule_is_named_where_all_ops_are_right():
    @tp.custom_gradient
    def cube(x):
        return x**3, lambda ct: ct * 2.0 * x**2

    line = test_a_custom_rule_is_named_where_all_ops_are_right.__code__.co_firstlineno + 7
    with pytest.raises(AssertionError, match=rf"; the custom rule of .*cube at .*test_testing\.py:{line} is wrong$"):
        check_grads(lambda x: np.sin(cube(x)), [X], order=1, modes=["reverse"])


def test_what_a_custom_function_computes_inside_is_not_to_blame():
    @tp.custom_gradient
    def cube(x):
        kept = tp.stop_gradient(x)  # whose own derivative is not that of the numbers
        return kept**3, lambda ct: ct * 2.0 * x**2

    with pytest.raises(AssertionError, match=r"; the custom rule of .*cube at .* is wrong$"):
        check_grads(lambda x: np.sin(cube(x)), [X], order=1)


def test_ops_without_floating_results_are_not_asked(monkeypatch):
    def function(x):
        first = np.argmax(np.sort(x))  # a warning of an integer target would be an error here
        return np.where(x > 0.7, np.sin(x), x) * x[0, first % 2]

    with_row(monkeypatch, ew.sin, Partials((lambda out, _: 2.0 * out,)))
    with pytest.raises(AssertionError, match=r"; the op 'sin' at .* is wrong$"):
        check_grads(function, [np.array([[0.5, 1.0], [1.5, 2.0]])], order=1)


def test_loops_are_named_as_one_op(monkeypatch):
    with_row(monkeypatch, ew.sin, Partials((lambda out, _: 2.0 * out,)))
    with pytest.raises(AssertionError, match=r"; the op 'scan' at .*test_testing\.py:\d+ is wrong$"):
        check_grads(lambda x: tp.fori_loop(0, 3, lambda _, c: np.sin(c), x), [X], order=1)


def test_unknown_modes():
    with pytest.raises(ValueError, match="'backward'"):
        check_grads(np.sin, [X], modes=["backward"])


def test_empty_and_scalar_arguments():
    check_grads(lambda x, y: x * y, [np.zeros((0, 2)), 2.0])
