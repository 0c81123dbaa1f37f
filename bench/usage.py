"""How busy other processes kept the machine."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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

    def part_of(self, run: Mapping[str, Any]) -> dict[str, float | None]:
        """Minutes of a run and the share of others in them, of the parts before (of which `run` says the same) and of
        the one that began here.
        """
        now = Usage.now()
        minutes, others = (now.clock - self.clock) / 60, now.others_since(self)
        before, then = run.get("minutes", 0.0), run.get("others", 0.0)
        if others is not None:
            others = None if then is None else (then * before + others * minutes) / (before + minutes)
        return {"minutes": before + minutes, "others": others}
