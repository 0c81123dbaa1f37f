"""The short table at the end of the demo."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figures:
    """What the run has shown; all of it measured on this run.

    Args:
        recorded_ops: operations in the recording of the training step, its backward pass and update included.
        kernels: loop nests and library calls after fusion.
        kept_plain: bytes of intermediates that reverse mode without pruning keeps for its backward pass.
        kept_pruned: bytes of intermediates that this one keeps.
        compile_s: seconds from the recording to machine code.
        compiled_s: seconds for one training step, compiled; the median.
        eager_s: the same under `tp.eager()`.
        steps: training steps that were run.
        accuracy: share of the held-out digits that are predicted right.
        held_out: how many digits are held out.
    """

    recorded_ops: int
    kernels: int
    kept_plain: int
    kept_pruned: int
    compile_s: float
    compiled_s: float
    eager_s: float
    steps: int
    accuracy: float
    held_out: int


def show(figures: Figures, console: Console) -> None:
    """Prints the table."""
    f = figures
    table = Table(title="The training step, on this run", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_row("operations recorded (forward, backward, update)", f"{f.recorded_ops:,}")
    table.add_row("kernels after fusion", f"{f.kernels:,}")
    table.add_row("intermediates that plain reverse mode would keep", f"{f.kept_plain:,} bytes")
    table.add_row("intermediates kept after pruning", f"{f.kept_pruned:,} bytes")
    table.add_row("compile time", f"{1e3 * f.compile_s:,.0f} ms")
    table.add_row("time per step, compiled", f"{1e6 * f.compiled_s:,.0f} µs")
    table.add_row("time per step, eager", f"{1e6 * f.eager_s:,.0f} µs ({f.eager_s / f.compiled_s:.1f} times)")
    table.add_row("training steps", f"{f.steps:,}")
    table.add_row(f"accuracy on {f.held_out} held-out digits", f"{f.accuracy:.1%}")
    console.print(table)
