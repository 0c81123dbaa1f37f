"""Machine code by what it is made from: when an earlier process made the same, not even its text is written.

The disk cache keeps, under a description of the source (a graph's text, an op and its dtype), the key of the object
code (`runtime.object_cache`) and a few facts about it. The description is good for one state of tapec's own files only
(`runtime.sources`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tapec.runtime import cache, jit, sources
from tapec.runtime.cache_entry import KEY_SIZE, key_of
from tapec.runtime.jit import Options, Symbols


class Written(NamedTuple):
    """A module's text, facts that whoever runs its code wants to know, and how it is compiled."""

    text: str
    facts: bytes = b""
    opt: Options = Options()


class Built(NamedTuple):
    """A module's code, and the facts that were written with it."""

    library: jit.Library
    facts: bytes


def build(description: Sequence[str], write: Callable[[], Written], symbols: Symbols | None = None) -> Built:
    """The code of a module.

    Args:
        description: determines what `write` gives, as long as tapec itself does not change.
        write: writes the module; not called if the disk cache has its code.
        symbols: as in `jit.compile_module`.

    Raises:
        CompilationError: see `jit.compile_module`.
    """
    key = _key(description)
    kept = None if key is None else cache.read(key)
    if kept is not None:
        library = jit.find(kept[:KEY_SIZE], lambda: _source(write()), symbols)
        if library is not None:
            return Built(library, kept[KEY_SIZE:])
    written = write()
    library = jit.compile_module(written.text, opt=written.opt, symbols=symbols)
    if key is not None:
        cache.write(key, library.key + written.facts)
    return Built(library, written.facts)


def _source(written: Written) -> jit.Source:
    return jit.Source(written.text, written.opt)


def _key(description: Sequence[str]) -> bytes | None:
    fingerprint = sources.fingerprint() if cache.enabled() else None
    return None if fingerprint is None else key_of(fingerprint, jit.target_name(), *description)
