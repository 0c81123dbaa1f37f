"""NumPy's functions on float16: dtypes and, to the last bit but one, values; what accumulates does so in float32."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tapec as tp
from tapec.errors import DTypeError
from tapec.ir import dtypes

HALF = np.dtype(np.float16)
DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]
BINARY = [np.add, np.subtract, np.multiply, np.true_divide, np.floor_divide, np.remainder, np.power, np.maximum,
          np.arctan2, np.hypot, np.logaddexp, np.copysign, np.less, np.equal, np.fmod]  # fmt: skip
UNARY = [np.exp, np.log1p, np.sin, np.tan, np.arcsinh, np.sqrt, np.square, np.abs, np.negative, np.floor, np.rint,
         np.sign, np.cbrt, np.exp2, np.log2, np.sinh, np.isnan, np.reciprocal, np.deg2rad]  # fmt: skip


def _dtype_of(function, *operands):
    """The dtype of a result, or the kind of error."""
    try:
        with np.errstate(all="ignore"):
            return function(*operands).dtype
    except TypeError:
        return TypeError


@pytest.mark.parametrize("function", BINARY, ids=lambda f: f.__name__)
def test_promotion_is_numpys(function):
    for a, b in itertools.product(DTYPES, DTYPES):
        if "f2" in (a, b):
            x, y = np.ones(2, a), np.ones(2, b)
            assert _dtype_of(function, tp.constant(x), tp.constant(y)) == _dtype_of(function, x, y), (a, b)
            assert _dtype_of(function, tp.constant(x), y) == _dtype_of(function, x, y), (a, b)
    for number in (True, 2, 2.5, np.float16(2), np.float32(2), np.float64(2), np.int8(2), np.int32(2)):
        x = np.ones(2, HALF)
        assert _dtype_of(function, tp.constant(x), number) == _dtype_of(function, x, number), number
        assert _dtype_of(function, number, tp.constant(x)) == _dtype_of(function, number, x), number


@pytest.mark.parametrize("function", UNARY, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "f2"])
def test_functions_of_short_numbers(function, dtype):
    """NumPy computes in float16 for booleans and 8-bit integers too."""
    x = np.array([0, 1, 2, 3], dtype)
    assert _dtype_of(function, tp.constant(x)) == _dtype_of(function, x)


# Formulas of several ops. An ulp of float32, here or in NumPy, is one of float16 where it decides how to round.
VALUES = [np.tan, np.arcsinh, np.sinh, np.cosh, np.cbrt, np.exp2, np.log2, np.log10, np.arctanh, np.arcsin, np.exp,
          np.expm1, np.log1p, np.sin, np.cos, np.tanh, np.square, np.reciprocal]  # fmt: skip


@pytest.mark.parametrize("function", VALUES, ids=lambda f: f.__name__)
def test_values_are_rounded_once(function):
    large = np.geomspace(1, 300, 40)
    x = np.concatenate([np.linspace(-0.99, 0.99, 200), large, -large]).astype(HALF)
    with np.errstate(all="ignore"):
        found, expected = function(tp.constant(x)).numpy(), function(x.astype(np.float64)).astype(HALF)
    assert found.dtype == HALF
    assert (np.isnan(found) == np.isnan(expected)).all()
    steps = [a[~np.isnan(a)].view(np.int16).astype(int) for a in (found, expected)]
    assert np.abs(steps[0] - steps[1]).max() <= 1
    assert (steps[0] != steps[1]).mean() < 0.02


def _checked(found, expected, rtol=2.0**-11):
    """Half an ulp, or of the least numbers half of their distance."""
    assert found.dtype == HALF
    np.testing.assert_allclose(np.asarray(found.numpy(), np.float64), expected, rtol=rtol, atol=2.0**-24)


def test_sums_accumulate_in_float32():
    x = np.full(4096, 1.0, HALF)
    x[0] = 2048.0  # ulp 2: 1.0 added to it is lost
    _checked(np.sum(tp.constant(x)), 2048 + 4095)
    _checked(np.sum(tp.constant(np.ones((4096, 3), HALF)), axis=0), [4096] * 3)
    _checked(np.cumsum(tp.constant(x))[-1], 2048 + 4095)
    _checked(np.dot(tp.constant(x), np.ones(4096, HALF)), 2048 + 4095)
    _checked(tp.constant(x[None]) @ np.ones((4096, 2), HALF), [[2048 + 4095] * 2])
    _checked(np.einsum("i,i->", tp.constant(x), np.ones(4096, HALF)), 2048 + 4095)
    _checked(tp.segment_sum(tp.constant(x), np.zeros(4096, int), 1), [2048 + 4095])


def test_means_and_norms_of_numbers_whose_sums_leave_the_range():
    x = np.full(1000, 300.0, HALF)
    t = tp.constant(x)
    _checked(np.mean(t), 300.0)
    _checked(np.var(t), 0.0)
    y = np.where(np.arange(1000) % 2, 1000.0, -1000.0).astype(HALF)
    _checked(np.std(tp.constant(y)), 1000.0)
    with np.errstate(over="ignore"):
        assert np.isposinf(np.var(tp.constant(y)).numpy())
    _checked(np.linalg.norm(t), 300 * 1000**0.5)
    _checked(np.nanmean(t), 300.0)
    _checked(np.average(t), 300.0)
    _checked(np.hypot(tp.constant(np.float16(3e4)), np.float16(4e4)), 5e4)


def test_softmax_and_its_kin():
    x = np.random.default_rng(0).normal(size=(3, 4000)).astype(HALF)
    t, wide = tp.constant(x), tp.constant(x.astype(np.float64))
    for function in (tp.nn.softmax, tp.nn.log_softmax, tp.nn.logsumexp, tp.nn.gelu, tp.nn.silu, tp.nn.softplus):
        _checked(function(t), function(wide).numpy(), rtol=2.0**-10.5)
    labels = np.eye(3, 4000)
    assert tp.nn.softmax_cross_entropy(t, labels).dtype == np.float64
    _checked(tp.nn.softmax_cross_entropy(t, labels.astype(HALF)), tp.nn.softmax_cross_entropy(wide, labels).numpy())
    assert tp.nn.softmax_cross_entropy(logits=t, labels=labels.astype(HALF)).dtype == HALF


def test_gradients_of_means_and_norms():
    x = np.full(1000, 300.0, HALF)
    for function, expected in ((np.mean, 1e-3), (np.linalg.norm, 1000**-0.5)):
        _checked(tp.constant(tp.grad(function)(x)), np.full(1000, expected), rtol=2.0**-10)


def test_functions_that_numpy_has_not_for_float16():
    eye = tp.constant(np.eye(2, dtype=HALF))
    for function in (np.linalg.inv, np.linalg.det, np.linalg.cholesky, np.linalg.svd, tp.linalg.expm):
        with pytest.raises(DTypeError, match="takes float32 or float64"):
            function(eye)
    assert np.fft.fft(eye).dtype == np.fft.fft(np.eye(2, dtype=HALF)).dtype
    assert np.fft.rfft(eye).dtype == np.fft.rfft(np.eye(2, dtype=HALF)).dtype
    assert (eye * 1j).dtype == np.complex64


def test_layers_and_optimizers():
    x = (np.random.default_rng(0).normal(size=(8, 4)) * 200).astype(HALF)
    for layer in (tp.layers.LayerNorm(dtype=HALF), tp.layers.BatchNorm(dtype=HALF), tp.layers.Dense(3, dtype=HALF)):
        y = layer(x, training=True)
        assert y.dtype == HALF
        assert np.isfinite(y.numpy()).all()
    dense, adam = tp.layers.Dense(1, dtype=HALF), tp.optimizers.Adam(0.05)

    @tp.function
    def step(x, y):
        with tp.GradientTape() as tape:
            loss = np.mean((dense(x) - y) ** 2)
        variables = dense.trainable_variables
        adam.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    inputs = np.random.default_rng(1).normal(size=(64, 4)).astype(HALF)
    targets = inputs @ np.array([[1], [2], [-1], [0.5]], HALF)
    losses = [float(step(inputs, targets)) for _ in range(150)]
    assert losses[-1] < 0.02 * losses[0]
    assert all(v.dtype == HALF for v in dense.trainable_variables)


def test_random_numbers():
    tp.random.seed(3)
    u = tp.random.uniform((20_000,), dtype=HALF).numpy()
    assert u.dtype == HALF
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.astype(np.float64).mean() - 0.5) < 0.01
    n = tp.random.normal((20_000,), dtype=HALF).numpy().astype(np.float64)
    assert abs(n.mean()) < 0.03
    assert abs(n.std() - 1) < 0.03
    assert np.abs(n).max() > 3
    t = tp.random.truncated_normal((1000,), dtype=HALF).numpy()
    assert np.abs(t).max() <= 2
    assert tp.random.gamma(np.float16(2.0), (10,)).dtype == HALF


def test_finite_range():
    with np.errstate(over="ignore"):
        assert np.nan_to_num(tp.constant(np.array([np.inf, -np.inf, np.nan], HALF))).tolist() == [65504, -65504, 0]
        assert (tp.constant(np.float16(65504)) * 2).item() == np.inf
        assert (tp.constant(np.float16(65504)) + 15).item() == 65504


@pytest.mark.cpu  # what a tensor prints says where it lies, unless that is the host
def test_text():
    assert repr(tp.constant(np.float16([0.1, 2]))) == (
        "<tapec.Tensor: shape=(2,), dtype=float16, numpy=array([0.1, 2. ], dtype=float16)>"
    )
    assert f"{tp.constant(np.float16(0.5)):.2f}" == "0.50"


def test_sparse_matrices_are_of_float32():
    jacobian = tp.sparse_jacobian(lambda x: x[1:] * x[:-1])(np.arange(1, 5, dtype=HALF))
    assert (jacobian @ np.ones(4, np.float32)).tolist() == [3, 5, 7]


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_sorted_counted_and_taken_apart(name):
    dtype = dtypes.by_name({"float16": "f16", "bfloat16": "bf16"}[name]).numpy
    x = np.round(np.random.default_rng(0).normal(size=40) * 4).astype(dtype)
    single = x.astype(np.float32)
    with_nan = np.append(x, [np.nan, np.nan]).astype(dtype)
    found, counts = np.unique(tp.constant(with_nan), return_counts=True)
    assert found.dtype == dtype
    assert np.array_equal(found.numpy().astype("f4"), np.unique(with_nan.astype("f4")), equal_nan=True)
    assert counts.numpy()[-1] == 2  # NaNs are one value
    counted, edges = np.histogram(tp.constant(x), bins=8, range=(-16, 16))
    assert edges.dtype == dtype
    assert counted.numpy().tolist() == np.histogram(single, bins=8, range=(-16, 16))[0].tolist()
    assert np.array_equal(np.partition(tp.constant(x), 7).numpy()[7], np.sort(single)[7])
    every = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    every = every[np.abs(every.astype("f4")) < np.inf]
    fraction, exponent = np.frexp(tp.constant(every))
    assert fraction.dtype == dtype
    for ours, numpys in zip((fraction, exponent), np.frexp(every.astype("f4")), strict=True):
        assert np.array_equal(ours.numpy().astype("f4"), numpys)
    assert hash(tp.constant(dtype.type(1.5))) == hash(1.5)
