"""What a module of names says when it is asked for one that it does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any


def refuses(module: str, names: Iterable[str]) -> Callable[[str], Any]:
    """A module's `__getattr__`: an error that says what there is.

    Args:
        module: as the user knows it: `"tf.nn"`.
        names: what there is.

    >>> refuses("tf.nn", ["relu", "softmax"])("reluu")
    Traceback (most recent call last):
    AttributeError: tf.nn has no 'reluu'; did you mean relu? tapec has under this name: relu, softmax
    """
    known = sorted(name for name in names if not name.startswith("_"))

    def __getattr__(name: str) -> Any:  # noqa: N807 - this is what a module calls it
        close = get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(close)}? " if close else ""
        raise AttributeError(f"{module} has no {name!r}; {hint}tapec has under this name: {', '.join(known)}")

    return __getattr__
