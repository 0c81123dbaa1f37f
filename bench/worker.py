"""One peer's process: `python -m bench.worker PEER THREADS DEVICE`. Requests and answers are lines of JSON.

What libraries print goes to standard error; the answers have a channel of their own. An error is the last answer: it
ends the process, since nobody knows what a library is worth after one.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from itertools import repeat
from time import perf_counter
from types import TracebackType
from typing import Any, TextIO

import numpy as np

from bench.memory import Peaks, of_files, resident
from bench.peers.base import Peer, leaves
from bench.peers.table import PEERS
from bench.workload import Call, GradientBuilder
from bench.workloads import WORKLOADS


class Worker:
    """Answers requests about one peer.

    Args:
        name: of the peer.
        threads: it may use.
        device: where it computes.
    """

    def __init__(self, name: str, threads: int, device: str = "cpu") -> None:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        kind = PEERS[name]
        start = perf_counter()
        self.peer: Peer = getattr(importlib.import_module(kind.code[0]), kind.code[1])(threads, device)
        self.kind, self.import_s = kind, perf_counter() - start
        self.call: Call | None = None
        self.peaks, self.base_bytes = Peaks(), resident()

    def prepare(self, workload: str, size: int, answer: str | None, memory: bool) -> dict[str, Any]:
        """Builds a call and makes the first one, whose answer goes to the file `answer`; and a second one for `memory`.

        The time of both steps is that of the first call. Making the data is not in it where a workload says how.
        """
        builder = WORKLOADS[workload].builder(self.kind.name, self.kind.library)
        assert builder is not None
        build: Callable[[Any], Call] = (
            builder.with_inputs(size) if isinstance(builder, GradientBuilder) else lambda peer: builder(peer, size)
        )
        start = perf_counter()
        self.call = build(self.peer)
        result = self.call.function(*self.call.arguments)
        self.peer.wait()
        first_s = perf_counter() - start
        del build
        if answer is not None:
            arrays = [np.array(self.peer.numpy(leaf)) for leaf in leaves(self.call.answer(result))]
            np.savez(answer, *arrays)
        del result
        gc.collect()
        reply = {"first_s": first_s, "import_s": self.import_s}
        return reply | {"call_bytes": self._call_bytes()} if memory else reply

    def _call_bytes(self) -> int:
        """The peak of a call above what is held before it.

        The kernel counts pages in batches for each thread, so that a call that needs none may seem to need fewer.
        """
        assert self.call is not None
        before = resident()
        self.peaks.restart()
        self.call.function(*self.call.arguments)
        return max(self.peaks.recent() - before, 0)

    def sample(self, seconds: float, floor: float) -> dict[str, Any]:
        """Times per call; each is the mean over calls that together take at least `floor` seconds."""
        assert self.call is not None
        function, arguments, wait = self.call.function, self.call.arguments, self.peer.wait

        def timed(count: int) -> float:
            start = perf_counter()
            for _ in repeat(None, count):
                function(*arguments)
            wait()
            return perf_counter() - start

        gc.collect()
        gc.disable()
        try:
            count, times, end = 1, [], perf_counter() + seconds
            while (taken := timed(count)) < floor:
                count = max(2 * count, min(int(1.2 * count * floor / max(taken, 1e-9)), 100 * count))
            times.append(taken / count)
            while perf_counter() < end:
                times.append(timed(count) / count)
        finally:
            gc.enable()
        return {"times": times}

    def memory(self) -> dict[str, Any]:
        """Of the process: when the library had been imported, at its peak, and what of it are pages of files now."""
        return {"base_bytes": self.base_bytes, "peak_bytes": self.peaks.whole(), "file_bytes": of_files()}

    def steps(self) -> dict[str, Any]:
        """Where the time of a call goes, as far as the library says."""
        assert self.call is not None
        return {"steps": [asdict(step) for step in self.peer.steps(self.call)]}


def serve(worker: Worker, requests: TextIO, answers: TextIO) -> None:
    """Answers until the requests end."""
    for line in requests:
        request = json.loads(line)
        reply = getattr(worker, request.pop("do"))(**request)
        print(json.dumps(reply), file=answers, flush=True)


def last_words(answers: TextIO) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """A hook for errors that nobody has caught: kind and first line are an answer."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        first, *_ = str(error).strip().splitlines() or [""]
        print(json.dumps({"error": f"{kind.__name__}: {first}"[:300]}), file=answers, flush=True)

    return hook


def main(name: str, threads: str, device: str) -> None:
    """Says that it is there, and serves."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.excepthook = last_words(answers)
    worker = Worker(name, int(threads), device)
    print(json.dumps({}), file=answers, flush=True)
    serve(worker, sys.stdin, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
