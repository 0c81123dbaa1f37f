"""What a recording expects next: the op that came behind this one the last time.

A program that goes round records the same ops time and again. To look at what is expected takes a fraction of the time
of finding out the user's line and the kind of an op.
"""

from __future__ import annotations

from typing import Any, Final, final

from tapec.ir.graph import Location
from tapec.ir.op_table import OpKind
from tapec.recording import Hint

_MOST_TIMES: Final = 8


@final
class Expected:
    """An op at one place of the program.

    Attributes:
        kind: the op's.
        primitive: the kind's.
        types: the table's numbers of the operands' types.
        attributes: the kind's.
        phase: the kind's.
        given: the line that whoever replays ops said; None for what is found on the stack.
        hint: where it is found.
        shape: of the result.
        dtype: of the result.
        times: how many ops came right before it at the same place, as those of `np.stack` do, counted up to a number:
            each is expected by itself.
        following: what came next the last time.
    """

    __slots__ = (
        "attributes", "dtype", "following", "given", "hint", "kind", "phase", "primitive", "shape", "times", "types",
    )  # fmt: skip

    def __init__(
        self, kind: OpKind, types: tuple[int, ...], given: Location | None, hint: Hint, times: int = 0
    ) -> None:
        self.kind = kind
        self.primitive = kind.primitive
        self.types = types
        self.attributes: dict[str, Any] = kind.attributes
        self.phase = kind.phase
        self.given = given
        self.hint = hint
        self.shape = kind.shape
        self.dtype = kind.dtype
        self.times = times
        self.following: Expected | None = None


@final
class Expectations:
    """The ops of one recording that may be expected.

    Attributes:
        last: the op that ran last.
    """

    __slots__ = ("_known", "last")

    def __init__(self) -> None:
        self.last: Expected | None = None
        self._known: dict[tuple[int, Location | None, Hint, int], Expected] = {}

    def correct(self, kind: OpKind, types: tuple[int, ...], given: Location | None, hint: Hint) -> Expected:
        """The op that ran now; behind the last one it is expected from now on."""
        last = self.last
        before = None if last is None else last.following
        again = last is not None and given is None and last.hint == hint
        times = min(last.times + 1, _MOST_TIMES) if last is not None and again else 0
        key = (kind.number, given, hint, times)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Expected(kind, types, given, hint, times)
            if before is not None and before.hint == hint:  # the same op on another part of an array
                found.following = before.following
        if last is not None:
            last.following = found
        return found
