"""What a kernel's module defines and returns, for those who call kernels and need not know how they are written."""

from typing import Final

KERNEL: Final = "kernel"  # name of the function that runs the program
RELEASE: Final = "release"  # and of the one that frees what it keeps from run to run, if it keeps something

FINE: Final = 0
GUARD_DIFFERS: Final = 1
INDEX_OUT_OF_RANGE: Final = 2
NO_MEMORY: Final = 3
NO_FACTORS: Final = 4  # a matrix is singular or not positive definite, or an iteration does not converge
