"""Elementwise primitives: each element of the result depends on one element of each operand.

Operands broadcast as in NumPy and have one dtype (casts are ops of their own), except that `select` takes a boolean
first. Result shapes follow NumPy's broadcasting rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapec.errors import AttributeValueError, DTypeError, IndexOutOfRangeError, ShapeError
from tapec.ir import dtypes
from tapec.ir.dtypes import FLOATS
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Family, Primitive
from tapec.ir.types import TensorType, tensor_type
from tapec.ops.registry import define
from tapec.ops.short_floats import in_single

FLOAT, NUMBER, INTEGER, BITS, ANY = "f", "iuf", "iu", "biu", "biuf"


def broadcast_shapes(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """NumPy's broadcast of two shapes; `ShapeError` names both when they do not fit."""
    if a == b or not b:
        return a
    if not a:
        return b
    rank = max(len(a), len(b))
    long_a, long_b = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    out = []
    for m, n in zip(long_a, long_b, strict=True):
        if m != n and m != 1 and n != 1:
            raise ShapeError(f"shapes {a} and {b} do not broadcast: extents {m} and {n} differ and neither is 1")
        out.append(n if m == 1 else m)
    return tuple(out)


def broadcasts_to(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Whether an array of `shape` fits into one of the shape `whole`."""
    try:
        return broadcast_shapes(shape, whole) == whole
    except ShapeError:
        return False


class Elementwise(Family):
    """Broadcast shape, dtype by the primitive's `result` rule."""

    name = "elementwise"

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """See `Family.infer`."""
        first = operands[0]
        shape = first.shape
        for other in operands[1:]:
            if other.shape != shape:
                shape = broadcast_shapes(shape, other.shape)
        typed = operands
        if primitive is select:
            if first.dtype is not dtypes.BOOL:
                raise DTypeError(f"select takes a boolean first operand, got {first.dtype.numpy}")
            typed = operands[1:]
        dtype = typed[0].dtype
        for other in typed[1:]:
            if other.dtype is not dtype:
                raise DTypeError(
                    f"{primitive.name} takes operands of one dtype, got {dtype.numpy}, {other.dtype.numpy}"
                )
        if primitive is integer_pow and not dtype.is_float and attributes["exponent"] < 0:  # type: ignore[operator]
            raise AttributeValueError(
                f"integer_pow of {dtype.numpy} takes exponents from 0 up, got {attributes['exponent']}; cast first"
            )
        if primitive.result == "bool":
            dtype = dtypes.BOOL
        elif primitive.result == "attribute":
            dtype = dtypes.by_name(str(attributes["dtype"]))
        return (tensor_type(dtype, shape),)


ELEMENTWISE = Elementwise()


def _define(
    name: str,
    arity: int,
    meaning: Callable[..., Any],
    summary: str,
    kinds: str,
    *,
    exact: bool = True,
    traits: str = "",
    attributes: tuple[str, ...] = (),
    result: str = "same",
) -> Primitive:
    return define(
        Primitive(
            name, ELEMENTWISE, arity, meaning, summary, attributes, exact, frozenset(traits.split()), kinds, result
        )
    )


def _maximum(a: Any, b: Any) -> Any:
    return np.where((a >= b) | (a != a), a, b)  # np.maximum leaves the sign of zero to the machine


def _minimum(a: Any, b: Any) -> Any:
    return np.where((a <= b) | (a != a), a, b)


@in_single  # `ml_dtypes` has -0.0 for -0.0
def _sign(x: Any) -> Any:
    return np.sign(x)


def _relu(x: Any) -> Any:
    return np.where(x <= 0, x.dtype.type(0), x)


def _strong_mul(a: Any, b: Any) -> Any:
    return np.where(a == 0, a.dtype.type(0), a * b)


def _zero_mul(a: Any, b: Any) -> Any:
    return np.where((a == 0) | (b == 0), a.dtype.type(0), a * b)


@in_single
def _sigmoid(x: Any) -> Any:
    z = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + z), z / (1 + z))


@in_single
def _erf(x: Any) -> Any:
    from scipy.special import erf  # the reference only: generated code has its own

    return erf(x)


@in_single
def _integer_pow(x: Any, *, exponent: int) -> Any:
    """Repeated squaring in the order of `passes.scalar.arithmetic`, so that the bits agree."""
    n, square, out = -exponent if exponent < 0 else exponent, x, None  # `abs` is a primitive here
    while n:
        if n & 1:
            out = square if out is None else out * square
        n >>= 1
        if n:
            square = square * square
    if out is None:
        return np.ones_like(x)
    return 1 / out if exponent < 0 else out


def _cast(x: Any, *, dtype: str) -> Any:
    """NumPy's `astype`, except that a float outside an integer's range saturates and NaN gives 0, on every machine."""
    target = dtypes.by_name(dtype).numpy
    if dtypes.is_short(x.dtype) and x.dtype != target:
        x = x.astype(np.float32)
    if x.dtype.kind in FLOATS and target.kind in "iu":
        info = np.iinfo(target)
        # 2**63 - 1 is no float64: compare with the first float beyond the range instead of clipping to it.
        above, below = x >= float(info.max) + (target.itemsize < 8), x < float(info.min)
        inside = np.where(above | below | (x != x), x.dtype.type(0), x).astype(target)
        return np.where(above, target.type(info.max), np.where(below, target.type(info.min), inside))
    return x.astype(target)


@in_single
def _floor_divide(a: Any, b: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.floor_divide(a, b)


@in_single
def _remainder(a: Any, b: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.remainder(a, b)


def _wrap_index(x: Any, *, size: int) -> Any:
    if x.size and (x.min() < -size or x.max() >= size):
        bad = x[(x < -size) | (x >= size)].flat[0]
        raise IndexOutOfRangeError(f"index {bad} is out of bounds for an axis of size {size}")
    return np.where(x < 0, x + size, x)


add = _define("add", 2, np.add, "Sum.", ANY, traits="commutative")
sub = _define("sub", 2, np.subtract, "Difference.", NUMBER)
mul = _define("mul", 2, np.multiply, "Product.", ANY, traits="commutative")
div = _define("div", 2, np.divide, "Quotient of floats.", FLOAT)
floor_divide = _define("floor_divide", 2, _floor_divide, "Quotient rounded down; integers by 0 give 0.", NUMBER)
remainder = _define("remainder", 2, _remainder, "Python's `%`: the sign is the divisor's.", NUMBER)
strong_mul = _define(
    "strong_mul",
    2,
    _strong_mul,
    "Product in which an exact zero of the first operand gives +0, whatever the second.",
    FLOAT,
)
zero_mul = _define(
    "zero_mul", 2, _zero_mul, "Product in which an exact zero of either operand gives +0.", FLOAT, traits="commutative"
)
maximum = _define("maximum", 2, _maximum, "Larger one; NaN if either is.", ANY)
minimum = _define("minimum", 2, _minimum, "Smaller one; NaN if either is.", ANY)
pow = _define("pow", 2, np.power, "Power of floats, as C's pow.", FLOAT, exact=False)
atan2 = _define("atan2", 2, np.arctan2, "Angle of the point (second, first) in radians.", FLOAT, exact=False)

neg = _define("neg", 1, np.negative, "Negation.", NUMBER)
abs = _define("abs", 1, np.abs, "Absolute value.", NUMBER)
sign = _define("sign", 1, _sign, "-1, 0 or 1; NaN of NaN.", NUMBER)
integer_pow = _define(
    "integer_pow", 1, _integer_pow, "Power with a fixed integer exponent.", NUMBER, attributes=("exponent",)
)
sqrt = _define("sqrt", 1, np.sqrt, "Square root.", FLOAT)
exp = _define("exp", 1, np.exp, "e to the power x.", FLOAT, exact=False)
expm1 = _define("expm1", 1, np.expm1, "exp(x) - 1, exact near 0.", FLOAT, exact=False)
log = _define("log", 1, np.log, "Natural logarithm.", FLOAT, exact=False)
log1p = _define("log1p", 1, np.log1p, "log(1 + x), exact near 0.", FLOAT, exact=False)
sin = _define("sin", 1, np.sin, "Sine of radians.", FLOAT, exact=False)
cos = _define("cos", 1, np.cos, "Cosine of radians.", FLOAT, exact=False)
atan = _define("atan", 1, np.arctan, "Inverse tangent in radians.", FLOAT, exact=False)
tanh = _define("tanh", 1, np.tanh, "Hyperbolic tangent.", FLOAT, exact=False)
sigmoid = _define("sigmoid", 1, _sigmoid, "1 / (1 + exp(-x)).", FLOAT, exact=False)
erf = _define("erf", 1, _erf, "Error function.", FLOAT, exact=False)
relu = _define("relu", 1, _relu, "x where x > 0, else 0; NaN of NaN.", NUMBER)
floor = _define("floor", 1, np.floor, "Largest integer not above x.", FLOAT)
ceil = _define("ceil", 1, np.ceil, "Smallest integer not below x.", FLOAT)
trunc = _define("trunc", 1, np.trunc, "Integer part.", FLOAT)
rint = _define("rint", 1, np.rint, "Nearest integer, ties to even.", FLOAT)
cast = _define("cast", 1, _cast, "Conversion to another dtype.", ANY, attributes=("dtype",), result="attribute")
copy = _define("copy", 1, np.array, "x, in memory of its own; passes put it where a step needs dense memory.", ANY)
barrier = _define("barrier", 1, lambda x: x, "x, and passes do not know that it is: what is done twice stays so.", ANY)
stop_gradient = _define("stop_gradient", 1, lambda x: x, "x, through which no derivative flows.", ANY)
wrap_index = _define(
    "wrap_index", 1, _wrap_index, "Index with negatives counted from the end; raises outside.", INTEGER,
    attributes=("size",), traits="effect",
)  # fmt: skip

eq = _define("eq", 2, np.equal, "Equality.", ANY, traits="commutative", result="bool")
ne = _define("ne", 2, np.not_equal, "Inequality; true of NaN.", ANY, traits="commutative", result="bool")
lt = _define("lt", 2, np.less, "Less than.", ANY, result="bool")
le = _define("le", 2, np.less_equal, "Less than or equal.", ANY, result="bool")
gt = _define("gt", 2, np.greater, "Greater than.", ANY, result="bool")
ge = _define("ge", 2, np.greater_equal, "Greater than or equal.", ANY, result="bool")
bit_and = _define("bit_and", 2, np.bitwise_and, "Bitwise and; logical on booleans.", BITS, traits="commutative")
bit_or = _define("bit_or", 2, np.bitwise_or, "Bitwise or; logical on booleans.", BITS, traits="commutative")
bit_xor = _define("bit_xor", 2, np.bitwise_xor, "Bitwise exclusive or.", BITS, traits="commutative")
bit_not = _define("bit_not", 1, np.invert, "Bitwise complement; logical not on booleans.", BITS)
select = _define("select", 3, np.where, "Second where the first is true, else third.", ANY)
