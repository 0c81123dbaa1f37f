"""bfloat16 arrays of the package `ml_dtypes`: everything that float16 has, and what NumPy does not know of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import tapec as tp
from tapec.errors import DTypeError

BF16 = np.dtype(ml_dtypes.bfloat16)
X = np.linspace(-2, 2, 13).astype(BF16)


def test_the_package_is_imported_by_those_who_have_arrays_of_it_only():
    code = "import numpy as np, tapec as tp; tp.grad(np.sum)(np.ones(3, np.float16)); import sys; "
    code += "assert 'ml_dtypes' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (2.0, BF16), (2, BF16), (True, BF16), (np.int8(2), BF16), (np.uint8(2), BF16), (np.bool_(True), BF16),
        (np.int16(2), "f4"), (np.uint16(2), "f4"), (np.int32(2), "f8"), (np.int64(2), "f8"), (np.float16(2), "f4"),
        (np.float32(2), "f4"), (np.float64(2), "f8"), (X[0], BF16),
    ],
)  # fmt: skip
def test_promotion(other, expected):
    """As float16's: a Python number leaves bfloat16 as it is, which NumPy's own arrays of it do not do."""
    t, expected = tp.constant(X), np.dtype(expected)
    for result in (t + other, other + t, np.multiply(t, other), np.maximum(other, t), np.hypot(t, other)):
        assert result.dtype == expected
    assert (t < other).dtype == np.bool_
    assert np.result_type(t, other) == expected
    assert np.where(t > 0, t, other).dtype == expected
    assert np.concatenate([t, np.atleast_1d(np.asarray(other))]).dtype in (expected, np.dtype("f8"))


@pytest.mark.parametrize(
    "function",
    [np.exp, np.sin, np.tanh, np.sqrt, np.abs, np.floor, np.rint, np.sign, np.square, np.negative, np.isnan, np.cosh,
     np.log1p, np.cbrt, np.expm1],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_functions(function):
    x = np.abs(X)
    found = function(tp.constant(x)).numpy()
    expected = function(x.astype(np.float64))
    assert found.dtype == (expected.dtype if expected.dtype == bool else BF16)
    np.testing.assert_allclose(found.astype(np.float64), expected, rtol=2.0**-8)


def test_sums_and_their_kin():
    ones = tp.constant(np.ones((1000, 2), BF16))
    assert np.sum(ones, axis=0).tolist() == [1000, 1000]
    assert np.mean(ones).item() == 1
    assert np.cumsum(ones[:, 0])[-1].item() == 1000
    assert (ones.T @ ones).tolist() == [[1000] * 2] * 2
    assert np.max(tp.constant(X)).item() == 2
    assert np.argmax(tp.constant(X)).item() == 12
    assert np.sort(tp.constant(X[::-1])).tolist() == X.tolist()
    np.testing.assert_allclose(np.linalg.norm(ones).item(), 2000**0.5, rtol=2.0**-8)
    assert tp.nn.softmax(ones[:4, 0]).tolist() == [0.25] * 4
    with pytest.raises(DTypeError, match="takes float32 or float64"):
        np.linalg.inv(tp.constant(np.eye(2, dtype=BF16)))
    assert np.nan_to_num(tp.constant(np.array([np.inf], BF16))).item() == float(ml_dtypes.finfo(BF16).max)


def test_gradients_eager_and_compiled():
    def loss(x, w):
        return np.sum(np.tanh(x * w) ** 2 * 0.5)

    w = np.full(13, 0.5, BF16)
    compiled = tp.value_and_grad(loss, argnums=(0, 1))
    value, (dx, dw) = compiled(X, w)
    assert value.dtype == dx.dtype == dw.dtype == BF16
    with tp.GradientTape() as tape:
        x, v = tp.constant(X), tp.constant(w)
        tape.watch([x, v])
        y = loss(x, v)
    eager = tape.gradient(y, [x, v])
    assert [a.tobytes() for a in (value, dx, dw)] == [t.numpy().tobytes() for t in (y, *eager)]
    wide = tp.grad(loss, argnums=(0, 1))(X.astype(np.float64), w.astype(np.float64))
    for a, b in zip((dx, dw), wide, strict=True):
        np.testing.assert_allclose(a.astype(np.float64), b, rtol=2.0**-5, atol=2.0**-7)


def test_native_calls():
    f = tp.function(lambda x, s: (x * s, np.sum(x), {"n": x.astype(np.float32)}))
    scale = BF16.type(2)
    for _ in range(3):
        y, total, rest = f(X, scale)
    assert f.recordings == 1
    assert (y.dtype, type(total), rest["n"].dtype) == (BF16, BF16.type, np.dtype(np.float32))
    assert y.tobytes() == (X * scale).tobytes()


def test_variables_saved_and_loaded(tmp_path):
    class Model(tp.Module):
        def __init__(self, value):
            self.w = tp.Variable(value)

    path = tmp_path / "model.safetensors"
    tp.save(Model(X), path)
    other = Model(np.zeros(13, BF16))
    tp.load(other, path)
    assert other.w.dtype == BF16
    assert other.w.numpy().tobytes() == X.tobytes()
    other.w.assign(np.ones(13, np.float32))
    assert other.w.numpy().tolist() == [1.0] * 13


@pytest.mark.cpu  # about memory of the CPU
def test_dlpack():
    jax = pytest.importorskip("jax")
    theirs = jax.numpy.asarray(X)
    t = tp.from_dlpack(theirs)
    assert t.dtype == BF16
    assert t.numpy().tobytes() == X.tobytes()
    back = jax.numpy.from_dlpack(tp.constant(X) + 0.0)
    assert back.dtype == jax.numpy.bfloat16
    assert np.asarray(back).tobytes() == X.tobytes()


def test_text_and_numbers():
    t = tp.constant(X[:2])
    assert "dtype=bfloat16" in repr(t)
    assert type(t[0].item()) is float
    assert type(t.tolist()[0]) is float
    assert float(t[0]) == -2.0
    assert f"{t[0]:.1f}" == "-2.0"


def test_dtypes_that_are_not_held():
    with pytest.raises(DTypeError):
        tp.constant(np.zeros(2, ml_dtypes.float8_e4m3fn))
    with pytest.raises(DTypeError):
        tp.constant(np.zeros(2, [("a", "f8")]))


def test_nobody_takes_it_for_raw_bytes():
    """NumPy's kind of floats is not that of bfloat16: `tapec.ir.dtypes.FLOATS` has both."""
    root = Path(tp.__file__).resolve().parent
    forgetful = re.compile(r'dtype\.kind (==|!=|in|not in) "[biu]*f[c]?"')
    paths = [*root.glob("*.py"), *root.glob("[!_]*/**/*.py"), *(root / "runtime").glob("**/*.py")]
    assert len(paths) > 200
    assert [str(path) for path in paths if forgetful.search(path.read_text(encoding="utf-8"))] == []
