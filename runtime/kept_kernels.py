"""Kernels for eager runs, made when first needed and kept as long as the process lives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from tapec.passes.kernel_status import KERNEL
from tapec.runtime import jit, recipes, seldom
from tapec.runtime.raw_entry import raw_entry

Kernel: TypeAlias = Callable[..., int]

KERNELS: dict[tuple[Any, ...], Kernel] = {}
_LIBRARIES: list[jit.Library] = []  # kernels live as long as the process: there are few, and anybody may hold one
_LOCK = threading.Lock()


def kernel_of(key: tuple[Any, ...], description: tuple[str, ...], text: Callable[[], str], signature: str) -> Kernel:
    """The kernel that is kept under `key`; `description` says the same to other processes."""
    found = KERNELS.get(key)
    if found is None:
        with _LOCK:
            found = KERNELS.get(key)
            if found is None:
                library = recipes.build(description, lambda: recipes.Written(text()), seldom.addresses).library
                _LIBRARIES.append(library)
                found = KERNELS[key] = raw_entry(library.address(KERNEL), signature)
    return found
