"""Universal functions: values at ordinary and special points, and dtypes for every pair of operand dtypes."""

import operator

import numpy as np
import pytest

import tapec.surface
from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.constants import constant
from tapec.errors import DTypeError
from tapec.tensor import Tensor, make

UFUNCS = sorted({f for f in NUMPY_FUNCTIONS if isinstance(f, np.ufunc)}, key=lambda f: f.__name__)
GENERALIZED = (np.matmul, np.vecdot, np.matvec, np.vecmat)  # test_functions_against_numpy.py has these
UNARY = [f for f in UFUNCS if f.nin == 1]
BINARY = [f for f in UFUNCS if f.nin == 2 and f not in GENERALIZED]

SPECIAL = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.7, -3.7, 1e-9, -1e-9, 1e-4, 0.3, -0.3, 0.999, 1.001, 19.9, 20.1,
    -25.0, 80.0, -80.0, 1e4, -1e4, 1e9, -1e9, 1e15, 1e30, -1e30, np.inf, -np.inf, np.nan,
]  # fmt: skip
ULP = {"tan": 8, "cbrt": 8, "power": 8, "float_power": 8, "remainder": 4, "logaddexp": 8, "logaddexp2": 8}
EXTREME = {np.float64: [709.9, -709.9, 710.4, 1e200, -1e200, 1e-300], np.float32: [88.9, -88.9, 89.2, 3e38, 1e-37]}

INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
DTYPES = [np.bool_, *INTEGERS, np.float16, np.float32, np.float64]


def close(got, want, ulp):
    if isinstance(want, tuple):
        for g, w in zip(got, want, strict=True):
            close(g, w, ulp)
        return
    assert isinstance(got, Tensor)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got._array, want)
        return
    info = np.finfo(want.dtype)
    np.testing.assert_allclose(got._array, want, rtol=ulp * info.eps, atol=4 * float(info.smallest_subnormal))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("ufunc", UNARY, ids=lambda f: f.__name__)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_one_operand(ufunc, dtype):
    if ufunc.types and not any(t.startswith(("f", "d", "O")) for t in ufunc.types):
        pytest.skip("no floating loop")
    x = np.array(SPECIAL + EXTREME[dtype], dtype)
    try:
        want = ufunc(x)
    except TypeError:
        with pytest.raises(DTypeError):
            ufunc(constant(x))
        return
    close(ufunc(constant(x)), want, ULP.get(ufunc.__name__, 4))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("ufunc", BINARY, ids=lambda f: f.__name__)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_two_operands(ufunc, dtype):
    x = np.array(SPECIAL, dtype)[:, None]
    y = x.T
    if ufunc is np.copysign:  # the sign of NaN is not looked at
        y = y[:, :-1]
    if ufunc is np.ldexp:
        y = np.array([[0, 1, -1, 5, -140, 120]])
    try:
        want = ufunc(x, y)
    except TypeError:
        with pytest.raises(DTypeError):
            ufunc(constant(x), constant(y))
        return
    close(ufunc(constant(x), constant(y)), want, ULP.get(ufunc.__name__, 4))


def sample(dtype, values=(3, 1, 2)):
    return np.array(values).astype(dtype)


def same(got, want):
    if isinstance(want, tuple):
        for g, w in zip(got, want, strict=True):
            same(g, w)
        return
    assert got.dtype == want.dtype
    if want.dtype.kind == "f":
        np.testing.assert_allclose(got._array, want, rtol=2e-3 if want.dtype == np.float16 else 1e-5)
    else:
        np.testing.assert_array_equal(got._array, want)


@pytest.mark.parametrize("ufunc", UNARY, ids=lambda f: f.__name__)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_promotion_of_one_operand_is_numpys(ufunc):
    for dtype in DTYPES:
        x = sample(dtype, (1, 1, 1) if ufunc.__name__.startswith("arc") else (3, 1, 2))
        try:
            want = ufunc(x)
        except TypeError:
            with pytest.raises(TypeError):
                ufunc(constant(x))
            continue
        same(ufunc(constant(x)), want)


@pytest.mark.parametrize("ufunc", BINARY, ids=lambda f: f.__name__)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_promotion_of_each_pair_is_numpys(ufunc):
    for first in DTYPES:
        for second in [*DTYPES, int, float]:
            x = sample(first)
            y = second(2) if second in (int, float) else sample(second, (2, 2, 1))
            try:
                want = ufunc(x, y)
            except TypeError:
                with pytest.raises(TypeError):
                    ufunc(constant(x), constant(y) if isinstance(y, np.ndarray) else y)
                continue
            same(ufunc(constant(x), constant(y) if isinstance(y, np.ndarray) else y), want)
            if isinstance(y, np.ndarray):
                same(ufunc(x, constant(y)), want)
            else:  # a weak tensor promotes as the number that it stands for
                same(ufunc(constant(x), make(np.asarray(y), weak=True)), want)
                if ufunc is not np.ldexp:
                    same(ufunc(y, constant(x)), ufunc(y, x))


OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
    operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift, operator.lt, operator.le, operator.gt,
    operator.ge, operator.eq, operator.ne,
]  # fmt: skip


@pytest.mark.parametrize("op", OPERATORS, ids=lambda f: f.__name__)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_operators_promote_as_numpys(op):
    for first in DTYPES:
        for second in [*DTYPES, int, float]:
            if op is operator.pow and first is np.bool_ and second in (int, float):
                continue  # NumPy has a shortcut of its own there: array([True]) ** 2 is int8, np.power says int64
            x = sample(first)
            y = second(2) if second in (int, float) else sample(second, (2, 2, 1))
            lifted = constant(y) if isinstance(y, np.ndarray) else y
            for a, b, p, q in ((x, y, constant(x), lifted), (y, x, lifted, constant(x))):
                try:
                    want = op(a, b)
                except TypeError:
                    with pytest.raises(TypeError):
                        op(p, q)
                    continue
                same(op(p, q), want)


@pytest.mark.parametrize("op", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
def test_comparisons_of_integers_are_exact(op):
    signed = np.array([-1, 0, 2**62, -(2**63), 2**63 - 1], np.int64)
    unsigned = np.array([0, 2**64 - 1, 2**62, 2**63, 2**63 - 1], np.uint64)
    same(op(constant(signed)[:, None], constant(unsigned)), op(signed[:, None], unsigned))
    same(op(constant(unsigned), constant(signed)[:, None]), op(unsigned, signed[:, None]))
    small = np.array([-128, 0, 127], np.int8)
    for number in (300, -300, 127, 2**70, -(2**70)):
        same(op(constant(small), number), op(small, number))
        same(op(number, constant(small)), op(np.array(number, object), small).astype(bool))


def test_numbers_that_do_not_fit_are_refused_as_by_numpy():
    with pytest.raises(OverflowError):
        constant(np.array([1], np.int8)) + 300
    with pytest.raises(OverflowError):
        constant(np.array([1], np.uint8)) * -1


def test_integer_powers():
    base = np.array([[-3, 2, 0, 1, 7]], np.int64)
    exponent = np.array([[0], [1], [2], [13], [63]])
    same(constant(base) ** constant(exponent), base**exponent)
    for t in (constant(base), constant(exponent)):
        with pytest.raises(ValueError, match="negative integer powers"):
            t**-1
    with pytest.raises(ValueError, match="negative integer powers"):
        constant(base) ** constant(np.array(-1))


@pytest.mark.cpu
def test_weak_tensors_stay_weak_under_operators_and_become_strong_in_functions():
    rate = make(np.asarray(0.5), weak=True)
    steps = make(np.asarray(3), weak=True)
    single = constant(np.ones(2, np.float32))
    for weak in (rate * 2, 1 - rate, -rate, rate**2, rate / steps, steps + 1, abs(rate), steps // 2, rate + rate):
        assert weak._weak
        assert (single * weak).dtype == np.float32
    assert (steps / 2).dtype == np.float64
    assert (steps**-1)._array == 1 / 3
    assert not (rate < 1)._weak
    for strong in (np.sin(rate), np.multiply(rate, rate), np.sum(rate), np.logaddexp(rate, rate), np.sinh(rate)):
        assert not strong._weak
        assert (single * strong).dtype == np.float64


def test_dtype_argument_and_refused_ones():
    x = constant([1.0, 2.0])
    assert np.add(x, 1, dtype=np.float32).dtype == np.float32
    with pytest.raises(tapec.errors.UnsupportedFunctionError, match="out"):
        np.add(x, x, out=np.zeros(2))
    with pytest.raises(tapec.errors.UnsupportedFunctionError, match="where"):
        np.add(x, x, where=np.array([True, False]))
    with pytest.raises(tapec.errors.UnsupportedFunctionError, match=r"arctan2\.reduceat .* reduce each stretch"):
        np.arctan2.reduceat(x, [0])
    with pytest.raises(tapec.errors.UnsupportedFunctionError, match=r"numpy\.nextafter"):
        np.nextafter(x, x)


def test_in_place_operators_make_new_tensors_and_leave_arrays_alone():
    x = y = constant([1.0, 2.0])
    x += 1
    assert y.tolist() == [1.0, 2.0]
    assert x.tolist() == [2.0, 3.0]
    array = np.zeros(2)
    with pytest.raises(tapec.errors.UnsupportedFunctionError, match="out"):
        array += y
    assert array.tolist() == [0.0, 0.0]
