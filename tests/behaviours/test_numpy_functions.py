"""Behaviours of NumPy's functions on tensors. Each test has its id in the yardstick."""

import numpy as np
import pytest
from behaviour_values import constant, values

import tapec as tp


def test_gt354_a_numpy_function_of_a_tensor():
    assert values(np.square(constant(10.0))) == 100.0


def test_gt356_a_numpy_function_of_a_tensors_array():
    found = np.square(constant([10.0]).numpy())
    assert type(found) is np.ndarray
    assert found.tolist() == [100.0]


def test_gt368_broadcasting():
    assert values(constant(np.ones((2, 1))) + np.ones((1, 2))) == [[2.0, 2.0], [2.0, 2.0]]


def test_gt370_an_array_plus_a_tensor():
    assert values(np.sum(np.ones((1, 2)) + constant(np.ones((2, 1))))) == 8.0


def test_gt400_complex_numbers():
    """Decided difference: one differentiates by the real and the imaginary part, with the same numbers."""
    from tapec.errors import DTypeError

    with pytest.raises(DTypeError, match="complex"):
        tp.constant(3 + 4j)
    re, im = constant(3.0), constant(4.0)
    with tp.GradientTape() as tape:
        tape.watch([re, im])
        y = re * re + im * im
    assert values(tape.gradient(y, [re, im])) == [6.0, 8.0]
