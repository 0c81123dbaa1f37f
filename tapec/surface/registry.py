"""Entering what NumPy's functions mean on tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tapec.array_protocol import HINTS, NUMPY_FUNCTIONS
from tapec.errors import UnsupportedFunctionError

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
                "out": "tensors are immutable and arrays are not written to by recorded code; use the result",
                "where": "use np.where on the result",
            }.get(name, "leave it out")
            raise UnsupportedFunctionError(
                f"{getattr(function, '__name__', function)} does not take `{name}` on tensors: {reason}"
            )
