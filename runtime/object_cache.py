"""Object code in the disk cache: what it is kept under, and what an entry holds."""

from __future__ import annotations

from typing import NamedTuple

from tapec.runtime import cache
from tapec.runtime.cache_entry import key_of


class ObjectCode(NamedTuple):
    """A relocatable object, and what the loader must know of it.

    Args:
        exports: names of the functions that it defines for others.
        imports: names of the functions that it calls.
        code: the object.
    """

    exports: tuple[str, ...]
    imports: tuple[str, ...]
    code: bytes


def object_key(text: str, options: str, target: str) -> bytes:
    """What determines object code: the module's text, how it is compiled, for which CPU and by which versions of LLVM.

    tapec's own version need not be among them: all that it says is in the text.
    """
    return key_of(target, options, text)


def read(key: bytes) -> ObjectCode | None:
    """The object code kept under this key, or None."""
    payload = cache.read(key)
    if payload is None:
        return None
    exports, imports, code = payload.split(b"\n", 2)
    return ObjectCode(_names(exports), _names(imports), code)


def write(key: bytes, found: ObjectCode) -> None:
    """Keeps object code for later processes."""
    head = "\n".join([" ".join(found.exports), " ".join(found.imports), ""])
    cache.write(key, head.encode() + found.code)


def _names(line: bytes) -> tuple[str, ...]:
    return tuple(line.decode().split())
