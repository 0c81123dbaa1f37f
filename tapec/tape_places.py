"""Where the targets and sources of a derivative lie on a tape."""

from __future__ import annotations

from tapec.ir.dtypes import FLOATS
from tapec.tape_arguments import warn
from tapec.tape_recorder import TapeRecorder
from tapec.tensor import Tensor
from tapec.variable import Variable


def target_place(target: Tensor | Variable, recorder: TapeRecorder) -> int | None:
    """Where a target lies on the tape; None where it depends on nothing watched, or has no derivatives."""
    tensor = target._tensor if isinstance(target, Variable) else target
    if tensor._array.dtype.kind not in FLOATS:
        warn(
            "The dtype of the target tensor must be floating (e.g. float32) when calling GradientTape.gradient, "
            f"got {target.dtype}"
        )
        return None
    if isinstance(target, Variable):
        recorder.read_variable(target, tensor)
    return recorder.place(tensor)


def source_places(source: Tensor | Variable, recorder: TapeRecorder) -> list[int]:
    """Where a source lies on the tape: a Variable once for each value that was read, and not at all if none was."""
    tensor = source._tensor if isinstance(source, Variable) else source
    if tensor._array.dtype.kind not in FLOATS:
        warn(
            "The dtype of the source tensor must be floating (e.g. float32) when calling GradientTape.gradient, "
            f"got {source.dtype}"
        )
        return []
    if tensor is not source:
        known = recorder.variables.get(id(source))
        return [] if known is None else known[1]
    place = recorder.place(tensor)
    return [] if place is None else [place]
