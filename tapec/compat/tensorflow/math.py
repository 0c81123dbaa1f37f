"""`tf.math`: NumPy's functions, under TensorFlow's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapec import nn
from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS
from tapec.compat.tensorflow._conversion import operand, pair
from tapec.compat.unknown_names import refuses
from tapec.tensor import Tensor

__all__ = [
    "abs", "acos", "acosh", "add", "argmax", "argmin", "asin", "asinh", "atan", "atan2", "atanh", "ceil", "cos",
    "cosh", "cumprod", "cumsum", "divide", "equal", "erf", "exp", "expm1", "floor", "floordiv", "floormod",
    "greater", "greater_equal", "is_finite", "is_inf", "is_nan", "less", "less_equal", "log", "log1p",
    "log_sigmoid", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "mod",
    "multiply", "negative", "not_equal", "pow", "reciprocal", "reduce_all", "reduce_any", "reduce_logsumexp",
    "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_std", "reduce_sum", "reduce_variance", "rint",
    "round", "sigmoid", "sign", "sin", "sinh", "softplus", "sqrt", "square", "subtract", "tan", "tanh", "truediv",
]  # fmt: skip


def _of_one(function: Any) -> Callable[..., Tensor]:
    """A function of `x`."""
    meaning = NUMPY_FUNCTIONS.get(function, function)

    def call(x: Any, name: str | None = None) -> Tensor:
        return meaning(operand(x))  # type: ignore[no-any-return]

    call.__doc__ = f"`{function.__name__}` of `x`, elementwise."
    return call


def _of_two(function: Any) -> Callable[..., Tensor]:
    """A function of `x` and `y`."""
    meaning = NUMPY_FUNCTIONS[function]

    def call(x: Any, y: Any, name: str | None = None) -> Tensor:
        return meaning(*pair(x, y))  # type: ignore[no-any-return]

    call.__doc__ = f"`{function.__name__}` of `x` and `y`, elementwise; a Python number takes the other's dtype."
    return call


def _reduction(function: Any) -> Callable[..., Tensor]:
    """A function of all elements, or of those along some axes."""
    meaning = NUMPY_FUNCTIONS.get(function, function)

    def call(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
        axes = tuple(axis) if isinstance(axis, list) else axis
        return meaning(operand(input_tensor), axis=axes, keepdims=keepdims)  # type: ignore[no-any-return]

    call.__doc__ = f"`{function.__name__}` over all axes, or over `axis`."
    return call


def _along_first(function: Any) -> Callable[..., Tensor]:
    """A function along one axis, the first one by default."""
    meaning = NUMPY_FUNCTIONS[function]

    def call(x: Any, axis: int = 0, *, name: str | None = None) -> Tensor:
        return meaning(operand(x), axis=axis)  # type: ignore[no-any-return]

    call.__doc__ = f"`{function.__name__}` along `axis`."
    return call


def _position(function: Any) -> Callable[..., Tensor]:
    """Positions of extreme elements along one axis, the first one by default."""
    meaning = NUMPY_FUNCTIONS[function]

    def call(input: Any, axis: int = 0, output_type: Any = np.int64, name: str | None = None) -> Tensor:
        return meaning(operand(input), axis=axis).astype(output_type)  # type: ignore[no-any-return]

    call.__doc__ = f"`{function.__name__}` along `axis`."
    return call


abs = _of_one(np.abs)
acos = _of_one(np.arccos)
acosh = _of_one(np.arccosh)
asin = _of_one(np.arcsin)
asinh = _of_one(np.arcsinh)
atan = _of_one(np.arctan)
atanh = _of_one(np.arctanh)
ceil = _of_one(np.ceil)
cos = _of_one(np.cos)
cosh = _of_one(np.cosh)
erf = _of_one(nn.erf)
exp = _of_one(np.exp)
expm1 = _of_one(np.expm1)
floor = _of_one(np.floor)
is_finite = _of_one(np.isfinite)
is_inf = _of_one(np.isinf)
is_nan = _of_one(np.isnan)
log = _of_one(np.log)
log1p = _of_one(np.log1p)
log_sigmoid = _of_one(nn.log_sigmoid)
logical_not = _of_one(np.logical_not)
negative = _of_one(np.negative)
reciprocal = _of_one(np.reciprocal)
rint = _of_one(np.rint)
round = _of_one(np.round)
sigmoid = _of_one(nn.sigmoid)
sign = _of_one(np.sign)
sin = _of_one(np.sin)
sinh = _of_one(np.sinh)
sqrt = _of_one(np.sqrt)
square = _of_one(np.square)
tan = _of_one(np.tan)
tanh = _of_one(np.tanh)

add = _of_two(np.add)
divide = truediv = _of_two(np.divide)
equal = _of_two(np.equal)
floordiv = _of_two(np.floor_divide)
floormod = mod = _of_two(np.remainder)
greater = _of_two(np.greater)
greater_equal = _of_two(np.greater_equal)
less = _of_two(np.less)
less_equal = _of_two(np.less_equal)
logical_and = _of_two(np.logical_and)
logical_or = _of_two(np.logical_or)
logical_xor = _of_two(np.logical_xor)
maximum = _of_two(np.maximum)
minimum = _of_two(np.minimum)
multiply = _of_two(np.multiply)
not_equal = _of_two(np.not_equal)
pow = _of_two(np.power)
subtract = _of_two(np.subtract)

reduce_all = _reduction(np.all)
reduce_any = _reduction(np.any)
reduce_logsumexp = _reduction(nn.logsumexp)
reduce_max = _reduction(np.max)
reduce_mean = _reduction(np.mean)
reduce_min = _reduction(np.min)
reduce_prod = _reduction(np.prod)
reduce_std = _reduction(np.std)
reduce_sum = _reduction(np.sum)
reduce_variance = _reduction(np.var)

cumprod = _along_first(np.cumprod)
cumsum = _along_first(np.cumsum)
argmax = _position(np.argmax)
argmin = _position(np.argmin)


def atan2(y: Any, x: Any, name: str | None = None) -> Tensor:
    """The angle of the point (x, y)."""
    return TENSOR_FUNCTIONS[np.arctan2](*pair(y, x))


def softplus(features: Any, name: str | None = None) -> Tensor:
    """`tp.nn.softplus`."""
    return nn.softplus(operand(features))


__getattr__ = refuses("tf.math", __all__)
