"""What a recording expects next: the op that came behind this one the last time.

A program that goes round records the same ops time and again. To look at what is expected takes a fraction of the time
of finding out the user's line and the kind of an op.
"""

from __future__ import annotations

from typing import Any, final

from tapec.ir.graph import Location
from tapec.ir.op_table import OpKind
from tapec.recording import Hint


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
        following: what came next the last time.
    """

    __slots__ = ("attributes", "dtype", "following", "given", "hint", "kind", "phase", "primitive", "shape", "types")

    def __init__(self, kind: OpKind, types: tuple[int, ...], given: Location | None, hint: Hint) -> None:
        self.kind = kind
        self.primitive = kind.primitive
        self.types = types
        self.attributes: dict[str, Any] = kind.attributes
        self.phase = kind.phase
        self.given = given
        self.hint = hint
        self.shape = kind.shape
        self.dtype = kind.dtype
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
        self._known: dict[tuple[int, Location | None, Hint], Expected] = {}

    def correct(self, kind: OpKind, types: tuple[int, ...], given: Location | None, hint: Hint) -> Expected:
        """The op that ran now; behind the last one it is expected from now on."""
        key = (kind.number, given, hint)
        before = None if self.last is None else self.last.following
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Expected(kind, types, given, hint)
            if before is not None and before.hint == hint:  # the same op on another part of an array
                found.following = before.following
        if self.last is not None:
            self.last.following = found
        return found
