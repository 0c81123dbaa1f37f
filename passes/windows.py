"""How the window of a `slice`, or of an update of a part, moves from round to round of a loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tapec.ir.graph import Op
from tapec.ir.op_table import Numbers
from tapec.ir.primitive import Primitive
from tapec.ops import movement, update


@dataclass(frozen=True, slots=True)
class Moving:
    """A window whose start on `axis` is `first + step * k` in round k, or `starts[k]` where it follows no such rule.

    Attributes:
        axis: the only axis on which it moves.
        size: its extent there.
        first: see above.
        step: see above.
        starts: for each round of the run; None for a window that moves evenly.
    """

    axis: int
    size: int
    first: int
    step: int
    starts: tuple[int, ...] | None = None

    def start(self, round: int) -> int:
        """Where it begins in a round."""
        return self.first + self.step * round if self.starts is None else self.starts[round]

    @property
    def even(self) -> bool:
        """Whether it moves on by one step each round."""
        return self.starts is None


# Ops with a window that may move, and the operand that has its size; None is the result.
WINDOWED: dict[Primitive, int | None] = {movement.slice_: None, update.slice_set: 1, update.slice_add: 1}

_STILL = "still"


def window_of(here: Op, starts: Numbers, middle: int) -> Moving | str:
    """How the window of an op moves over the rounds, looked at around round `middle`; see `stands_still`.

    A window that moves on several axes is no `Moving` either.

    Args:
        here: the op of one round.
        starts: for each round where its window begins on each axis.
        middle: the round.
    """
    measured = WINDOWED[here.primitive]
    # The rounds around the middle say on which axis it moves; the first and the last ones may lie outside of the loop.
    near = starts[max(middle - 2, 0) : middle + 3]
    moved = np.flatnonzero((near != near[0]).any(axis=0))
    if not len(moved):
        return _STILL
    if len(moved) != 1:
        return "several axes"
    axis = int(moved[0])
    on_axis = starts[:, axis]
    size = (here.result if measured is None else here.operands[measured]).shape[axis]
    step = int(on_axis[middle + 1] - on_axis[middle])
    first = int(on_axis[middle]) - step * middle
    even = (near[:, axis] == first + step * np.arange(max(middle - 2, 0), middle + 3)[: len(near)]).all()
    return Moving(axis, size, first, step, None if even else tuple(on_axis.tolist()))


def stands_still(window: Moving | str) -> bool:
    """Whether a window, or an op that has none, is the same in every round."""
    return window == _STILL


def fits(starts: Numbers, window: Moving | None, middle: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """For each round whether the window begins where it should, and elsewhere as in round `middle`."""
    expected = np.repeat(starts[middle : middle + 1], len(starts), axis=0)
    if window is not None:
        expected[:, window.axis] = [window.start(k) for k in range(len(starts))]
    found: np.ndarray[Any, np.dtype[np.bool_]] = (starts == expected).all(axis=1)
    return found
