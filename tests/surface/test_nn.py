"""Functions of neural networks against formulas in plain NumPy and SciPy, with their special points."""

import numpy as np
import pytest
from scipy import special

from tapec import nn

X = np.array([[-30.0, -1.5, 0.0], [0.3, 2.0, 40.0]])

EXPECTED = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    "sigmoid": special.expit,
    "log_sigmoid": special.log_expit,
    "softplus": lambda x: np.logaddexp(0, x),
    "silu": lambda x: x * special.expit(x),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "gelu": lambda x: x * special.ndtr(x),
    "erf": special.erf,
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "relu6": lambda x: np.clip(x, 0, 6),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softmax": lambda x: special.softmax(x, axis=-1),
    "log_softmax": lambda x: special.log_softmax(x, axis=-1),
    "logsumexp": special.logsumexp,
}


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_values(name, dtype):
    x = X.astype(dtype)
    got = getattr(nn, name)(x)
    want = EXPECTED[name](x.astype(np.float64))
    assert got.dtype == (dtype if dtype is not np.int64 or name in ("relu", "relu6") else np.float64)
    tolerance = 1e-5 if dtype is np.float32 else 1e-13
    np.testing.assert_allclose(got.numpy(), want, rtol=tolerance, atol=tolerance * 1e-2)


def test_every_public_function_is_here():
    public = {n for n, f in vars(nn).items() if getattr(f, "__module__", "") == nn.__name__ and not n.startswith("_")}
    assert public == {*EXPECTED, "one_hot", "softmax_cross_entropy"}


def test_gelu_by_tanh_is_near_the_exact_one():
    np.testing.assert_allclose(nn.gelu(X, approximate=True).numpy(), nn.gelu(X).numpy(), atol=5e-4)


def test_axes():
    np.testing.assert_allclose(nn.softmax(X, axis=0).numpy(), special.softmax(X, axis=0), rtol=1e-14)
    np.testing.assert_allclose(nn.softmax(X, axis=None).numpy(), special.softmax(X), rtol=1e-14)
    kept = nn.logsumexp(X, axis=1, keepdims=True)
    assert kept.shape == (2, 1)
    np.testing.assert_allclose(kept.numpy(), special.logsumexp(X, axis=1, keepdims=True), rtol=1e-15)


@pytest.mark.filterwarnings("error")
def test_infinities():
    inf = np.inf
    assert nn.logsumexp(np.array([-inf, -inf])).item() == -inf
    assert nn.logsumexp(np.array([inf, 1.0])).item() == inf
    assert nn.logsumexp(np.array([-inf, 1.0])).item() == 1.0
    assert nn.softmax(np.array([-inf, 0.0, 0.0])).tolist() == [0.0, 0.5, 0.5]
    assert nn.softplus(np.array([-inf, inf, 1000.0])).tolist() == [0.0, inf, 1000.0]


def test_one_hot_and_cross_entropy():
    hot = nn.one_hot(np.array([2, 0, 5]), 3)
    assert hot.dtype == np.float32
    assert hot.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0]]
    logits = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 50.0]])
    loss = nn.softmax_cross_entropy(logits, nn.one_hot(np.array([2, 2]), 3, np.float64))
    np.testing.assert_allclose(loss.numpy(), -special.log_softmax(logits, axis=-1)[:, 2], rtol=1e-14)
