"""The callable that takes a specialisation's calls from the second on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from tapec.arguments import Arguments, dense
from tapec.assisted_call import assisted_entry
from tapec.entry_trees import NotNativeError, argument_trees, result_tree
from tapec.paths import Path
from tapec.recording import ACTIVE, THREAD_KEY
from tapec.runtime.entry import make_entry
from tapec.runtime.entry_spec import EntrySpec, Gate
from tapec.variable import Variable

# While somebody records in a thread, or has chosen a device there, its calls go to `slow`.
_GATE: Final = Gate(THREAD_KEY, lambda: bool(ACTIVE.recorders) or ACTIVE.device is not None)


def fast_entry(
    name: str, arguments: Arguments, path: Path, slow: Callable[..., Any], miss: Callable[..., Any]
) -> Callable[..., Any] | None:
    """A callable for calls like `arguments` along `path`; None if they can't be had faster than by `slow`.

    That is so for keyword arguments, Tensors inside containers, containers of classes that native entries do not know,
    dicts with other keys than strings, and captured arrays that are not dense.

    Args:
        name: of the function.
        arguments: a call that takes the path.
        path: what the entry runs.
        slow: called with the arguments of calls that are not like `arguments`, and while somebody records.
        miss: called as `miss(status, guards, *args)` when the kernel did not run to its end.
    """
    try:
        sources = path.recording.sources
        if (
            arguments.gives_tensors
            or any(isinstance(source, Variable) for source in sources)
            or path.recording.assigned
        ):
            return assisted_entry(name, arguments, path, slow, miss)
        spec = EntrySpec(
            arguments=argument_trees(arguments),
            outputs=result_tree(path.results, path.recording.graph.outputs),
            captured=_captured(path),
            guards=len(path.recording.guards),
            release_gil=path.executable.release_gil,
            name=name,
            gate=_GATE,
        )
    except NotNativeError:
        return None
    return make_entry(spec, path.executable.address, slow, miss, path)


def _captured(path: Path) -> tuple[np.ndarray[Any, Any], ...]:
    captured: list[np.ndarray[Any, Any]] = []
    for source, value in zip(path.recording.sources, path.recording.source_values, strict=True):
        if not isinstance(source, np.ndarray) or dense(source, value.type.dtype) is not source:
            raise NotNativeError
        captured.append(source)
    return tuple(captured)
