"""What a tape has recorded, with Python's loops as loops: as such they are differentiated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tapec.recorded_structure import RecordedGraph
from tapec.tape_recorder import TapeRecorder
from tapec.tensor import make

# Recordings of so many ops are looked through for loops that went round and round; one that is not kept for another
# time much sooner, since its derivative becomes a part of what is compiled.
_LOOPS: Final = 1_000
_LOOPS_ONCE: Final = 96


def rolled_tape(
    recorder: TapeRecorder, targets: Sequence[int], sources: Sequence[int], *, forward: bool = False
) -> RecordedGraph | None:
    """The recording with its repeated segments as loops; None if it has none, or if a source lies inside the recording.

    The derivative has the bits that it has without loops. Residuals of loops are computed again
    (`tapec.passes.recompute`), since a tape keeps those of rounds.

    Args:
        recorder: the recording.
        targets: places that are differentiated.
        sources: places by which.
        forward: whether in forward mode.
    """
    least = _LOOPS_ONCE if recorder.once else _LOOPS
    if len(recorder) < least:
        return None
    from tapec.passes.reroll import Reroll
    from tapec.passes.summation_order import SummationOrder
    from tapec.passes.table_numbering import TableNumbering
    from tapec.passes.tangent_starts import TangentStarts

    ops = recorder.ops(targets)
    if len(ops) < least or not set(sources) <= set(ops.inputs):
        return None
    active = recorder.active()
    if forward and not active.intersection(ops.inputs) <= set(sources):
        return None  # some that is active depends on other sources alone
    numbers = TableNumbering(ops, "tape")
    # Whether a recording is rolled must not show in a derivative's bits: the same program may run outside of functions.
    order = TangentStarts if forward else SummationOrder
    rolled = Reroll(least_ops=least).rerolled(numbers, recorder.constants(ops), numbers.flags_of_table(active), order)
    if rolled is None or len(ops) - len(rolled.graph.ops) < min(len(ops) // 2, _LOOPS_ONCE):
        return None
    places = {numbers.in_table(old): new for old, new in rolled.mapping.items()}
    for value, table in zip(rolled.graph.inputs[len(ops.inputs) :], rolled.tables, strict=True):
        places[recorder.keep(make(table))] = value
    return RecordedGraph(rolled.graph, places)
