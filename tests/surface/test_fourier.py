# ruff: noqa: E501  (tables of cases)
"""Fourier transforms and complex tensors: derivatives, compiled functions, operators, errors. Values are in
test_functions_against_numpy.py."""

import pickle

import numpy as np
import pytest

import tapec as tp
from tapec.complex_tensor import COMPLEX_FUNCTIONS, lift_complex
from tapec.errors import DTypeError, ShapeError, UnsupportedFunctionError
from tapec.testing import check_grads

R = np.random.default_rng(11)
X, Y = R.normal(size=(3, 5)), R.normal(size=(3, 5))
Z, W = X + 1j * Y, Y - 2j * X + 0.5


def pair(f):
    """`f` of a complex argument as a function of two real ones, with real results."""

    def run(x, y):
        found = f(tp.ComplexTensor(x, y))
        return [found.real, found.imag] if isinstance(found, tp.ComplexTensor) else found

    return run


LINES = {
    "fft": np.fft.fft, "ifft": np.fft.ifft, "fft of 7": lambda z: np.fft.fft(z, 7), "ortho": lambda z: np.fft.fft(z, 2, 0, "ortho"),
    "irfft": np.fft.irfft, "irfft of 7": lambda z: np.fft.irfft(z, 7), "hfft": np.fft.hfft, "fft2": np.fft.fft2,
    "ifftn": lambda z: np.fft.ifftn(z, (4, 4), (0, 1), "forward"), "irfft2": np.fft.irfft2, "fftshift": np.fft.fftshift,
}  # fmt: skip
REAL = {
    "rfft": np.fft.rfft, "rfft of 6": lambda x: np.fft.rfft(x, 6, 0), "ihfft": np.fft.ihfft, "rfft2": np.fft.rfft2, "fft": np.fft.fft,
    "there and back": lambda x: np.fft.irfft(np.fft.rfft(x) * W[:, :3], 5),
}  # fmt: skip
FUNCTIONS = {
    "product": lambda z: z * W * z, "quotient": lambda z: (1 + z) / (z - 3j), "real quotient": lambda z: 2.0 / z, "power": lambda z: z**3,
    "negative power": lambda z: z**-2, "complex power": lambda z: z ** (0.3 + 1j), "abs": abs, "angle": np.angle, "exp": np.exp, "log": np.log,
    "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos, "sinh": np.sinh, "cosh": np.cosh, "matmul": lambda z: z @ np.transpose(z),
    "vdot": lambda z: np.vdot(z, z * 1j), "conj": lambda z: np.conj(z) * z, "norm": np.linalg.norm, "mean": lambda z: np.mean(z, axis=0),
    "where": lambda z: np.where(X > 0, z, 1j), "stack": lambda z: np.stack([z, z.real * 2.0]),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_derivatives_of_transforms(name):
    check_grads(pair(LINES[name]), [X, Y])


@pytest.mark.parametrize("name", REAL)
def test_derivatives_of_transforms_of_real_lines(name):
    def run(x):
        found = REAL[name](x)
        return [found.real, found.imag] if isinstance(found, tp.ComplexTensor) else found

    check_grads(run, [X])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_and_values_of_complex_functions(name):
    f = FUNCTIONS[name]
    check_grads(pair(f), [X, Y], rtol=1e-5, atol=1e-5)
    found = f(tp.ComplexTensor(X, Y))
    got = found.numpy()
    want = f(tp.ComplexTensor(X, Y)) if name == "stack" else None
    expected = np.stack([Z, Z.real * 2.0]) if want is not None else f(Z)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
    assert got.dtype == expected.dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [1, 2, 5, 8, 97])
def test_compiled_transforms_have_the_bits_of_eager_ones(n, dtype):
    def f(x):
        spectrum = np.fft.rfft(x)
        return {
            "half": spectrum,
            "whole": np.fft.fft(x * 1j),
            "back": np.fft.irfft(spectrum * np.exp(-0.1j), n),
            "one": spectrum[0, 0],
        }

    x = R.normal(size=(3, n)).astype(dtype)
    compiled = tp.function(f)
    with tp.eager():
        eager = compiled(x)
    for found in (compiled(x), compiled(x)):
        for key, want in eager.items():
            assert type(found[key]) is type(want)
            assert found[key].dtype == want.dtype
            np.testing.assert_array_equal(found[key], want)
    for key, want in f(x).items():
        np.testing.assert_allclose(eager[key], want, rtol=0, atol=20 * np.finfo(dtype).eps * np.abs(want).max())


def test_gradients_with_respect_to_complex_tensors_are_pairs():
    z = tp.ComplexTensor(X, Y)
    with tp.GradientTape() as tape:
        tape.watch(z)
        energy = np.sum(np.abs(np.fft.fft(z)) ** 2)
    g = tape.gradient(energy, z)
    assert type(g) is tp.ComplexTensor
    np.testing.assert_allclose(g.numpy(), 2 * 5 * Z)  # Parseval: the energy is 5 |z|²
    compiled = tp.grad(lambda z: np.sum(np.abs(np.fft.fft(z)) ** 2))
    np.testing.assert_allclose(compiled(z).numpy(), 10 * Z)
    np.testing.assert_allclose(compiled(z).numpy(), 10 * Z)


def test_vmap_of_transforms():
    f = tp.vmap(lambda x: np.abs(np.fft.rfft(x)))
    np.testing.assert_allclose(f(X), np.abs(np.fft.rfft(X)))
    g = tp.vmap(lambda x: np.fft.fft(x))
    np.testing.assert_allclose(g(X), np.fft.fft(X))


def test_operators_meet_tensors_arrays_and_numbers_on_both_sides():
    z, x = tp.ComplexTensor(X, Y), tp.constant(X)
    for other, plain in (
        (z, Z),
        (x, X),
        (W, W),
        (X, X),
        (2.0, 2.0),
        (3, 3),
        (1j, 1j),
        (np.complex64(2j), np.complex64(2j)),
    ):
        for operator in ("__add__", "__sub__", "__mul__", "__truediv__"):
            name = operator.strip("_")
            python = {
                "add": lambda a, b: a + b,
                "sub": lambda a, b: a - b,
                "mul": lambda a, b: a * b,
                "truediv": lambda a, b: a / b,
            }[name]
            for got, want in ((python(z, other), python(Z, plain)), (python(other, z), python(plain, Z))):
                np.testing.assert_allclose(got.numpy(), want, rtol=1e-13, atol=1e-14)
            if not isinstance(plain, float | int) and np.asarray(plain).dtype.kind == "c":
                np.testing.assert_allclose(python(x, other).numpy(), python(X, plain), rtol=1e-13)
                np.testing.assert_allclose(python(other, x).numpy(), python(plain, X), rtol=1e-13)
    assert (z == Z).numpy().all()
    assert not (z != Z).numpy().any()
    with pytest.raises(TypeError):
        z + "text"


def test_precision_follows_the_operands():
    z = tp.ComplexTensor(X.astype(np.float32), Y.astype(np.float32))
    for found in (z * 2.0, z * 1j, 1j / z, z**2, 2j**z, np.fft.fft(z), np.fft.ifft(z, norm="ortho"), z + np.float32(1)):
        assert found.dtype == np.complex64
    assert (z * np.float64(2)).dtype == (Z.astype(np.complex64) * np.float64(2)).dtype
    assert (z * W).dtype == np.complex128
    assert np.fft.rfft(tp.constant([1, 2, 3])).dtype == np.complex128


def test_attributes_and_conversions():
    z = tp.ComplexTensor(X, Y)
    assert (z.shape, z.ndim, z.size, len(z), z.dtype) == ((3, 5), 2, 15, 3, np.complex128)
    np.testing.assert_array_equal(np.asarray(z), Z)
    np.testing.assert_array_equal(z.T.numpy(), Z.T)
    np.testing.assert_array_equal(z[1, ::2].numpy(), Z[1, ::2])
    np.testing.assert_array_equal(np.stack([row.numpy() for row in z]), Z)
    np.testing.assert_array_equal(z.reshape(5, 3).numpy(), Z.reshape(5, 3))
    np.testing.assert_allclose(z.sum(0).numpy(), Z.sum(0))
    np.testing.assert_allclose(z.mean().item(), Z.mean())
    np.testing.assert_array_equal(np.real(z).numpy(), X)
    np.testing.assert_array_equal(np.imag(z).numpy(), Y)
    assert complex(z[0, 0]) == Z[0, 0]
    assert z.tolist() == Z.tolist()
    assert np.iscomplexobj(z)
    assert "ComplexTensor: shape=(3, 5), dtype=complex128" in repr(z)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(z)).numpy(), Z)
    np.testing.assert_array_equal(lift_complex(tp.constant([1, -2])).numpy(), [1, -2])


def test_infinite_parts_stay_apart():
    z = tp.ComplexTensor([np.inf, 1.0], [2.0, np.inf])
    assert z.numpy().tolist() == [complex(np.inf, 2), complex(1, np.inf)]
    assert np.isinf(z).tolist() == [True, True]


def test_reciprocals_of_very_large_and_small_numbers():
    z = tp.ComplexTensor([1e300, 1e-300], [1e300, 1e-300])
    np.testing.assert_allclose((1.0 / z).numpy(), [0.5e-300 - 0.5e-300j, 0.5e300 - 0.5e300j])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: np.fft.fft(tp.constant(X), 0), ValueError, r"Invalid number of FFT data points \(0\)"),
        (lambda: np.fft.fft(tp.constant(X), axis=2), ValueError, "axis 2 is out of bounds"),
        (lambda: np.fft.fft(tp.constant(X), norm="other"), ValueError, "Invalid norm value other"),
        (lambda: np.fft.rfft(tp.ComplexTensor(X, Y)), DTypeError, r"rfft takes real numbers.*fft\.fft"),
        (lambda: np.fft.fft(tp.constant(X), out=np.zeros(3)), UnsupportedFunctionError, "out"),
        (lambda: np.sort(tp.ComplexTensor(X, Y)), UnsupportedFunctionError, "sort is not recorded on complex tensors"),
        (lambda: np.floor(tp.ComplexTensor(X, Y)), UnsupportedFunctionError, "floor"),
        (lambda: np.multiply.accumulate(tp.ComplexTensor(X, Y)), UnsupportedFunctionError, "accumulate"),
        (lambda: tp.ComplexTensor(X, Y[0]), ShapeError, r"\(3, 5\) and \(5,\)"),
        (lambda: tp.ComplexTensor(X, Y) + np.longdouble(1) * 1j, DTypeError, "64 or 128 bits"),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_every_complex_function_is_tried_on_values():
    """By its own formula against NumPy, on one operand or two."""
    z = tp.ComplexTensor(Z.real[:, :3], Z.imag[:, :3])
    plain = Z[:, :3]
    for function in COMPLEX_FUNCTIONS:
        if not isinstance(function, np.ufunc):
            continue
        operands = (z,) * function.nin
        with np.errstate(all="ignore"):
            want = function(*(plain,) * function.nin)
        got = np.asarray(function(*operands))
        assert got.dtype == want.dtype, function
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14, err_msg=str(function))
