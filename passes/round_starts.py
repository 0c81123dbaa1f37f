"""Where the rounds of a repeated segment begin: where fewest bytes go from one to the next.

A run of equal stretches may begin at any of its items. What stands before a loop may look like the end of a round, and
then the run that is found begins there; the loop that it becomes would carry what a round has half done.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tapec.ir.op_table import Numbers
from tapec.passes.numbering import Numbering
from tapec.passes.repetition import Run


def lightest(numbers: Numbering, runs: Sequence[Run], least_count: int) -> list[Run]:
    """The runs, begun where they carry least; at the same place if no other is better.

    Args:
        numbers: the graph.
        runs: in order, without overlap.
        least_count: runs of no more than twice as many rounds lose none of them.
    """
    ends = [following.start for _, following in pairwise(runs)] + [len(numbers.ops)]
    return [_moved(numbers, run, end, least_count) for run, end in zip(runs, ends, strict=True)]


def _moved(numbers: Numbering, run: Run, end: int, least_count: int) -> Run:
    spare = min(run.spare, end - run.stop)
    first = int(np.argmin(more_carried(numbers, run)[: None if run.count > 2 * least_count else spare + 1]))
    whole = first <= spare
    return Run(run.start + first, run.period, run.count if whole else run.count - 1) if first else run


def more_carried(numbers: Numbering, run: Run) -> Numbers:
    """How many bytes more than now are carried if a round begins at each of its items.

    A value that is made at item p, and last read at item q of the round that reads it latest, is carried once more
    from the first beginning behind p on, and once less from the first one behind q on.
    """
    middle = run.start + run.count // 2 * run.period
    begin = numbers.begin[middle : middle + run.period + 1]
    read = numbers.operands[begin[0] : begin[-1]]
    reader = np.repeat(np.arange(run.period), np.diff(begin))
    inside = read >= numbers.first[run.start]
    read, reader = read[inside], reader[inside]
    made = np.searchsorted(numbers.first, read, side="right") - 1 - run.start
    back = run.count // 2 - made // run.period
    results = int(numbers.first[middle + run.period] - numbers.first[middle])
    values = read + back * results  # those that the middle round makes in the place of the ones that are read
    order = np.lexsort((reader, back, values))
    last = order[np.append(values[order][1:] != values[order][:-1], True)[: len(order)]]
    sizes = [numbers.value(n).type.nbytes for n in values[last].tolist()]
    change = np.zeros(run.period + 1, np.int64)
    np.add.at(change, made[last] % run.period + 1, sizes)
    np.subtract.at(change, reader[last] + 1, sizes)
    carried: Numbers = np.cumsum(change)[: run.period]
    return carried
