"""A native entry that takes a kernel's inputs as arrays and gives its outputs as arrays, whatever they stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tapec.passes.kernel_status import FINE
from tapec.recorded_call import Recording
from tapec.runtime.entry import make_entry
from tapec.runtime.entry_spec import ArrayLeaf, ArrayOut, EntrySpec, ObjectOut, TupleNode

if TYPE_CHECKING:
    from tapec.runtime.driver import Executable

Flat = Callable[..., tuple[int, tuple[np.ndarray[Any, Any], ...], list[int] | None]]


def flat_entry(executable: Executable, recording: Recording) -> Flat:
    """A callable of dense arrays, one per input of the graph.

    It gives the status, the outputs if that is `FINE`, and the guards if it is not.

    Raises:
        ValueError: at a call, if an array is not as the graph's input says.
    """
    graph = recording.graph
    spec = EntrySpec(
        arguments=tuple([ArrayLeaf(v.type.dtype, v.type.shape) for v in graph.inputs]),
        outputs=TupleNode(
            (
                ObjectOut(FINE),
                TupleNode(tuple([ArrayOut(i, v.type.dtype, v.type.shape) for i, v in enumerate(graph.outputs)])),
                ObjectOut(None),
            )
        ),
        guards=len(recording.guards),
        release_gil=executable.release_gil,
        name=graph.name,
    )
    return make_entry(spec, executable.address, _refuse, _stopped, executable)


def _refuse(*arrays: np.ndarray[Any, Any]) -> Any:
    raise ValueError(f"arrays do not fit the graph: {', '.join(f'{a.dtype}{a.shape}' for a in arrays)}")


def _stopped(status: int, guards: bytes, *_: Any) -> Any:
    return status, (), np.frombuffer(guards, np.int64).tolist()
