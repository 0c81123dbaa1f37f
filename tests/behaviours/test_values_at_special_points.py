"""Behaviours at ties, zeros and infinities, some decided otherwise than in TensorFlow (docs/guide.md).

Each test has its id in the yardstick.
"""

import math

import numpy as np
import pytest
from behaviour_values import gradient

import tapec as tp


def test_gt402_the_maximum_of_equal_values():
    """Decided difference: equal shares, where TensorFlow gives all to the first operand."""
    assert gradient(np.maximum, 1.0, 1.0) == [0.5, 0.5]
    assert gradient(lambda x, y: np.max(np.stack([x, y])), 1.0, 1.0) == [0.5, 0.5]  # the same function, the same values


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [
        (0.0, 0.0, [0.0, 0.0]),  # decided difference: TensorFlow's first is NaN, from 0 times infinity
        (0.0, 2.0, [0.0, 0.0]),
        (-2.0, 2.0, [-4.0, 0.0]),
        (0.0, 0.5, [math.inf, 0.0]),
        (2.0, 0.0, [0.0, math.log(2.0)]),
    ],
)
def test_gt404_powers(base, exponent, expected):
    assert gradient(np.power, base, exponent) == pytest.approx(expected, rel=1e-15)


def test_gt406_clipping_at_its_bounds():
    """Decided difference: at a bound, where clip is the maximum of equal values, the derivative is one half."""
    assert gradient(lambda x: np.clip(x, 0, 1), [0.0, 0.5, 1.0, 2.0, -1.0]) == [0.5, 1.0, 0.5, 0.0, 0.0]


@pytest.mark.parametrize(("x", "expected"), [([0.0, 2.0, 3.0], [6.0, 0.0, 0.0]), ([0.0, 0.0, 3.0], [0.0, 0.0, 0.0])])
def test_gt408_products_with_zeros(x, expected):
    assert gradient(np.prod, x) == expected


@pytest.mark.parametrize(
    ("function", "x"),
    [
        pytest.param(lambda x: np.where(x > 0, 1 / x, 0), 0.0, id="gt424"),
        pytest.param(lambda x: np.where(x > 0, np.log(x), 0), -1.0, id="gt426"),
        pytest.param(lambda x: np.where(x > 0, x**0.5, 0), -1.0, id="gt428"),
    ],
)
def test_gt424_gt426_gt428_branches_that_are_not_taken(function, x):
    """Decided difference: TensorFlow gives NaN for the first and the last."""
    assert gradient(function, x) == 0.0


def test_gt430_a_logarithm_at_zero():
    assert gradient(np.log, 0.0) == math.inf


def test_gt432_x_log_x_at_zero():
    """The convention of TensorFlow's xlogy: nothing at 0; the zero policy gives it without a function of its own."""
    assert gradient(lambda x: np.where(x > 0, x * np.log(x), 0), 0.0) == 0.0


def test_gt434_the_angle_of_nothing():
    assert math.isnan(gradient(lambda x: np.arctan2(x, x), 0.0))


def test_gt436_the_deviation_of_equal_values():
    """Decided difference: TensorFlow gives NaN."""
    assert gradient(lambda x: np.std(np.stack([x, x])), 1.0) == 0.0


def test_gt438_the_root_of_a_sum_of_squares_at_zero():
    assert math.isnan(gradient(lambda x: np.sqrt(np.sum(np.square(np.stack([x, x])))), 0.0))


def test_gt440_relu6_at_its_upper_bound():
    """Decided difference: equal shares at the tie, as for `np.minimum`; TensorFlow gives 0."""
    assert gradient(tp.nn.relu6, 6.0) == 0.5
