"""The derivative table: for each primitive its row, for both modes and every order."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Final, final

from tapec.errors import NotDifferentiableError
from tapec.ir.graph import Location
from tapec.ir.primitive import Primitive
from tapec.passes.derivatives import elementwise, explicit, linear, update
from tapec.passes.derivatives.table import Missing, Row, Rows


@final
class DerivativeTable(MutableMapping[Primitive, Row | Missing]):
    """All rows. Those that most programs do without are imported with the first primitive that is none of the others.

    Args:
        rows: of the others.
    """

    __slots__ = ("_is_whole", "_rows")

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._is_whole = False

    def _whole(self) -> Rows:
        if not self._is_whole:
            from tapec.passes.derivatives import rare

            for primitive, row in rare.ROWS.items():
                self._rows.setdefault(primitive, row)
            self._is_whole = True
        return self._rows

    def __getitem__(self, primitive: Primitive) -> Row | Missing:
        row = self._rows.get(primitive)
        return self._whole()[primitive] if row is None else row

    def __setitem__(self, primitive: Primitive, row: Row | Missing) -> None:
        self._rows[primitive] = row

    def __delitem__(self, primitive: Primitive) -> None:
        del self._whole()[primitive]

    def __iter__(self) -> Iterator[Primitive]:
        return iter(self._whole())

    def __len__(self) -> int:
        return len(self._whole())


DERIVATIVES: Final = DerivativeTable({**elementwise.ROWS, **linear.ROWS, **explicit.ROWS, **update.ROWS})


def derivative_of(primitive: Primitive, location: Location | None = None) -> Row:
    """The row of a primitive.

    Raises:
        NotDifferentiableError: there is none; the message names the op and the user's line.
    """
    row = DERIVATIVES.get(primitive)
    if row is None or isinstance(row, Missing):
        where = f" at {location}" if location else ""
        reason = "" if row is None else f" ({row.reason})"
        raise NotDifferentiableError(
            f"the op {primitive.name!r}{where} has no derivative rule{reason}; compute it from other functions, give "
            "it a rule with tp.RegisterGradient, or put tp.stop_gradient around it if no derivative should flow"
        )
    return row
