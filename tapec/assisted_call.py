"""Native entries behind a little Python: calls with Tensors, and functions that read or assign Variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, final

import numpy as np

from tapec.arguments import Arguments, dense
from tapec.entry_trees import NotNativeError, argument_trees, result_tree
from tapec.ir import dtypes
from tapec.paths import Path
from tapec.recording import ACTIVE
from tapec.runtime.device_array import DeviceArray
from tapec.runtime.entry import make_entry
from tapec.runtime.entry_spec import ArrayLeaf, ArrayOut, EntrySpec, Node, TupleNode
from tapec.tensor import Tensor, make
from tapec.variable import Variable


class _Missed(NamedTuple):
    """In the place of a result: the kernel did not run to its end."""

    status: int
    guards: bytes


class _Declined:
    """In the place of a result: the arguments are not those of the entry."""


_DECLINED: Final = _Declined()


def _decline(*_: Any) -> _Declined:
    return _DECLINED


def _missed(status: int, guards: bytes, *_: Any) -> _Missed:
    return _Missed(status, guards)


def assisted_entry(
    name: str, arguments: Arguments, path: Path, slow: Callable[..., Any], miss: Callable[..., Any]
) -> Callable[..., Any]:
    """See `tapec.native_call.fast_entry`.

    Raises:
        NotNativeError: the call holds something that native entries do not know.
    """
    call = _AssistedCall(name, arguments, path, slow, miss)
    return call.run


@final
class _AssistedCall:
    """Hands the arrays of Tensors and Variables to a native entry, and what comes back to whom it belongs.

    Captured arrays and Variables follow the arguments; new values of Variables follow the results.
    """

    def __init__(
        self, name: str, arguments: Arguments, path: Path, slow: Callable[..., Any], miss: Callable[..., Any]
    ) -> None:
        recording = path.recording
        self._slow = slow
        self._miss = miss
        self._path = path
        self._sources = recording.sources
        self._assigned = recording.assigned
        self._gives_tensors = arguments.gives_tensors
        self._tensors = _tensor_positions(arguments)
        extra = tuple([ArrayLeaf(v.type.dtype, v.type.shape) for v in recording.source_values])
        values = recording.graph.outputs
        first = len(values) - len(recording.assigned)
        arrays = [ArrayOut(i, v.type.dtype, v.type.shape) for i, v in enumerate(values)]
        result: Node = TupleNode(tuple(arrays[:first])) if self._gives_tensors else result_tree(path.results, values)
        if not all(isinstance(source, Variable) or _is_dense(source) for source in recording.sources):
            raise NotNativeError  # a Variable may become dense by assignment: its array is looked at in each call
        spec = EntrySpec(
            arguments=(*argument_trees(arguments), *extra),
            outputs=TupleNode((result, *arrays[first:])),
            guards=len(recording.guards),
            release_gil=path.executable.release_gil,
            name=name,
        )
        self._entry = make_entry(spec, path.executable.address, _decline, _missed, path)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """One call."""
        if kwargs or ACTIVE.recorders or ACTIVE.device is not None:
            return self._slow(*args, **kwargs)
        given: Any = args
        if self._tensors:
            given = list(args)
            for position, weak in self._tensors:
                tensor = args[position] if position < len(args) else None
                if type(tensor) is not Tensor or tensor._weak is not weak:
                    return self._slow(*args)
                given[position] = tensor._array
        held = []  # an interrupt may come while one of them is waited for
        try:
            for lock in self._path.locks:
                lock.acquire()
                held.append(lock)
            outcome = self._attempt(given)
        finally:
            for lock in held:
                lock.release()
        if outcome is _DECLINED:
            return self._slow(*args)
        if type(outcome) is _Missed:
            return self._miss(outcome.status, outcome.guards, *args)
        return self._path.results.build(outcome[0]) if self._gives_tensors else outcome[0]

    def _attempt(self, given: Any) -> Any:
        sources = [s._tensor._array if isinstance(s, Variable) else s for s in self._sources]
        outcome = self._entry(*given, *sources)
        if type(outcome) is tuple:
            for variable, array in zip(self._assigned, outcome[1:], strict=True):
                variable._tensor = variable.at_home(make(array))
        return outcome


def _is_dense(array: np.ndarray[Any, Any] | DeviceArray) -> bool:
    return type(array) is np.ndarray and dense(array, dtypes.of(array.dtype)) is array


def _tensor_positions(arguments: Arguments) -> list[tuple[int, bool]]:
    """Positions of Tensors among the positional arguments, and whether each is weak."""
    found = []
    leaf = 0
    for position, child in enumerate(arguments.structure.children[0].children):
        specs = arguments.specs[leaf : leaf + child.leaves]
        leaf += child.leaves
        if any(spec.kind == "tensor" for spec in specs):
            if child.container is not None:
                raise NotNativeError
            found.append((position, specs[0].weak))
    return found
