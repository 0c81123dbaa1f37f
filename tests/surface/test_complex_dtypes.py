"""Complex numbers beside float32: dtypes are NumPy's, in both parts."""

import numpy as np
import pytest

import tapec as tp

X = np.array([0.5, -2.0, 3.0], np.float32)

EXPRESSIONS = [
    lambda x: x + 2j, lambda x: 2j - x, lambda x: x - (1 + 2j), lambda x: (x + 2j) * x, lambda x: np.exp(x + 2j),
    lambda x: x * 2j, lambda x: x / 2j, lambda x: np.sum(x + 1j), lambda x: np.abs(x + 2j), lambda x: np.angle(x - 1j),
    lambda x: x + np.complex128(2j), lambda x: x + np.complex64(2j), lambda x: x.astype(np.float64) + np.complex64(2j),
    lambda x: (x + 2j).imag, lambda x: x[0] + 2j, lambda x: np.append(x, 1.0), lambda x: np.append(x, [[2], [3]]),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(EXPRESSIONS)))
def test_dtypes_and_values(index):
    expression = EXPRESSIONS[index]
    expected, compiled = expression(X), tp.function(expression)
    for _ in range(2):
        found = compiled(X)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6)
