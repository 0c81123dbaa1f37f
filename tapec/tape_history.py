"""When a tape recorded and when not: tensors are numbered as they are made, so a number says when."""

from __future__ import annotations

from typing import NamedTuple, final

from tapec.ir.graph import Location
from tapec.recording import user_location
from tapec.tape_recorder import TapeRecorder
from tapec.tensor import serial_now


class Span(NamedTuple):
    """From when until when, in serials of tensors; `end` is None while it lasts."""

    begin: int
    end: int | None
    location: Location | None

    def holds(self, serial: int) -> bool:
        """Whether the tensor was made meanwhile."""
        return self.begin < serial and (self.end is None or serial < self.end)


@final
class TapeHistory:
    """What became of a tape.

    Attributes:
        blocks: its `with` blocks.
        pauses: its `stop_recording` blocks.
        reset: the last `reset`, from which on nothing is known of what was before; None without one.
        recorder: the last recording, kept when the tape has been consumed.
    """

    __slots__ = ("blocks", "pauses", "recorder", "reset")

    def __init__(self) -> None:
        self.blocks: list[Span] = []
        self.pauses: list[Span] = []
        self.reset: Span | None = None
        self.recorder: TapeRecorder | None = None

    def entered(self, recorder: TapeRecorder) -> None:
        """A `with` block begins."""
        if recorder is not self.recorder:
            self.recorder = recorder
            self.blocks.clear()
            self.pauses.clear()
        self.blocks.append(Span(serial_now(), None, None))

    def left(self) -> None:
        """A `with` block ends."""
        _close(self.blocks)

    def paused(self) -> None:
        """A `stop_recording` block begins."""
        self.pauses.append(Span(serial_now(), None, user_location()))

    def resumed(self) -> None:
        """A `stop_recording` block ends."""
        _close(self.pauses)

    def was_reset(self, recorder: TapeRecorder) -> None:
        """The tape goes on with an empty recording."""
        self.recorder = recorder
        self.reset = Span(0, serial_now(), user_location())


def _close(spans: list[Span]) -> None:
    if spans and spans[-1].end is None:
        spans[-1] = spans[-1]._replace(end=serial_now())
