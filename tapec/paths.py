"""The paths that Python took through one specialisation, found by what their guards saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from tapec.arguments import dense
from tapec.collector import patient_collector
from tapec.passes.kernel_status import FINE, GUARD_DIFFERS
from tapec.placement import OPEN, chosen_device
from tapec.recorded_call import Recording
from tapec.results import Results
from tapec.runtime.device_array import on_host
from tapec.tensor import make
from tapec.variable import Variable

if TYPE_CHECKING:
    from tapec.devices import Device
    from tapec.runtime.cuda.program import DeviceProgram
    from tapec.runtime.driver import Executable


class Outcome(NamedTuple):
    """What became of one run of machine code.

    Attributes:
        failed: it met an error, such as an index out of range.
        seen: the guards' values up to the first that did not hold; None if all did.
        result: what the function returns, if neither.
        native: whether it ran on the CPU.
    """

    failed: bool = False
    seen: list[int] | None = None
    result: Any = None
    native: bool = True


@final
class Path:
    """One way that Python took, recorded, and compiled for each device on which it has run.

    Args:
        recording: what was recorded.
        results: how outputs become results.
        memory_budget: see `tapec.function`.
        device: where it runs; None for where its inputs lie.

    Attributes:
        recording: what was recorded.
        results: how outputs become results.
        locks: of the Variables that it assigns; held from reading a Variable to assigning it.
    """

    __slots__ = ("_budget", "_device", "_entry", "_programs", "_runs", "_sources", "locks", "recording", "results")

    def __init__(
        self, recording: Recording, results: Results, memory_budget: int | None, device: Device | None
    ) -> None:
        self.recording = recording
        self.results = results
        self._budget = memory_budget
        self._device = device
        self._programs: dict[Device | None, Executable | DeviceProgram] = {}
        self._runs = 0
        self._entry: Callable[..., Any] | None = None
        types = [value.type.dtype for value in recording.source_values]
        self._sources = tuple(zip(recording.sources, types, strict=True))
        # In one order everywhere, so that two functions that assign to the same Variables can't wait for each other.
        self.locks = [v._lock for v in sorted(recording.assigned, key=id)]

    @property
    def executable(self) -> Executable:
        """Its machine code for the CPU."""
        program = self.program(None)
        assert program.native
        return program

    def program(self, device: Device | None) -> Executable | DeviceProgram:
        """What runs on a device; machine code for None. It is compiled when it is first asked for."""
        found = self._programs.get(device)
        if found is None:
            with patient_collector():
                if device is not None:
                    found = device.compile(self.recording.graph, self._budget)
                else:
                    from tapec.runtime.driver import compile_graph

                    found = compile_graph(self.recording.graph, self._budget)
            self._programs[device] = found
        return found

    def run(self, arrays: list[Any]) -> Outcome:
        """Runs the machine code on the argument leaves; Variables are assigned only if every guard held."""
        if not self.locks:
            return self._attempt(arrays)
        with ExitStack() as stack:  # between reading a Variable and assigning it, nobody else may assign it
            for lock in self.locks:
                stack.enter_context(lock)
            return self._attempt(arrays)

    def _inputs(self, arrays: list[Any]) -> list[Any]:
        """The argument leaves, and the arrays that stand behind them."""
        for source, dtype in self._sources:
            array = source._tensor._array if isinstance(source, Variable) else source
            arrays = [*arrays, dense(array, dtype)]
        return arrays

    def host_inputs(self, arrays: list[Any]) -> list[np.ndarray[Any, Any]]:
        """All inputs of the machine code, with what the function reaches by itself as it is now."""
        return [on_host(array) for array in self._inputs(arrays)]

    def _attempt(self, arrays: list[Any]) -> Outcome:
        arrays = self._inputs(arrays)
        device = chosen_device(self._device, arrays) if OPEN else None
        if device is None:
            status, outputs, seen = self._execute([on_host(a) for a in arrays] if OPEN else arrays)
        else:
            status, outputs, seen = self.program(device).run(arrays)
        if status == GUARD_DIFFERS:
            return Outcome(seen=seen)
        if status != FINE:
            return Outcome(failed=True)
        assigned = self.recording.assigned
        for variable, array in zip(assigned, outputs[len(outputs) - len(assigned) :], strict=True):
            variable._tensor = variable.at_home(make(array))
        return Outcome(result=self.results.build(outputs), native=device is None)

    def _execute(self, arrays: list[np.ndarray[Any, Any]]) -> tuple[int, Sequence[Any], list[int]]:
        """Status, outputs and guards; from the third run on through a native entry, which takes 6 ms to make."""
        if self._entry is None:
            self._runs += 1
            if self._runs > 2:
                from tapec.flat_entry import flat_entry

                self._entry = flat_entry(self.executable, self.recording)
            return self.executable.run(arrays)
        ran: tuple[int, Sequence[np.ndarray[Any, Any]], list[int]] = self._entry(*arrays)
        return ran

    def first_miss(self, seen: Sequence[int]) -> int:
        """Position of the first guard that did not hold; the run ended there."""
        return next(i for i, (a, b) in enumerate(zip(seen, self.recording.guards, strict=True)) if a != b)


@dataclass(slots=True, eq=False)
class PathTree:
    """Paths by the values that their guards saw, in order."""

    paths: list[Path] = field(default_factory=list)
    _root: _Node = field(init=False)

    def __post_init__(self) -> None:
        self._root = _Node(None)

    def insert(self, path: Path) -> None:
        """Adds a path."""
        self.paths.append(path)
        node = self._root
        node.path = node.path or path
        for seen in path.recording.guards:
            node = node.children.setdefault(seen, _Node(path))

    def find(self, seen: Sequence[int]) -> Path | None:
        """Some path whose first guards saw these values."""
        node: _Node | None = self._root
        for value in seen:
            if node is None:
                return None
            node = node.children.get(value)
        return node.path if node is not None else None


@dataclass(slots=True, eq=False)
class _Node:
    """After some guards: a path that comes here, and where the next guard's value leads."""

    path: Path | None
    children: dict[int, _Node] = field(default_factory=dict)
