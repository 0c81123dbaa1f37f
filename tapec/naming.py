"""Names of Variables and layers: scopes that stand before a name, and numbers that tell layers of one class apart."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class _Scopes(threading.local):
    """State of one thread: what stands before the names of Variables made now, each scope with a slash behind it."""

    prefix: str = ""


_SCOPES = _Scopes()
_COUNTS: Counter[str] = Counter()
_LOCK = threading.Lock()


@contextmanager
def name_scope(name: str) -> Iterator[str]:
    """Puts `name` and a slash before the names of Variables that are made inside; gives the whole prefix.

    >>> import tapec as tp
    >>> with name_scope("encoder"):
    ...     tp.Variable(1.0, name="w").name
    'encoder/w:0'
    """
    outer = _SCOPES.prefix
    _SCOPES.prefix = f"{outer}{name}/"
    try:
        yield _SCOPES.prefix
    finally:
        _SCOPES.prefix = outer


def scoped(name: str) -> str:
    """`name` behind the scopes that are open in this thread."""
    return _SCOPES.prefix + name


def snake_case(name: str) -> str:
    """A class's name as an instance's.

    >>> snake_case("LayerNorm"), snake_case("Conv2D"), snake_case("MaxPool2D")
    ('layer_norm', 'conv2d', 'max_pool2d')
    """
    parted = re.sub(r"([a-z0-9])([A-Z][a-z])", r"\1_\2", re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", parted).lower()


def unique_name(stem: str) -> str:
    """`stem`, then `stem_1`, `stem_2`, ..., for as long as the process lives or until `reset_names`."""
    with _LOCK:
        count = _COUNTS[stem]
        _COUNTS[stem] += 1
    return f"{stem}_{count}" if count else stem


def reset_names() -> None:
    """Lets the numbers behind the names of new layers begin anew, as in a new process."""
    with _LOCK:
        _COUNTS.clear()
