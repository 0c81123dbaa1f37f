"""How busy other processes kept the machine."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """Processor seconds since the machine and this process were started, and the clock.

    Args:
        all: of everything that runs on the machine; None where the system does not say.
        own: of this process and those that it has started and that have ended.
        clock: seconds.
    """

    all: float | None
    own: float
    clock: float

    @staticmethod
    def now() -> Usage:
        """As it stands."""
        stat = Path("/proc/stat")
        busy = None
        if stat.exists():
            user, nice, system = stat.read_text().split(maxsplit=4)[1:4]
            busy = (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")
        both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return Usage(busy, sum(u.ru_utime + u.ru_stime for u in both), time.perf_counter())

    def others_since(self, before: Usage) -> float | None:
        """Which share of the machine other processes used since `before`."""
        if self.all is None or before.all is None:
            return None
        others = (self.all - before.all) - (self.own - before.own)
        return max(0.0, others) / ((self.clock - before.clock) * (os.cpu_count() or 1))
