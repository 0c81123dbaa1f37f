"""`tp.device`: where tensors lie and compiled functions run."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, final

from tapec.errors import ArgumentError, HostStepWarning
from tapec.ops import update
from tapec.placement import OPEN
from tapec.recording import ACTIVE, share, user_location
from tapec.runtime.device_array import DeviceArray

if TYPE_CHECKING:
    from tapec.ir.graph import Graph, Location
    from tapec.ir.primitive import Primitive
    from tapec.runtime.cuda.op_programs import OpPrograms
    from tapec.runtime.cuda.program import DeviceProgram, Target
    from tapec.runtime.device_array import Array, DeviceMemory


_MOST_NUMBERS: Final = 1_024


@final
class Device:
    """A place where tensors lie and compiled functions run; made by `tp.device`.

    As a context, `with tp.device("cuda"): ...`, it has new tensors and Variables made there, and everything run there
    that is not on another device already, in this thread.

    Attributes:
        name: as it was asked for.

    >>> import tapec as tp
    >>> with tp.device("emulated") as device:
    ...     w = tp.Variable([1.0, 2.0])
    >>> (w * 3.0).device == device, (w * 3.0).cpu().device
    (True, tp.device('cpu'))
    """

    def __init__(self, name: str, target: Target | None) -> None:
        self.name = name
        self._target = target
        self._numbers: dict[tuple[int, bytes], DeviceArray] = {}
        self._told: set[tuple[str, Location]] = set()
        if target is not None:
            OPEN[target.memory] = self

    @property
    def own(self) -> Device | None:
        """The device; None for the CPU, whose arrays are NumPy's."""
        return None if self._target is None else self

    @property
    def memory(self) -> DeviceMemory:
        """The memory of a device that is not the CPU."""
        return self._chosen.memory

    @property
    def _chosen(self) -> Target:
        assert self._target is not None
        return self._target

    def compile(self, graph: Graph, memory_budget: int | None = None) -> DeviceProgram:
        """The program of a recorded graph.

        Args:
            graph: the graph.
            memory_budget: see `tapec.function`.

        Raises:
            MemoryBudgetError: the budget can't be met.

        Warns:
            HostStepWarning: the host does some of it, for a GPU: once for each primitive and line.
        """
        program = self._chosen.compile(graph, memory_budget)
        if self._chosen.apart:
            for step in program.plan.host_steps:
                self._tell(step.primitive.name, step.location or user_location())
        return program

    def _tell(self, name: str, where: Location | None) -> None:
        if where is None or (name, where) in self._told:
            return
        self._told.add((name, where))
        message = f"{self!r} leaves `{name}` to the host: its operands are copied there and its results back, each time"
        warnings.warn_explicit(message, HostStepWarning, where.filename, where.line)

    @cached_property
    def _ops(self) -> OpPrograms:
        from tapec.runtime.cuda.op_programs import OpPrograms  # only devices need it

        return OpPrograms(self._chosen, self.compile)

    def run(
        self,
        primitive: Primitive,
        arrays: Sequence[Array | DeviceArray],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
    ) -> list[DeviceArray] | None:
        """Runs one primitive, see `OpPrograms.run`."""
        return self._ops.run(primitive, [self._number(a) for a in arrays], attributes, regions)

    def write(
        self,
        primitive: Primitive,
        array: DeviceArray,
        operands: Sequence[Array | DeviceArray],
        attributes: dict[str, Any],
    ) -> bool:
        """Writes to an array what `slice_set`, or `put` of indices of which none comes twice, would give a new one.

        Returns:
            Whether all indices are in range; if not, nothing is written.
        """
        if primitive is update.slice_set:
            (new,) = operands
            self._ops.parts.write(array, self._number(new), **attributes)
            return True
        where, new = operands
        return self._ops.parts.put(array, where, self._number(new), axis=attributes["axis"])

    def _number(self, array: Array | DeviceArray) -> Array | DeviceArray:
        """Numbers of the user's source come again and again: they are copied once."""
        if array.shape or isinstance(array, DeviceArray):
            return array
        key = array.dtype.num, array.tobytes()
        found = self._numbers.get(key)
        if found is None:
            if len(self._numbers) >= _MOST_NUMBERS:
                self._numbers.clear()
            found = self._numbers[key] = self.memory.put(array)
        return found

    def __enter__(self) -> Device:
        """New tensors are made here from now on."""
        _ENTERED.devices.append(ACTIVE.device)
        _choose(self.own)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """New tensors are made where they were before."""
        _choose(_ENTERED.devices.pop())

    def __repr__(self) -> str:
        return f"tp.device({self.name!r})"


class _Entered(threading.local):
    """What the blocks of one thread chose, from the outermost on, before the present one did."""

    def __init__(self) -> None:
        self.devices: list[Device | None] = []


_ENTERED: Final = _Entered()


def _choose(device: Device | None) -> None:
    """Native entries run on the CPU: they see a list that is not empty while a device is chosen."""
    ACTIVE.device = device
    share(ACTIVE.recorders if device is None else [device])


_KNOWN: dict[str, Device] = {}
_LOCK = threading.Lock()


def device(name: str) -> Device:
    """A device for `tp.function(..., device=...)`, for `tp.to_device`, and for `with` blocks.

    A GPU leaves Fourier transforms and factorizations (`np.fft`, `np.linalg.solve`, `inv`, ...) to the host, whose bits
    they have: operands are copied there and results back, and a `HostStepWarning` says so once at each line.

    Experimental: the code for NVIDIA GPUs is checked by NVIDIA's assembler and by an emulation on the host, but has not
    yet run on a GPU.

    Args:
        name: `"cpu"`; `"cuda"`, the first NVIDIA GPU; or `"emulated"`: a GPU's kernels run by the host, with memory of
            their own, slowly: to try a program without a GPU.

    Raises:
        ArgumentError: there is no device of this name.
        DeviceNotFoundError: this machine has no such GPU, or no driver for it.

    >>> import tapec as tp
    >>> tp.device("abacus")
    Traceback (most recent call last):
    ...
    tapec.errors.ArgumentError: there is no device 'abacus'; there are "cpu", "cuda" and "emulated"
    """
    with _LOCK:
        found = _KNOWN.get(name)
        if found is None:
            found = _KNOWN[name] = Device(name, _target(name))
        return found


def _target(name: str) -> Target | None:
    if name == "cpu":
        return None
    if name == "cuda":
        from tapec.runtime.cuda.gpu import GpuTarget

        return GpuTarget()
    if name == "emulated":
        from tapec.runtime.cuda.emulated_program import EmulatedTarget

        return EmulatedTarget()
    raise ArgumentError(f'there is no device {name!r}; there are "cpu", "cuda" and "emulated"')


def found(wanted: Device | str) -> Device:
    """A device, or the one of this name."""
    return device(wanted) if isinstance(wanted, str) else wanted
