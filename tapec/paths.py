"""The paths that Python took through one specialisation, found by what their guards saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tapec.arguments import dense
from tapec.function_recorder import Recording
from tapec.results import Results

if TYPE_CHECKING:
    from tapec.runtime.driver import Executable


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One way that Python took, recorded and compiled."""

    recording: Recording
    executable: Executable
    results: Results

    def run(self, arrays: list[np.ndarray[Any, Any]]) -> tuple[int, list[np.ndarray[Any, Any]], list[int]]:
        """Status, outputs and guards of the machine code on the argument leaves; nothing is assigned yet."""
        recording = self.recording
        if recording.sources:
            arrays = arrays.copy()
            inputs = recording.graph.inputs[recording.arguments :]
            for source, value in zip(recording.sources, inputs, strict=True):
                array = source if isinstance(source, np.ndarray) else source._tensor._array
                arrays.append(dense(array, value.type.dtype))
        return self.executable.run(arrays)

    def first_miss(self, seen: Sequence[int]) -> int | None:
        """Position of the first guard that did not hold; None if all did."""
        if tuple(seen) == self.recording.guards:
            return None
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
