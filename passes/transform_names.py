"""The names by which machine code calls NumPy's Fourier transforms."""

from __future__ import annotations

from typing import Any, Final

from tapec.ir.dtypes import DType
from tapec.ir.primitive import Primitive
from tapec.ops import transform

PREFIX: Final = "tapec_fft_"
DATA: Final = "tapec_fft_data_"  # followed by a ufunc: what its loops get as their last argument


def ufunc_name(primitive: Primitive, shape: tuple[int, ...], attributes: dict[str, Any]) -> str:
    """The generalised ufunc of NumPy that a transform of an operand of this shape is."""
    if primitive is transform.rfft:
        return f"rfft_n_{'odd' if shape[-1] % 2 else 'even'}"
    return "irfft" if primitive is transform.irfft else "ifft" if attributes["inverse"] else "fft"


def loop_symbol(ufunc: str, dtype: DType) -> str:
    """Name of the loop of one of NumPy's transforms, for the dtype of its real numbers."""
    return f"{PREFIX}{ufunc}_{dtype.name}"
