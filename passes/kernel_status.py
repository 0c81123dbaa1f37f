"""What a kernel returns: a module of its own, since whoever calls kernels need not know how they are written."""

from typing import Final

FINE: Final = 0
GUARD_DIFFERS: Final = 1
INDEX_OUT_OF_RANGE: Final = 2
NO_MEMORY: Final = 3
TOO_LARGE: Final = 4  # a matrix whose extents BLAS's 32-bit integers do not hold
