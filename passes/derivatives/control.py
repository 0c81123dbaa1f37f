"""Rows of the loops and branches."""

from __future__ import annotations

from tapec.ops import control
from tapec.passes.derivatives import branches, scan, scan_backward, while_loop
from tapec.passes.derivatives.table import Rows, Structured

ROWS: Rows = {
    control.scan: Structured(scan.flow, scan.push, scan_backward.pull),
    control.cond: Structured(branches.flow, branches.push, branches.pull),
    control.while_loop: Structured(
        while_loop.flow,
        while_loop.push,
        "the number of rounds, and so the memory for what a backward loop reads, is not known before it has run; use "
        "tp.scan or tp.fori_loop where the number is known, or a Python loop. The next step is memory that grows",
    ),
}
