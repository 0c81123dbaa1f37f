"""Transformations that are called with the function and its arguments at once: compiled from the second call on."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from functools import partial
from types import MethodType
from typing import Any

from tapec.argument_names import function_name
from tapec.eager_mode import eager, is_nested
from tapec.function import Function
from tapec.recording import ACTIVE

_KNOWN: weakref.WeakKeyDictionary[Any, dict[Any, Function]] = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()


def repeated(transformation: Callable[..., Any], python: Callable[..., Any], *args: Any) -> Any:
    """`transformation(python, *args)`: op by op when it is first asked for; later, or in a recording, by machine code.

    A function that is made for one call, as a lambda in a loop is, would take longer to compile than to run. Functions
    that can't be referred to weakly run op by op always, as NumPy's own do.

    Args:
        transformation: takes the function and arguments as a recording sees them.
        python: the function. Machine code is kept for as long as it lives.
        args: arguments as those of a compiled function.
    """
    owner: Any = python
    key: tuple[Any, ...] = (transformation,)
    if isinstance(python, MethodType):  # a new object at each access
        owner, key = python.__self__, (transformation, python.__func__)
    try:
        with _LOCK:
            known = _KNOWN.setdefault(owner, {})
            function = known.get(key)
            first = function is None
            if function is None:
                function = known[key] = _function(transformation, python)
    except TypeError:  # neither hashable nor open to weak references
        function, first = Function(partial(transformation, python)), True
    if not first or is_nested(ACTIVE.recorders):  # in a recording it becomes a part of that
        return function(*args)
    with eager():
        return function(*args)


def _function(transformation: Callable[..., Any], python: Callable[..., Any]) -> Function:
    """The compiled transformation. It does not keep `python` alive, which whoever calls it holds."""
    reference: Callable[[], Any] = weakref.WeakMethod(python) if isinstance(python, MethodType) else weakref.ref(python)

    def run(*args: Any) -> Any:
        return transformation(reference(), *args)

    run.__name__ = function_name(python)
    return Function(run)
