"""Fourier transforms along one line. A complex number is a pair of real ones on a last axis of two.

None of them is scaled: transforming back and forth gives n times the input. NumPy's own routines run them, in eager and
compiled code alike, in the precision of the operand (`np.fft` itself transforms float32 in float64).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.errors import AttributeValueError, ShapeError
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Family, Primitive
from tapec.ir.types import TensorType, tensor_type
from tapec.ops.registry import define
from tapec.ops.short_floats import refuse_short


class Transform(Family):
    """Lines of n real numbers, or of pairs; see each primitive."""

    name = "transform"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        refuse_short(primitive, operands)
        (x,) = operands
        if primitive is rfft:
            if x.rank < 1 or x.shape[-1] < 1:
                raise ShapeError(f"rfft takes lines of one number or more, got {x!r}")
            return (tensor_type(x.dtype, (*x.shape[:-1], x.shape[-1] // 2 + 1, 2)),)
        if x.rank < 2 or x.shape[-1] != 2 or x.shape[-2] < 1:
            raise ShapeError(f"{primitive.name} takes lines of one pair or more, got {x!r}")
        if primitive is fft:
            return (x,)
        size: Any = attributes["size"]
        if size < 1 or size // 2 + 1 != x.shape[-2]:
            raise AttributeValueError(f"irfft of {x.shape[-2]} pairs gives about twice as many numbers, not {size}")
        return (tensor_type(x.dtype, (*x.shape[:-2], size)),)


def to_complex(pairs: Any) -> Any:
    """An array of pairs as one of complex numbers."""
    dense = np.ascontiguousarray(pairs)
    return dense.view(np.complex64 if dense.dtype.itemsize == 4 else np.complex128)[..., 0]


def to_pairs(array: Any) -> Any:
    """An array of complex numbers as one of pairs."""
    dense = np.ascontiguousarray(array).reshape(array.shape)  # NumPy makes 0-d arrays 1-d
    return dense[..., None].view(dense.real.dtype)


def _fft(x: Any, *, inverse: bool) -> Any:
    z = to_complex(x)
    return to_pairs(np.fft.ifft(z, norm="forward") if inverse else np.fft.fft(z))


def _rfft(x: Any) -> Any:
    return to_pairs(np.fft.rfft(x))


def _irfft(x: Any, *, size: int) -> Any:
    return np.fft.irfft(to_complex(x), size, norm="forward")


TRANSFORM = Transform()

fft = define(
    Primitive("fft", TRANSFORM, 1, _fft,
              "The discrete Fourier transform of lines of pairs, with exp(-i...), or exp(+i...) where `inverse`.",
              ("inverse",), exact=False, operand_kinds="f")
)  # fmt: skip
rfft = define(
    Primitive("rfft", TRANSFORM, 1, _rfft, "The first half of the transform of lines of real numbers, as pairs.",
              exact=False, operand_kinds="f")
)  # fmt: skip
irfft = define(
    Primitive("irfft", TRANSFORM, 1, _irfft,
              "The `size` real numbers whose transform has this first half, times `size`.",
              ("size",), exact=False, operand_kinds="f")
)  # fmt: skip
