"""NumPy's functions on complex tensors, as formulas over real and imaginary parts."""

from __future__ import annotations

import cmath
from collections.abc import Callable
from operator import index
from typing import Any, TypeVar

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS
from tapec.complex_tensor import COMPLEX_FUNCTIONS, ComplexTensor, is_complex, lift_complex, parts
from tapec.dispatch import promote
from tapec.surface.primitives import both, either, stop_gradient
from tapec.tensor import Tensor

Optional = Tensor | None


_F = TypeVar("_F", bound=Callable[..., Any])


def _enter(*functions: Any) -> Callable[[_F], _F]:
    def enter(formula: _F) -> _F:
        COMPLEX_FUNCTIONS.update(dict.fromkeys(functions, formula))
        return formula

    return enter


# Arithmetic ----------------------------------------------------------------------------------------------------------


def _zeros(x: Tensor) -> Tensor:
    return TENSOR_FUNCTIONS[np.zeros_like](x)


def _pair(re: Tensor, im: Optional) -> ComplexTensor:
    """Of parts whose shapes may differ, as one operand was a scalar, and where one may be missing."""
    if im is None:
        return lift_complex(re)
    re, im = promote(re, im)
    if re._array.shape != im._array.shape:
        re, im = NUMPY_FUNCTIONS[np.broadcast_arrays](re, im)
    return ComplexTensor(re, im)


@_enter(np.add)
def _add(a: Any, b: Any) -> ComplexTensor:
    (p, q), (r, s) = parts(a), parts(b)
    return _pair(p + r, q if s is None else s if q is None else q + s)


@_enter(np.subtract)
def _subtract(a: Any, b: Any) -> ComplexTensor:
    (p, q), (r, s) = parts(a), parts(b)
    return _pair(p - r, q if s is None else -s if q is None else q - s)


def _bilinear(function: Any, conjugated: bool = False) -> Callable[..., Any]:
    """A product that is linear in both operands; in the conjugate of the first where it is `conjugated`."""

    @_enter(function)
    def call(a: Any, b: Any, *args: Any, **options: Any) -> ComplexTensor:
        def product(x: Tensor, y: Tensor) -> Any:
            return NUMPY_FUNCTIONS[function](x, y, *args, **options)

        (p, q), (r, s) = parts(a), parts(b)
        if q is not None and conjugated:
            q = -q
        if q is None:
            return _pair(product(p, r), None if s is None else product(p, s))
        if s is None:
            return _pair(product(p, r), product(q, r))
        return _pair(product(p, r) - product(q, s), product(p, s) + product(q, r))

    return call


_multiply = _bilinear(np.multiply)
for _product in (
    np.matmul, np.dot, np.inner, np.outer, np.tensordot, np.kron, np.convolve, np.matvec, np.cross, np.linalg.matmul,
    np.linalg.outer, np.linalg.tensordot, np.linalg.cross,
):  # fmt: skip
    _bilinear(_product)
for _product_with_conjugate in (np.vdot, np.vecdot, np.vecmat, np.linalg.vecdot):
    _bilinear(_product_with_conjugate, conjugated=True)


@_enter(np.true_divide)
def _divide(a: Any, b: Any) -> ComplexTensor:
    r, s = parts(b)
    if s is None:
        p, q = parts(a)
        return _pair(p / r, None if q is None else q / r)
    # Of a number of Python's the inverse is one too, so that its precision gives way to the other operand's.
    return _multiply(a, 1.0 / b if type(b) is complex else _reciprocal(b))  # type: ignore[no-any-return]


@_enter(np.reciprocal)
def _reciprocal(z: Any) -> ComplexTensor:
    """Scaled by the larger part, held constant, so that no square overflows; the derivatives are those of 1 / z."""
    z = lift_complex(z)
    p, q = abs(z.real), abs(z.imag)
    scale = stop_gradient(NUMPY_FUNCTIONS[np.where](p > q, p, q))
    re, im = z.real / scale, z.imag / scale
    size = (re * re + im * im) * scale
    return ComplexTensor(re / size, -im / size)


@_enter(np.power)
def _power(a: Any, b: Any) -> ComplexTensor:
    if not is_complex(b) and np.ndim(b) == 0 and isinstance(b, int | np.integer):
        return _integer_power(lift_complex(a), index(b))
    return _exp(_multiply(cmath.log(a) if isinstance(a, int | float | complex) and a else _log(a), b))


def _integer_power(z: ComplexTensor, exponent: int) -> ComplexTensor:
    if exponent < 0:
        return _reciprocal(_integer_power(z, -exponent))
    result = ComplexTensor(NUMPY_FUNCTIONS[np.ones_like](z.real), _zeros(z.imag))
    while exponent:
        if exponent & 1:
            result = _multiply(result, z)
        exponent >>= 1
        if exponent:
            z = _multiply(z, z)
    return result


# Functions of one operand --------------------------------------------------------------------------------------------


@_enter(np.square)
def _square(z: Any) -> ComplexTensor:
    return _multiply(z, z)  # type: ignore[no-any-return]


@_enter(np.negative)
def _negative(z: Any) -> ComplexTensor:
    return -lift_complex(z)


@_enter(np.positive)
def _positive(z: Any) -> ComplexTensor:
    return lift_complex(z)


@_enter(np.conjugate)
def _conjugate(z: Any) -> ComplexTensor:
    return lift_complex(z).conj()


@_enter(np.absolute)
def _absolute(z: Any) -> Tensor:
    z = lift_complex(z)
    return TENSOR_FUNCTIONS[np.hypot](z.real, z.imag)


@_enter(np.angle)
def _angle(z: Any, deg: bool = False) -> Tensor:
    z = lift_complex(z)
    radians: Tensor = NUMPY_FUNCTIONS[np.arctan2](z.imag, z.real)
    return NUMPY_FUNCTIONS[np.degrees](radians) if deg else radians


@_enter(np.exp)
def _exp(z: Any) -> ComplexTensor:
    z = lift_complex(z)
    size = NUMPY_FUNCTIONS[np.exp](z.real)
    return ComplexTensor(size * NUMPY_FUNCTIONS[np.cos](z.imag), size * NUMPY_FUNCTIONS[np.sin](z.imag))


@_enter(np.log)
def _log(z: Any) -> ComplexTensor:
    z = lift_complex(z)
    return ComplexTensor(NUMPY_FUNCTIONS[np.log](_absolute(z)), _angle(z))


@_enter(np.sqrt)
def _sqrt(z: Any) -> ComplexTensor:
    z = lift_complex(z)
    size, half = NUMPY_FUNCTIONS[np.sqrt](_absolute(z)), _angle(z) * 0.5
    return ComplexTensor(size * NUMPY_FUNCTIONS[np.cos](half), size * NUMPY_FUNCTIONS[np.sin](half))


def _trigonometric(function: Any, first: tuple[Any, Any], second: tuple[Any, Any], sign: float) -> None:
    """f(x + iy) = first[0](x) first[1](y) + sign i second[0](x) second[1](y)."""

    @_enter(function)
    def call(z: Any) -> ComplexTensor:
        z = lift_complex(z)
        (f, g), (p, q) = ((NUMPY_FUNCTIONS[a], NUMPY_FUNCTIONS[b]) for a, b in (first, second))
        return ComplexTensor(f(z.real) * g(z.imag), p(z.real) * q(z.imag) * sign)


_trigonometric(np.sin, (np.sin, np.cosh), (np.cos, np.sinh), 1.0)
_trigonometric(np.cos, (np.cos, np.cosh), (np.sin, np.sinh), -1.0)
_trigonometric(np.sinh, (np.sinh, np.cos), (np.cosh, np.sin), 1.0)
_trigonometric(np.cosh, (np.cosh, np.cos), (np.sinh, np.sin), 1.0)


# Looking at the parts ------------------------------------------------------------------------------------------------

COMPLEX_FUNCTIONS[np.real] = lambda val: lift_complex(val).real
COMPLEX_FUNCTIONS[np.imag] = lambda val: lift_complex(val).imag
COMPLEX_FUNCTIONS[np.iscomplexobj] = is_complex
COMPLEX_FUNCTIONS[np.isrealobj] = lambda x: not is_complex(x)
COMPLEX_FUNCTIONS[np.shape] = lambda a: lift_complex(a).shape
COMPLEX_FUNCTIONS[np.ndim] = lambda a: lift_complex(a).ndim
COMPLEX_FUNCTIONS[np.size] = lambda a, axis=None: NUMPY_FUNCTIONS[np.size](lift_complex(a).real, axis)


def _of_both(function: np.ufunc, together: Callable[[Tensor, Tensor], Tensor]) -> None:
    @_enter(function)
    def call(*operands: Any) -> Tensor:
        pairs = [lift_complex(x) for x in operands]
        real = NUMPY_FUNCTIONS[function](*[z.real for z in pairs])
        return together(real, NUMPY_FUNCTIONS[function](*[z.imag for z in pairs]))


_of_both(np.isfinite, both)
_of_both(np.isnan, either)
_of_both(np.isinf, either)
_of_both(np.equal, both)
_of_both(np.not_equal, either)


@_enter(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Tensor:
    return TENSOR_FUNCTIONS[np.linalg.norm](_absolute(x), ord, axis, keepdims)


# What does the same to both parts ------------------------------------------------------------------------------------


def _replaced(value: Any, part: int) -> Any:
    """Arguments with each complex one replaced by one of its parts, and in lists each real tensor too."""
    if is_complex(value):
        z = lift_complex(value)
        return (z.real, z.imag)[part]
    if isinstance(value, list | tuple) and any(is_complex(x) for x in value):
        pairs = [lift_complex(x) for x in value]
        return [(z.real, z.imag)[part] for z in pairs]
    return value


def _joined(real: Any, imag: Any) -> Any:
    if isinstance(real, list | tuple):
        return type(real)([_joined(a, b) for a, b in zip(real, imag, strict=True)])
    return ComplexTensor(real, imag)


def _componentwise(function: Any) -> None:
    @_enter(function)
    def call(*args: Any, **options: Any) -> Any:
        halves = [
            function(*[_replaced(x, part) for x in args], **{k: _replaced(v, part) for k, v in options.items()})
            for part in (0, 1)
        ]
        return _joined(*halves)


_COMPONENTWISE: tuple[Any, ...] = (
    np.sum, np.mean, np.cumsum, np.diff, np.trace, np.diagonal, np.diag, np.reshape, np.ravel, np.transpose,
    np.permute_dims, np.matrix_transpose, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.broadcast_to,
    np.concatenate, np.stack, np.hstack, np.vstack, np.dstack, np.column_stack, np.flip, np.fliplr, np.flipud, np.roll,
    np.rot90, np.tile, np.repeat, np.take, np.take_along_axis, np.split, np.array_split, np.atleast_1d, np.atleast_2d,
    np.zeros_like, np.tril, np.triu, np.fft.fftshift, np.fft.ifftshift, np.copy,
)  # fmt: skip
for _function in _COMPONENTWISE:
    _componentwise(_function)


@_enter(np.where)
def _where(condition: Any, *branches: Any) -> ComplexTensor:
    x, y = (lift_complex(branch) for branch in branches)
    where = NUMPY_FUNCTIONS[np.where]
    return ComplexTensor(where(condition, x.real, y.real), where(condition, x.imag, y.imag))
