"""Addresses of the functions that compiled code calls where a formula ends (`passes.scalar.seldom`)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

from tapec.passes.scalar.seldom_names import PREFIX
from tapec.runtime import jit, recipes

_LIBRARIES: Final[dict[str, jit.Library]] = {}  # as long as the process: compiled code holds their addresses
_LOCK: Final = threading.Lock()
# They run for a lane in a million: LLVM's quick path makes them in half of the time.
_QUICK: Final = jit.Options(passes=(), codegen_level=0)


def addresses(names: Sequence[str]) -> dict[str, int]:
    """Addresses of those among these functions that are called seldom."""
    return {name: _address(name) for name in names if name.startswith(PREFIX)}


def _address(name: str) -> int:
    with _LOCK:
        library = _LIBRARIES.get(name)
        if library is None:
            library = recipes.build(("seldom", name), lambda: _written(name)).library
            _LIBRARIES.update(dict.fromkeys(library.symbols, library))
        return library.address(name)


def _written(name: str) -> recipes.Written:
    from tapec.passes.llvm_text import module_text
    from tapec.passes.scalar.seldom import seldom_function, together

    return recipes.Written(module_text([seldom_function(each) for each in together(name)]), opt=_QUICK)
