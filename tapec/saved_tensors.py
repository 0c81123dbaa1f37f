"""What a tape keeps in memory, and for which derivative rule: `GradientTape.saved`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from tapec.ir.graph import Location, Op, attributes_key
from tapec.passes.residuals import needed
from tapec.runtime.device_array import DeviceArray
from tapec.tape_recorder import TapeRecorder


@final
@dataclass(frozen=True, slots=True)
class SavedTensor:
    """One array that a tape keeps.

    Attributes:
        op: the op that first needed it.
        location: the user's line of that op.
        shape: of the array.
        dtype: of the array.
        bytes: memory that it holds; 0 if that is counted with another one, of which it is a view.
        why: what of the op's derivative reads it.
    """

    op: str
    location: Location | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    bytes: int
    why: str


@final
class SavedTensors:
    """The arrays that a tape keeps, in the order in which they came. Its text sums those of one line and reason.

    Attributes:
        rows: the arrays.
    """

    __slots__ = ("rows",)

    def __init__(self, rows: list[SavedTensor]) -> None:
        self.rows = rows

    @property
    def bytes(self) -> int:
        """Memory that all of them hold."""
        return sum(row.bytes for row in self.rows)

    def __iter__(self) -> Iterator[SavedTensor]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        sums: dict[tuple[str, str, str], list[int]] = {}
        for row in self.rows:
            known = sums.setdefault((row.op, str(row.location or "?"), row.why), [0, 0])
            known[0] += 1
            known[1] += row.bytes
        head = ("op", "line", "arrays", "bytes", "why")
        lines = [(op, line, f"{n:,}", f"{size:,}", why) for (op, line, why), (n, size) in sums.items()]
        lines.append(("total", "", f"{len(self.rows):,}", f"{self.bytes:,}", ""))
        widths = [max(len(line[i]) for line in [head, *lines]) for i in range(5)]
        right = (False, False, True, True, False)
        return "\n".join(
            "  ".join(t.rjust(w) if r else t.ljust(w) for t, w, r in zip(line, widths, right, strict=True)).rstrip()
            for line in [head, *lines]
        )

    def __repr__(self) -> str:
        return f"<{len(self.rows)} saved tensors, {self.bytes:,} bytes>"


def saved_tensors(recorder: TapeRecorder) -> SavedTensors:
    """What a recorder keeps."""
    recorded = recorder.graph()
    makers = {place: value.op for place, value in recorded.values.items()}
    reasons: dict[tuple[Any, ...], list[tuple[int, str]]] = {}
    rows = _Rows(recorder)
    for step in recorder.steps():
        op = makers[step.place]
        assert op is not None
        active = tuple([i for i, place in enumerate(step.places) if place >= 0])
        if op.regions:
            read = [(i, f"the derivative of {op.primitive.name} reads {_what(i)}") for i, _ in step.keep]
        else:
            types = tuple([value.type for value in op.operands])
            key = (op.primitive, attributes_key(op.attributes), types, active)
            read = reasons.get(key) or reasons.setdefault(key, _read(op, active))
        for position, why in read:
            place = step.place - 1 - position if position < 0 else step.places[position]
            rows.add(place if place >= 0 else ~place, op.primitive.name, step.location, why)
    for place in recorder.kept:
        rows.add(place, "watch", None, "it is watched; loops of thousands of rounds are differentiated from it")
    return SavedTensors(rows.rows)


class _Rows:
    """Rows as they are found, each kept tensor once, and each memory once."""

    def __init__(self, recorder: TapeRecorder) -> None:
        self.rows: list[SavedTensor] = []
        self._left = dict(recorder.kept)
        self._owners: set[int] = set()

    def add(self, place: int, op: str, location: Location | None, why: str) -> None:
        tensor = self._left.pop(place, None)
        if tensor is None or tensor._literal:  # numbers of the source are shared by all tapes
            return
        array = tensor._array
        owner, nbytes = _memory_of(array)
        size = 0 if id(owner) in self._owners else nbytes
        self._owners.add(id(owner))
        self.rows.append(SavedTensor(op, location, array.shape, array.dtype, size, why))


def _memory_of(array: Any) -> tuple[Any, int]:
    """What keeps an array's memory, and how many bytes that keeps."""
    if isinstance(array, DeviceArray):
        return array.block, array.nbytes
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array, array.nbytes


def _read(op: Op, active: tuple[int, ...]) -> list[tuple[int, str]]:
    """Positions that the op's derivative reads, each with the reason."""
    types = tuple([value.type for value in op.operands])
    readers: dict[int, list[int]] = {}
    for i in active:
        for position in needed(op.primitive, dict(op.attributes), types, 1 << i) or ():
            readers.setdefault(position, []).append(i)
    return [
        (position, f"the derivative of {op.primitive.name} in {_operands(by)} reads {_what(position)}")
        for position, by in readers.items()
    ]


def _operands(positions: list[int]) -> str:
    return " and ".join(f"operand {i}" for i in positions)


def _what(position: int) -> str:
    return "its result" if position < 0 else f"its operand {position}"
