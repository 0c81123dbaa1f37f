"""NumPy's Fourier transforms (pocketfft) in the precision of the operand: run now, and by address for machine code.

They are generalised ufuncs whose loops are found in the ufunc objects.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np

from tapec.ir import dtypes
from tapec.ir.dtypes import by_name
from tapec.ir.primitive import Primitive
from tapec.ir.types import tensor_type
from tapec.ops import transform
from tapec.passes.transform_names import DATA, PREFIX, ufunc_name

Array = np.ndarray[Any, Any]

_MODULE: Final = "numpy.fft._pocketfft_umath"
# `PyUFuncObject` behind the object's head: four ints (operands in, out, all, identity), pointers to the loops and their
# data, the number of types.
_COUNTS, _LOOPS, _DATA, _TYPES = 0, 16, 24, 32


def execute_transform(primitive: Primitive, arrays: Sequence[Array], attributes: dict[str, Any]) -> Array:
    """A primitive of `tapec.ops.transform`.

    Raises:
        ShapeError, AttributeValueError: see there.
    """
    (x,) = arrays
    (kind,) = primitive.family.infer(primitive, (tensor_type(dtypes.of(x.dtype), x.shape),), attributes)
    out = np.empty(kind.shape, x.dtype)
    given = x if primitive is transform.rfft else transform.to_complex(x)
    taken = out if primitive is transform.irfft else transform.to_complex(out)
    name = ufunc_name(primitive, x.shape, attributes)
    _ufunc(name)(given, x.dtype.type(1), axes=[(-1,), (), (-1,)], out=taken)
    return out


@cache
def address(symbol: str) -> int:
    """The address that machine code means by a name of `tapec.passes.transform_names`.

    Raises:
        LookupError: this NumPy has no such transform, or lays out its ufuncs in another way.
    """
    if symbol.startswith(DATA):
        return _ufunc_pointers(symbol.removeprefix(DATA))[1][0]
    name, _, dtype = symbol.removeprefix(PREFIX).rpartition("_")
    loops, _ = _ufunc_pointers(name)
    real = by_name(dtype).numpy.char
    wanted = {"fft": "{c}{r}->{c}", "ifft": "{c}{r}->{c}", "irfft": "{c}{r}->{r}"}.get(name, "{r}{r}->{c}")
    return loops[_ufunc(name).types.index(wanted.format(r=real, c=real.upper()))]


def _ufunc(name: str) -> np.ufunc:
    found = getattr(importlib.import_module(_MODULE), name, None)
    if not isinstance(found, np.ufunc):
        raise LookupError(f"{_MODULE} has no transform {name!r}")
    return found


def _ufunc_pointers(name: str) -> tuple[list[int], list[int]]:
    """Addresses of the loops, and of what each gets as its last argument (none for real transforms)."""
    ufunc = _ufunc(name)
    base = id(ufunc) + object.__basicsize__
    counts = (ctypes.c_int * 3).from_address(base + _COUNTS)[:]
    types = ctypes.c_int.from_address(base + _TYPES).value
    if counts != [ufunc.nin, ufunc.nout, ufunc.nargs] or types != ufunc.ntypes:
        raise LookupError(f"ufuncs of NumPy {np.__version__} are laid out in a way that tapec does not know")

    def table(offset: int) -> list[int]:
        start: Any = ctypes.c_void_p.from_address(base + offset).value
        return [] if start is None else [int(p or 0) for p in (ctypes.c_void_p * types).from_address(start)]

    return table(_LOOPS), table(_DATA)
