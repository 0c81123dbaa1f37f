"""What can be asked of a tensor without its values, text forms, and comparisons of whole tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS, ArrayProtocol
from tapec.dispatch import lift
from tapec.ir.dtypes import FLOATS, can_cast, promoted
from tapec.runtime.device_array import on_host
from tapec.surface.primitives import both, either
from tapec.surface.registry import implements, refuse
from tapec.tensor import Tensor


@implements(np.shape)
def _shape(a: Any) -> tuple[int, ...]:
    return lift(a).shape


@implements(np.ndim)
def _ndim(a: Any) -> int:
    return lift(a)._array.ndim


@implements(np.size)
def _size(a: Any, axis: int | None = None) -> int:
    array = lift(a)._array
    return array.size if axis is None else array.shape[axis]


def _by_example(value: Any) -> Any:
    """A tensor's dtype, or the Python number that a weak one stands for."""
    if not isinstance(value, ArrayProtocol):
        return value
    t = lift(value)
    if t._weak:
        return 1.0 if t._array.dtype.kind in FLOATS else 1
    return t._array.dtype


@implements(np.result_type)
def _result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    return promoted(*[_by_example(value) for value in arrays_and_dtypes])


@implements(np.can_cast)
def _can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    given = lift(from_)._array.dtype if isinstance(from_, ArrayProtocol) else from_
    return can_cast(given, to, casting)


@implements(np.min_scalar_type)
def _min_scalar_type(a: Any) -> np.dtype[Any]:
    return np.min_scalar_type(np.zeros(1, lift(a)._array.dtype))


@implements(np.common_type)
def _common_type(*arrays: Any) -> Any:
    return np.common_type(*[np.empty(0, lift(a)._array.dtype) for a in arrays])


@implements(np.iscomplexobj)
def _iscomplexobj(x: Any) -> bool:
    return False


@implements(np.isrealobj)
def _isrealobj(x: Any) -> bool:
    return True


@implements(np.iscomplex)
def _iscomplex(x: Any) -> Tensor:
    return TENSOR_FUNCTIONS[np.zeros_like](x, dtype=bool)


@implements(np.isreal)
def _isreal(x: Any) -> Tensor:
    return TENSOR_FUNCTIONS[np.ones_like](x, dtype=bool)


@implements(np.isneginf)
def _isneginf(x: Any, out: Any = None) -> Tensor:
    refuse(np.isneginf, out=out)
    return lift(x) == -np.inf


@implements(np.isposinf)
def _isposinf(x: Any, out: Any = None) -> Tensor:
    refuse(np.isposinf, out=out)
    return lift(x) == np.inf


@implements(np.may_share_memory, np.shares_memory)
def _shares_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    first, second = (lift(x)._array if isinstance(x, ArrayProtocol) else x for x in (a, b))
    return np.may_share_memory(first, second)


# Text ----------------------------------------------------------------------------------------------------------------


@implements(np.array_repr)
def _array_repr(arr: Any, *args: Any, **kwargs: Any) -> str:
    return np.array_repr(on_host(lift(arr)._array), *args, **kwargs)


@implements(np.array_str)
def _array_str(a: Any, *args: Any, **kwargs: Any) -> str:
    return np.array_str(on_host(lift(a)._array), *args, **kwargs)


@implements(np.array2string)
def _array2string(a: Any, *args: Any, **kwargs: Any) -> str:
    return np.array2string(on_host(lift(a)._array), *args, **kwargs)


# Whole tensors compared ----------------------------------------------------------------------------------------------


@implements(np.isclose)
def _isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Tensor:
    x, y = lift(a), lift(b)
    finite = NUMPY_FUNCTIONS[np.isfinite](y)
    close = both(abs(x - y) <= atol + rtol * abs(y), finite)
    close = either(close, x == y)
    return either(close, both(x != x, y != y)) if equal_nan else close


@implements(np.allclose)
def _allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> bool:
    return bool(NUMPY_FUNCTIONS[np.all](_isclose(a, b, rtol, atol, equal_nan)))


@implements(np.array_equal)
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    x, y = lift(a1), lift(a2)
    if x._array.shape != y._array.shape:
        return False
    same = x == y
    if equal_nan:
        same = either(same, both(x != x, y != y))
    return bool(NUMPY_FUNCTIONS[np.all](same))


@implements(np.array_equiv)
def _array_equiv(a1: Any, a2: Any) -> bool:
    x, y = lift(a1), lift(a2)
    try:
        np.broadcast_shapes(x._array.shape, y._array.shape)
    except ValueError:
        return False
    return bool(NUMPY_FUNCTIONS[np.all](x == y))


@implements(np.isin)
def _isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None
) -> Tensor:
    x, tests = lift(element), NUMPY_FUNCTIONS[np.ravel](test_elements)
    found: Tensor = NUMPY_FUNCTIONS[np.any](NUMPY_FUNCTIONS[np.expand_dims](x, -1) == tests, -1)
    return ~found if invert else found
