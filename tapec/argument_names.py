"""How messages name functions and their arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def function_name(python: Callable[..., Any]) -> str:
    """The function's name, or its class for objects that have none."""
    return str(getattr(python, "__name__", type(python).__name__))


def parameters(python: Callable[..., Any]) -> list[inspect.Parameter]:
    """The function's parameters; none for builtins without a signature."""
    try:
        return list(inspect.signature(python).parameters.values())
    except (TypeError, ValueError):
        return []


def argument_name(python: Callable[..., Any], position: int) -> str:
    """`argument 0, weights`; without the name where the signature does not have it."""
    known = parameters(python)
    named = position < len(known) and known[position].kind is not inspect.Parameter.VAR_POSITIONAL
    return f"argument {position}, {known[position].name}" if named else f"argument {position}"
