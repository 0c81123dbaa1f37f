"""NumPy's universal functions on tensors: which dtype they compute in, and the wrapper that gets operands there.

NumPy itself is asked for the dtypes, so promotion is NumPy's for every pair.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, OPERATORS, ArrayProtocol
from tapec.complex_tensor import complex_ufunc, is_complex
from tapec.dispatch import apply, cast, dtype_code, lift
from tapec.errors import DTypeError
from tapec.ir.dtypes import FLOATS, is_bfloat16, is_short
from tapec.ir.primitive import Primitive
from tapec.surface.registry import delivered, refuse
from tapec.surface.short_floats import widely
from tapec.tensor import Tensor

Formula = Callable[..., Any]
_Resolved = tuple[np.dtype[Any], ...]

_RESOLVED: dict[tuple[Any, ...], _Resolved] = {}


def loop_dtypes(ufunc: np.ufunc, operands: tuple[Tensor, ...]) -> _Resolved:
    """The dtypes to which NumPy would cast the operands.

    Raises:
        DTypeError: the ufunc has no loop for them.
    """
    codes = tuple([dtype_code(t) for t in operands])
    found = _RESOLVED.get((ufunc, codes))
    if found is None:
        try:
            resolved = _resolved(ufunc, codes)
            if resolved[0].kind == "O":  # NumPy compares Python integers as objects; as tensors they are int64
                resolved = _resolved(ufunc, tuple(map(np.dtype, codes)))
        except TypeError as error:
            kinds = ", ".join(getattr(code, "name", f"Python {getattr(code, '__name__', '')}") for code in codes)
            raise DTypeError(f"numpy.{ufunc.__name__} of {kinds}: {error}") from error
        found = _RESOLVED[(ufunc, codes)] = tuple(resolved[: ufunc.nin])
    return found


def _resolved(ufunc: np.ufunc, codes: tuple[Any, ...]) -> _Resolved:
    """The dtypes of the loop that NumPy finds, of results too; bfloat16 goes as in `tapec.ir.dtypes.promoted`."""
    bfloat = next(filter(is_bfloat16, codes), None)
    if bfloat is None:
        return ufunc.resolve_dtypes((*codes, *(None,) * ufunc.nout))
    half = np.dtype(np.float16)
    instead = np.dtype(np.float32) if half in codes else half
    codes = tuple([instead if is_bfloat16(code) else code for code in codes])
    return tuple([bfloat if d == half else d for d in ufunc.resolve_dtypes((*codes, *(None,) * ufunc.nout))])


def run(ufunc: np.ufunc, formula: Formula, operands: tuple[Tensor, ...]) -> Any:
    """`formula` of the operands in the dtypes in which NumPy would compute. Where these have 16 bits, NumPy computes in
    float32, and rounds once.
    """
    dtypes = loop_dtypes(ufunc, operands)
    for t, dtype in zip(operands, dtypes, strict=True):
        if t._weak or t._array.dtype != dtype:
            operands = tuple([cast(t, dtype) for t, dtype in zip(operands, dtypes, strict=True)])
            break
    return widely(formula, operands, {}, dtypes[0]) if is_short(dtypes[0]) else formula(*operands)


def ufunc(*functions: np.ufunc) -> Callable[[Formula], Formula]:
    """Decorator: the formula is what the ufuncs compute, given operands that are in the dtype of NumPy's loop."""

    def enter(formula: Formula) -> Formula:
        for function in functions:
            _register(function, formula)
        return formula

    return enter


def _register(function: np.ufunc, formula: Formula) -> None:
    def call(
        *inputs: Any, dtype: Any = None, out: Any = None, where: Any = True, casting: str = "same_kind", **options: Any
    ) -> Any:
        if options or (where is not True and out is None):
            refuse(function, where=where, **options)
        operands = tuple([lift(value) for value in inputs])
        if len(operands) != function.nin:
            raise TypeError(f"{function.__name__}() takes {function.nin} operands, got {len(operands)}")
        if dtype is not None:
            operands = tuple([cast(t, np.dtype(dtype)) for t in operands])
        result = run(function, formula, operands)
        return result if out is None else delivered(function, out, result, where)

    NUMPY_FUNCTIONS[function] = call


_UNARY: dict[np.ufunc, Primitive] = {}
_general_protocol = ArrayProtocol.__array_ufunc__


def _array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """`ArrayProtocol.__array_ufunc__`, with a short way for ufuncs of one tensor that are one primitive."""
    if len(inputs) == 1 and not kwargs and method == "__call__" and type(self) is Tensor:
        primitive = _UNARY.get(ufunc)
        if primitive is not None and self._array.dtype.kind in FLOATS:
            return apply(primitive, inputs)
    if any(type(x) is not Tensor and is_complex(x) for x in inputs):
        return complex_ufunc(ufunc, method, inputs, kwargs)
    return _general_protocol(self, ufunc, method, *inputs, **kwargs)


ArrayProtocol.__array_ufunc__ = _array_ufunc  # type: ignore[method-assign]


def unary_primitive(function: np.ufunc, primitive: Primitive) -> None:
    """Enters a ufunc of one operand that is one primitive."""
    _register(function, lambda x: apply(primitive, (x,)))
    _UNARY[function] = primitive
    general = NUMPY_FUNCTIONS[function]

    def call(x: Any, **options: Any) -> Any:
        if not options:
            x = read(x)
            if type(x) is Tensor and x._array.dtype.kind in FLOATS:
                return apply(primitive, (x,))
        return general(x, **options)

    NUMPY_FUNCTIONS[function] = call


def binary_primitive(function: np.ufunc, primitive: Primitive) -> None:
    """Enters a ufunc of two operands that is one primitive."""
    _register(function, lambda a, b: apply(primitive, (a, b)))
    general = NUMPY_FUNCTIONS[function]

    def call(*inputs: Any, **options: Any) -> Any:
        if not options and len(inputs) == 2:
            pair = _floats(read(inputs[0]), read(inputs[1]))
            if pair is not None:
                return apply(primitive, pair)
        return general(*inputs, **options)

    NUMPY_FUNCTIONS[function] = call


def _general_operator(
    function: np.ufunc, formula: Formula, exception: Callable[[Any, Any], Tensor | None] | None
) -> Callable[[Any, Any], Any]:
    """What a binary operator does with operands that are not two tensors of one floating dtype."""

    def general(a: Any, b: Any) -> Any:
        if is_complex(a) or is_complex(b):
            return complex_ufunc(function, "__call__", (a, b), {})
        if exception is not None:
            found = exception(a, b)
            if found is not None:
                return found
        x, y = operand(a), operand(b)
        if x is None or y is None:
            return NotImplemented
        if not (x._weak and y._weak):
            return run(function, formula, (x, y))
        dtypes = loop_dtypes(function, (x, y))
        return weaken(formula(*[t if t._array.dtype == d else cast(t, d) for t, d in zip((x, y), dtypes, strict=True)]))

    return general


def binary_operator(
    name: str,
    function: np.ufunc,
    primitive: Primitive | None,
    formula: Formula,
    exception: Callable[[Any, Any], Tensor | None] | None = None,
) -> None:
    """Enters a ufunc of two operands and Python's operator `name` for it.

    Args:
        name: the operator's special method, without underscores.
        function: NumPy's name for it.
        primitive: what it is on two operands of one floating dtype, if that is one primitive.
        formula: what it is on operands of the loop's dtypes.
        exception: asked first for operands that are not both of one floating dtype; None where the rule holds.
    """
    _register(function, formula)

    general = _general_operator(function, formula, exception)
    if primitive is None:
        OPERATORS[name] = general
        return
    direct = primitive
    whole = NUMPY_FUNCTIONS[function]

    def operator(a: Any, b: Any) -> Any:
        if type(a) is Tensor and type(b) is Tensor:  # most calls: `_floats`, spelled out
            dtype = a._array.dtype
            if dtype is b._array.dtype and dtype.kind in FLOATS:
                if not (a._weak or b._weak):
                    return apply(direct, (a, b))
                if a._weak and b._weak and exception is None:
                    result = apply(direct, (a, b))
                    result._weak = result._array.dtype.kind != "b"
                    return result
            return general(a, b)
        pair = _floats(read(a), read(b))
        if pair is not None:
            return apply(direct, pair)
        pair = None if exception is not None else _weak_floats(a, b)
        if pair is None:
            return general(a, b)
        result = apply(direct, pair)
        result._weak = result._array.dtype.kind != "b"
        return result

    def call(*inputs: Any, **options: Any) -> Any:
        if not options and len(inputs) == 2:
            pair = _floats(*inputs)
            if pair is not None:
                return apply(direct, pair)
            if exception is not None:
                found = exception(*inputs)
                if found is not None:
                    return found
        return whole(*inputs, **options)

    OPERATORS[name] = operator
    NUMPY_FUNCTIONS[function] = call


def _floats(a: Any, b: Any) -> tuple[Tensor, Tensor] | None:
    """The operands where nothing need be looked up, which is common: a floating tensor, and its like or a number."""
    if type(a) is Tensor:
        dtype = a._array.dtype
        if a._weak or dtype.kind not in FLOATS:
            return None
        if type(b) is Tensor:
            return None if b._weak or b._array.dtype is not dtype else (a, b)
        return (a, lift(b, dtype)) if type(b) is float or type(b) is int else None
    if (type(a) is float or type(a) is int) and type(b) is Tensor and not b._weak:
        dtype = b._array.dtype
        return (lift(a, dtype), b) if dtype.kind in FLOATS else None
    return None


def _weak_floats(a: Any, b: Any) -> tuple[Tensor, Tensor] | None:
    """The operands if one is a weak floating tensor and the other a number, which leaves the result weak."""
    if type(a) is Tensor:
        if a._weak and a._array.dtype.kind in FLOATS and (type(b) is float or type(b) is int):
            return a, lift(b, a._array.dtype)
        return None
    if type(b) is Tensor and b._weak and b._array.dtype.kind in FLOATS and (type(a) is float or type(a) is int):
        return lift(a, b._array.dtype), b
    return None


def read(value: Any) -> Any:
    """A Variable's tensor; anything else as it is."""
    kind = type(value)
    if kind is Tensor or kind is float or kind is int:  # most operands, in less time
        return value
    as_tensor = getattr(kind, "__tapec_tensor__", None)
    return value if as_tensor is None else as_tensor(value)


def unary_operator(name: str, function: np.ufunc, formula: Formula) -> None:
    """Enters a ufunc of one operand and Python's operator `name` for it."""
    _register(function, formula)

    def operator(x: Any) -> Any:
        if type(x) is not Tensor:
            x = lift(x)
        if x._weak:
            return weaken(formula(x))
        return formula(x) if x._array.dtype.kind in FLOATS else run(function, formula, (x,))

    OPERATORS[name] = operator


def weaken(result: Any) -> Any:
    """The fresh result of Python's operators on weak tensors, made weak; booleans are never weak."""
    for t in result if type(result) is tuple else (result,):
        if t._literal:  # one of the operands, which others use as well
            continue
        t._weak = t._array.dtype.kind != "b"
    return result


def operand(value: Any) -> Tensor | None:
    """An operator's operand; None for what is no number at all, so that Python can ask the other side."""
    if type(value) is Tensor:
        return value
    try:
        return lift(value)
    except DTypeError:
        if not hasattr(value, "__tapec_tensor__") and np.asarray(value).dtype.kind in "OUSVT":
            return None
        raise
