"""One peer's turn at one workload, in this process: `python -m bench.worker WORKLOAD PEER` prints one line of JSON."""

from __future__ import annotations

import json
import statistics
import sys
from itertools import repeat
from time import perf_counter
from typing import Any

import numpy as np

from bench.workloads import WORKLOADS, Call

_SAMPLE_S, _SAMPLES = 0.05, 15


def flat(answer: Any) -> list[float]:
    """Every number of an answer of nested tuples and arrays."""
    parts = answer if isinstance(answer, tuple) else (answer,)
    return [float(x) for part in parts for x in np.asarray(part).ravel()]


def time_of(call: Call) -> float:
    """Median time of a call in seconds, over samples of many calls each."""
    function, arguments = call.function, call.arguments

    def sample(count: int) -> float:
        start = perf_counter()
        for _ in repeat(None, count):
            function(*arguments)
        return perf_counter() - start

    count = 1
    while (taken := sample(count)) < _SAMPLE_S:
        count = max(2 * count, int(1.2 * count * _SAMPLE_S / max(taken, 1e-9))) if taken > 1e-4 else 10 * count
    return statistics.median(sample(count) / count for _ in range(_SAMPLES))


def main(name: str, peer: str) -> None:
    """Measures and prints."""
    workload = WORKLOADS[name]
    start = perf_counter()
    call = workload.peers[peer]()
    answer = call.function(*call.arguments)
    first_s = perf_counter() - start
    if not workload.cold:
        for _ in range(2):
            answer = call.function(*call.arguments)
    seconds = first_s if workload.cold else time_of(call)
    print(json.dumps({"seconds": seconds, "first_s": first_s, "answer": flat(answer)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
