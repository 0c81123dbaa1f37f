"""Rows of the loops and branches."""

from __future__ import annotations

from tapec.ops import control
from tapec.passes.derivatives import branches, scan, scan_backward, sweeps, sweeps_backward, while_loop
from tapec.passes.derivatives.table import Rows, Structured

ROWS: Rows = {
    control.scan: Structured(scan.flow, scan.push, scan_backward.pull),
    control.cond: Structured(branches.flow, branches.push, branches.pull),
    control.while_loop: Structured(while_loop.flow, while_loop.push, sweeps_backward.pull_while),
    control.sweeps: Structured(sweeps.flow, sweeps.push, sweeps_backward.pull),
}
