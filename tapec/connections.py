"""What a recording knows of how tensors came from one another, whether or not a derivative flows there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from tapec.ir.graph import Location
from tapec.ir.primitive import Primitive
from tapec.tape_recorder import TapeRecorder


class Made(NamedTuple):
    """How a tensor was made: by which op, from which tensors (by serial), where, and whether that was recorded."""

    result: int
    primitive: Primitive
    operands: tuple[int, ...]
    location: Location | None
    recorded: bool


class Connections:
    """The ops that a recorder heard of, recorded or not, by the tensors they made and read.

    Attributes:
        made: by serial how the tensor was made.
    """

    def __init__(self, recorder: TapeRecorder) -> None:
        self.made: dict[int, Made] = {}
        self._readers: dict[int, list[Made]] = {}
        serials = {place if place >= 0 else ~place: serial for serial, place in recorder.places.items()}
        for step in recorder.steps():
            operands = tuple([serials[p if p >= 0 else ~p] for p in step.places if (p if p >= 0 else ~p) in serials])
            for place in range(step.place, step.size):
                if place in serials:
                    self._add(Made(serials[place], step.primitive, operands, step.location, recorded=True))
        for op in recorder.events.ops:
            self._add(Made(op.result, op.primitive, op.operands, op.location, recorded=False))

    def _add(self, made: Made) -> None:
        self.made[made.result] = made
        for serial in dict.fromkeys(made.operands):
            self._readers.setdefault(serial, []).append(made)

    def path(self, sources: Iterable[int], target: int) -> list[Made] | None:
        """The ops on a shortest way from one of `sources` to `target`, in order; None if there is none."""
        starts = set(sources)
        reached: dict[int, tuple[Made, int]] = {}  # by serial the op that made it on the way, and what that read
        queue = deque(starts)
        while queue and target not in reached and target not in starts:
            serial = queue.popleft()
            for made in self._readers.get(serial, ()):
                if made.result not in reached and made.result not in starts:
                    reached[made.result] = (made, serial)
                    queue.append(made.result)
        if target not in reached:
            return [] if target in starts else None
        way = []
        serial = target
        while serial not in starts:
            made, serial = reached[serial]
            way.append(made)
        return way[::-1]

    def roots(self, target: int) -> set[int]:
        """The tensors that `target` was computed from and of whose making nothing is known."""
        seen, stack = {target}, [target]
        roots = set()
        while stack:
            serial = stack.pop()
            made = self.made.get(serial)
            if made is None:
                roots.add(serial)
                continue
            for operand in made.operands:
                if operand not in seen:
                    seen.add(operand)
                    stack.append(operand)
        return roots
