"""Recorded calls without the derivative rules that functions brought along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tapec.ir.op_table import Numbers, OpTable
from tapec.ir.primitive import Primitive
from tapec.ops import custom


def without_rules(table: OpTable, ruled: Sequence[int]) -> tuple[Numbers, dict[int, int]]:
    """Compiled code has no use for derivative rules: what has one is the value that it was given.

    Args:
        table: a recorded call.
        ruled: its ops that stand for functions with rules, in order.

    Returns:
        The other ops, and the values that are another one.
    """
    renamed = dict(table.merged)
    starts = table.columns().starts if ruled else ()
    for row in ruled:
        kind, first, begin = table.kinds[table.rows[row]], table.results[row], int(starts[row])
        read = table.operands[begin : begin + len(kind.types)]
        for made, like in likes(kind.primitive, range(first, first + len(kind.results)), read):
            renamed[made] = renamed.get(like, like)
    rows = np.arange(len(table.rows))
    return np.delete(rows, ruled), renamed


def likes(primitive: Primitive, results: Sequence[int], operands: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The results of a function with a derivative rule of its own, each with the operand that it is."""
    return zip(results, operands[1 if primitive is custom.live else 0 :], strict=False)
