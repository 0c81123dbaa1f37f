"""Entering what NumPy's functions mean on tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tapec.array_protocol import HINTS, NUMPY_FUNCTIONS
from tapec.errors import UnsupportedFunctionError
from tapec.writable import WritableArray

_F = TypeVar("_F", bound=Callable[..., Any])


def implements(*functions: Any) -> Callable[[_F], _F]:
    """Decorator: the function is what each of NumPy's `functions` means on tensors; it takes the same arguments."""

    def enter(function: _F) -> _F:
        for name in functions:
            if NUMPY_FUNCTIONS.get(name, function) is not function:  # the same one: an alias in NumPy
                raise ValueError(f"{name} is registered twice")
            NUMPY_FUNCTIONS[name] = function
        return function

    return enter


def not_supported(*functions: Any, hint: str) -> None:
    """Enters what to use instead of NumPy functions that are not recorded."""
    for function in functions:
        HINTS[function] = hint


def refuse(function: Any, **arguments: Any) -> None:
    """Raises `UnsupportedFunctionError` if one of the named arguments is neither None nor True."""
    for name, value in arguments.items():
        if value is not None and value is not True:
            reason = {
                "out": "use the result, out[...] = result, where out is a tp.Array or a view of one",
                "where": "use np.where on the result",
            }.get(name, "leave it out")
            raise UnsupportedFunctionError(
                f"{getattr(function, '__name__', function)} does not take `{name}` on tensors: {reason}"
            )


def delivered(function: Any, out: Any, result: Any, where: Any = True) -> Any:
    """The result, or a tuple of several, written to what `out=` named, which is given back.

    Raises:
        UnsupportedFunctionError: it is an array of NumPy's, or a tensor, which recorded code does not write to.
    """
    if type(result) is not tuple:
        return _written(function, out[0] if type(out) is tuple else out, result, where)
    return tuple([r if o is None else _written(function, o, r, where) for o, r in zip(out, result, strict=True)])


def _written(function: Any, out: Any, result: Any, where: Any) -> Any:
    if not isinstance(out, WritableArray):
        raise UnsupportedFunctionError(
            f"{getattr(function, '__name__', function)} can't write to `out`, a {type(out).__name__} (nor can +=): "
            "recorded code writes to a tp.Array, which np.zeros_like(t), t.copy() and tp.asarray(x) give; or use the "
            "result, out = out + ..."
        )
    return out.__tapec_write__(result, where)
