"""PTX of kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tapec.passes.cuda.device_text import device_module
from tapec.passes.cuda.kernel import Kernel
from tapec.runtime import jit

_TRIPLE: Final = "nvptx64-nvidia-cuda"
# Phases are written as functions; inlined, their slots become registers.
_OPTIONS: Final = jit.Options(("always_inliner", *jit.CLEANUP), 3)


def ptx(kernels: Sequence[Kernel], architecture: str) -> str:
    """PTX of kernels for an architecture such as `sm_80`."""
    return ptx_of(device_module(kernels), architecture)


def ptx_of(module: str, architecture: str) -> str:
    """PTX of a module with kernels."""
    return jit.assembly(module, _TRIPLE, architecture, opt=_OPTIONS)
