"""Facts about this CPU that code generation asks for."""

from __future__ import annotations

from functools import cache

from tapec.runtime import jit


@cache
def vector_bits() -> int:
    """Width of this CPU's vector registers."""
    name = jit.target_name()
    return 512 if "+avx512f" in name else 256 if "+avx2" in name else 128
