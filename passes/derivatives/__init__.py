"""The derivative table: for each primitive its row, for both modes and every order."""

from __future__ import annotations

from tapec.errors import NotDifferentiableError
from tapec.ir.graph import Location
from tapec.ir.primitive import Primitive
from tapec.passes.derivatives import (
    control,
    custom,
    decompositions,
    determinants,
    eigenvalues,
    elementwise,
    explicit,
    linear,
    sampling,
    solving,
    transforms,
    update,
)
from tapec.passes.derivatives.table import Missing, Row, Rows

DERIVATIVES: Rows = {
    **elementwise.ROWS,
    **linear.ROWS,
    **explicit.ROWS,
    **solving.ROWS,
    **determinants.ROWS,
    **decompositions.ROWS,
    **eigenvalues.ROWS,
    **transforms.ROWS,
    **update.ROWS,
    **sampling.ROWS,
    **control.ROWS,
    **custom.ROWS,
}


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
