"""The rows that few programs need, in one table: factorizations, loops, transforms, sampling, custom rules."""

from __future__ import annotations

from tapec.passes.derivatives import (
    control,
    custom,
    decompositions,
    determinants,
    eigenvalues,
    sampling,
    solving,
    transforms,
)
from tapec.passes.derivatives.table import Rows

ROWS: Rows = {
    **solving.ROWS,
    **determinants.ROWS,
    **decompositions.ROWS,
    **eigenvalues.ROWS,
    **transforms.ROWS,
    **sampling.ROWS,
    **control.ROWS,
    **custom.ROWS,
}
