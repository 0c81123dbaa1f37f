"""Steps of a program that a device leaves to the host: they have no kernel, and the host's bits are wanted."""

from __future__ import annotations

from typing import Final

from tapec.ir.primitive import Primitive
from tapec.ops import transform
from tapec.passes.materialize import FACTORIZATIONS

# cuFFT and cuSOLVER do these too: in other bits than the CPU's, with libraries to install, and by calls that nobody
# here could try.
HOST_STEPS: Final[frozenset[Primitive]] = frozenset({transform.fft, transform.rfft, transform.irfft}) | FACTORIZATIONS
