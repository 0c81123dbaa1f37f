"""`np.fft` on tensors, real and complex. What is complex comes out as a `ComplexTensor`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from operator import index
from typing import Any, TypeVar

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS
from tapec.complex_tensor import COMPLEX_FUNCTIONS, ComplexTensor, is_complex, lift_complex
from tapec.dispatch import apply, cast, lift, located
from tapec.errors import AttributeValueError, DTypeError
from tapec.ir.dtypes import is_short
from tapec.ops import transform
from tapec.surface.axes import one_axis
from tapec.surface.primitives import concat, filled, floating, reshape, window
from tapec.surface.registry import refuse
from tapec.surface.short_floats import SINGLE
from tapec.tensor import Tensor

Either = Tensor | ComplexTensor


_F = TypeVar("_F", bound=Callable[..., Any])


def _enter(function: Any) -> Callable[[_F], _F]:
    def enter(formula: _F) -> _F:
        NUMPY_FUNCTIONS[function] = COMPLEX_FUNCTIONS[function] = formula
        return formula

    return enter


# Lines ---------------------------------------------------------------------------------------------------------------


def _operand(value: Any) -> Either:
    return lift_complex(value) if is_complex(value) else _at_least_single(value)


def _at_least_single(value: Any) -> Tensor:
    """NumPy transforms float16 as float32, and leaves the result so."""
    x = floating(value)
    return cast(x, SINGLE) if is_short(x._array.dtype) else x


def _real_operand(name: str, value: Any) -> Tensor:
    if is_complex(value):
        other = name.replace("r", "", 1)
        raise located(DTypeError(f"fft.{name} takes real numbers, got complex ones; use fft.{other}"))
    return _at_least_single(value)


def _each(x: Either, change: Callable[[Tensor], Tensor]) -> Any:
    return ComplexTensor(change(x.real), change(x.imag)) if isinstance(x, ComplexTensor) else change(x)


def _moved(x: Either, source: int, target: int) -> Any:
    return _each(x, lambda t: NUMPY_FUNCTIONS[np.moveaxis](t, source, target))


def _fitted(x: Either, size: int) -> Any:
    """Lines along the last axis cut to a length, or filled up with zeros."""

    def fit(t: Tensor) -> Tensor:
        *rest, n = t._array.shape
        axis = len(rest)
        if size <= n:
            return window(t, axis, 0, size)
        return concat([t, filled(0.0, (*rest, size - n), t._array.dtype)], axis)

    return _each(x, fit)


def _points(n: Any) -> int:
    size = index(n)
    if size < 1:
        raise located(AttributeValueError(f"Invalid number of FFT data points ({size}) specified."))
    return size


def _scale(size: int, norm: str | None, forward: bool) -> float:
    """What a transform of this length is multiplied by."""
    if norm not in (None, "backward", "ortho", "forward"):
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    if norm == "ortho":
        return 1.0 / sqrt(size)
    return 1.0 / size if (norm == "forward") == forward else 1.0


def _scaled(x: Any, factor: float) -> Any:
    return x if factor == 1.0 else x * factor


def _pairs(z: ComplexTensor) -> Tensor:
    halves = [reshape(t, (*t._array.shape, 1)) for t in (z.real, z.imag)]
    return concat(halves, z.ndim)


def _from_pairs(pairs: Tensor) -> ComplexTensor:
    *shape, _ = pairs._array.shape
    re, im = (reshape(window(pairs, len(shape), i, 1), tuple(shape)) for i in (0, 1))
    return ComplexTensor(re, im)


def _line(a: Any, n: Any, axis: int, norm: str | None, forward: bool) -> ComplexTensor:
    x = _operand(a)
    place = one_axis(axis, x.ndim)
    size = _points(x.shape[place] if n is None else n)
    lines = lift_complex(_fitted(_moved(x, place, -1), size))
    found = _from_pairs(apply(transform.fft, (_pairs(lines),), {"inverse": not forward}))
    result: ComplexTensor = _moved(_scaled(found, _scale(size, norm, forward)), -1, place)
    return result


def _real_line(x: Tensor, n: Any, axis: int, norm: str | None, forward: bool = True) -> ComplexTensor:
    place = one_axis(axis, x.ndim)
    size = _points(x.shape[place] if n is None else n)
    found = _from_pairs(apply(transform.rfft, (_fitted(_moved(x, place, -1), size),)))
    result: ComplexTensor = _moved(_scaled(found, _scale(size, norm, forward)), -1, place)
    return result


def _line_to_real(z: ComplexTensor, n: Any, axis: int, norm: str | None, forward: bool = False) -> Tensor:
    place = one_axis(axis, z.ndim)
    size = _points(2 * (z.shape[place] - 1) if n is None else n)
    lines = _fitted(_moved(z, place, -1), size // 2 + 1)
    found = apply(transform.irfft, (_pairs(lines),), {"size": size})
    result: Tensor = _moved(_scaled(found, _scale(size, norm, forward)), -1, place)
    return result


@_enter(np.fft.fft)
def _fft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None) -> ComplexTensor:
    refuse(np.fft.fft, out=out)
    return _line(a, n, axis, norm, forward=True)


@_enter(np.fft.ifft)
def _ifft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None) -> ComplexTensor:
    refuse(np.fft.ifft, out=out)
    return _line(a, n, axis, norm, forward=False)


@_enter(np.fft.rfft)
def _rfft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None) -> ComplexTensor:
    refuse(np.fft.rfft, out=out)
    return _real_line(_real_operand("rfft", a), n, axis, norm)


@_enter(np.fft.irfft)
def _irfft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None) -> Tensor:
    refuse(np.fft.irfft, out=out)
    return _line_to_real(lift_complex(a), n, axis, norm)


@_enter(np.fft.hfft)
def _hfft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None) -> Tensor:
    """The transform of a line that is the conjugate of its mirror image: the inverse of its conjugate, unscaled."""
    refuse(np.fft.hfft, out=out)
    return _line_to_real(lift_complex(a).conj(), n, axis, norm, forward=True)


@_enter(np.fft.ihfft)
def _ihfft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None) -> ComplexTensor:
    refuse(np.fft.ihfft, out=out)
    return _real_line(_real_operand("ihfft", a), n, axis, norm, forward=False).conj()


# Several axes --------------------------------------------------------------------------------------------------------


def _sizes(x: Either, s: Any, axes: Any, halved: bool = False) -> tuple[list[int], list[int]]:
    """Lengths and axes; `halved` says that the last axis holds the first half of a transform."""
    if s is None:
        places = list(range(x.ndim)) if axes is None else [one_axis(axis, x.ndim) for axis in axes]
        sizes = [x.shape[place] for place in places]
        if halved and sizes:
            sizes[-1] = 2 * (sizes[-1] - 1)
        return sizes, places
    if axes is None:
        raise ValueError("`axes` should not be `None` if `s` is not `None`; NumPy has deprecated that")
    places = [one_axis(axis, x.ndim) for axis in axes]
    sizes = [x.shape[place] if n == -1 else index(n) for n, place in zip(s, places, strict=True)]
    return sizes, places


def _several(a: Any, s: Any, axes: Any, norm: str | None, forward: bool) -> ComplexTensor:
    x = _operand(a)
    sizes, places = _sizes(x, s, axes)
    for size, place in zip(reversed(sizes), reversed(places), strict=True):
        x = _line(x, size, place, norm, forward)
    return lift_complex(x)


def _several_real(a: Any, s: Any, axes: Any, norm: str | None) -> ComplexTensor:
    x = _real_operand("rfftn", a)
    sizes, places = _sizes(x, s, axes)
    z = _real_line(x, sizes[-1], places[-1], norm)
    for size, place in zip(reversed(sizes[:-1]), reversed(places[:-1]), strict=True):
        z = _line(z, size, place, norm, forward=True)
    return z


def _several_to_real(a: Any, s: Any, axes: Any, norm: str | None) -> Tensor:
    z = lift_complex(a)
    sizes, places = _sizes(z, s, axes, halved=True)
    for size, place in zip(sizes[:-1], places[:-1], strict=True):
        z = _line(z, size, place, norm, forward=False)
    return _line_to_real(z, sizes[-1], places[-1], norm)


_Several = Callable[[Any, Any, Any, "str | None"], Any]


def _enter_several(function: Any, default: Sequence[int] | None, formula: _Several) -> None:
    @_enter(function)
    def call(a: Any, s: Any = None, axes: Any = default, norm: str | None = None, out: Any = None) -> Any:
        refuse(function, out=out)
        return formula(a, s, axes, norm)


def _complex_transform(forward: bool) -> _Several:
    return lambda a, s, axes, norm: _several(a, s, axes, norm, forward)


for _names, _formula in (
    ((np.fft.fft2, np.fft.fftn), _complex_transform(forward=True)),
    ((np.fft.ifft2, np.fft.ifftn), _complex_transform(forward=False)),
    ((np.fft.rfft2, np.fft.rfftn), _several_real),
    ((np.fft.irfft2, np.fft.irfftn), _several_to_real),
):
    _enter_several(_names[0], (-2, -1), _formula)
    _enter_several(_names[1], None, _formula)


# Zero in the middle --------------------------------------------------------------------------------------------------


def _shift(function: Any, distance: Callable[[int], int]) -> None:
    def call(x: Any, axes: Any = None) -> Tensor:
        t = lift(x)
        rank = t._array.ndim
        places = list(range(rank)) if axes is None else [axes] if isinstance(axes, int) else list(axes)
        lengths = [t._array.shape[one_axis(place, rank)] for place in places]
        return TENSOR_FUNCTIONS[np.roll](t, tuple([distance(n) for n in lengths]), tuple(places))

    NUMPY_FUNCTIONS[function] = call


_shift(np.fft.fftshift, lambda n: n // 2)
_shift(np.fft.ifftshift, lambda n: -(n // 2))
