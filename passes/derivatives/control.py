"""Rows of the loops and branches."""

from __future__ import annotations

from typing import Any, NoReturn

from tapec.errors import NotDifferentiableError
from tapec.ir.graph import Op
from tapec.ops import control, rows
from tapec.passes.derivatives import branches, scan, scan_backward, sweeps, sweeps_backward, while_loop
from tapec.passes.derivatives.table import Rows, Structured


def _too_late(op: Op, *_others: Any) -> NoReturn:
    raise NotDifferentiableError(f"{op.primitive.name} is made when all derivatives have been taken")


ROWS: Rows = {
    control.scan: Structured(scan.flow, scan.push, scan_backward.pull),
    control.cond: Structured(branches.flow, branches.push, branches.pull),
    control.while_loop: Structured(while_loop.flow, while_loop.push, sweeps_backward.pull_while),
    control.sweeps: Structured(sweeps.flow, sweeps.push, sweeps_backward.pull),
    rows.while_rows: Structured(_too_late, _too_late, "it is made when all derivatives have been taken"),
    rows.sweep_rows: Structured(_too_late, _too_late, "it is made when all derivatives have been taken"),
}
