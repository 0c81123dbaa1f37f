"""`tp.device`: where compiled functions run."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, final

from tapec.errors import ArgumentError

if TYPE_CHECKING:
    from tapec.ir.graph import Graph
    from tapec.runtime.cuda.program import DeviceProgram, Target


@final
class Device:
    """A device that compiled functions can run on; made by `tp.device`.

    Attributes:
        name: as it was asked for.

    >>> import tapec as tp
    >>> try:
    ...     gpu = tp.device("cuda")
    ... except tp.errors.DeviceNotFoundError:
    ...     gpu = None  # what is called with `device=None` runs on the CPU
    """

    __slots__ = ("_target", "name")

    def __init__(self, name: str, target: Target) -> None:
        self.name = name
        self._target = target

    def compile(self, graph: Graph) -> DeviceProgram:
        """The program of a recorded graph."""
        return self._target.compile(graph)

    def __repr__(self) -> str:
        return f"tp.device({self.name!r})"


@cache
def device(name: str) -> Device:
    """A device for `tp.function(..., device=...)`.

    Experimental: the code for NVIDIA GPUs is checked by NVIDIA's assembler and by an emulation on the host, but has not
    yet run on a GPU.

    Args:
        name: `"cuda"`, the first NVIDIA GPU.

    Raises:
        ArgumentError: there is no device of this name.
        DeviceNotFoundError: this machine has no such GPU, or no driver for it.

    >>> import tapec as tp
    >>> tp.device("abacus")
    Traceback (most recent call last):
    ...
    tapec.errors.ArgumentError: there is no device 'abacus'; the CPU needs no name, and "cuda" is an NVIDIA GPU
    """
    if name != "cuda":
        raise ArgumentError(f'there is no device {name!r}; the CPU needs no name, and "cuda" is an NVIDIA GPU')
    from tapec.runtime.cuda.gpu import GpuTarget

    return Device(name, GpuTarget())
