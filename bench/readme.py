"""The table of measured numbers in README.md: `python -m bench.readme [--write] [--rounds N]`."""

from __future__ import annotations

import argparse
import os
import platform
import resource
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench.harness import ROOT, Measured, compare
from bench.workloads import WORKLOADS

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def spell(seconds: float) -> str:
    """Three digits and a unit."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")):
        if seconds >= scale:
            number = seconds / scale
            return f"{number:.{2 if number < 10 else 1 if number < 100 else 0}f} {unit}"
    return f"{seconds:.2g} s"


def table(measured: list[Measured]) -> str:
    """Markdown: a row for each workload."""
    rows = ["| what | tapec | JAX, jitted | JAX / tapec |", "|---|---:|---:|---:|"]
    for m in measured:
        ours, theirs = m.seconds["tapec"], m.seconds["jax"]
        rows.append(f"| {WORKLOADS[m.workload].title} | {spell(ours)} | {spell(theirs)} | {theirs / ours:.1f} |")
    return "\n".join(rows)


@dataclass(frozen=True)
class Usage:
    """Processor seconds since the machine and this process were started, and the clock.

    Args:
        all: of everything that runs on the machine; None where the system does not say.
        own: of the measured processes.
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
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return Usage(busy, children.ru_utime + children.ru_stime, time.perf_counter())

    def others_since(self, before: Usage) -> str:
        """How much of the machine other processes used since `before`."""
        if self.all is None or before.all is None:
            return "use by others unknown"
        others = (self.all - before.all) - (self.own - before.own)
        return f"{max(0.0, others) / ((self.clock - before.clock) * (os.cpu_count() or 1)):.0%} in use by others"


def surroundings(others: str) -> str:
    """What the numbers depend on: processor, cores, what else was running, versions."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "llvmlite", "jax"))
    return f"{cpu}, {os.cpu_count()} cores ({others}), Python {platform.python_version()}, {packages}"


def put(text: str, between: str) -> str:
    """`text` with what stands between the markers replaced; `ValueError` if a marker is missing."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} ... {END} to put the table into")
    return f"{head}{BEGIN}\n{between}\n{END}{tail}"


def main() -> None:
    """Measures all workloads, prints the table, and with `--write` puts it into README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    parser.add_argument("--rounds", type=int, default=5, help="processes for each peer and workload")
    options = parser.parse_args()
    before = Usage.now()
    measured = [compare(name, options.rounds) for name in WORKLOADS]
    others = Usage.now().others_since(before)
    source = f"Medians of {options.rounds} processes each, in turns, in one run: {surroundings(others)}."
    text = f"{table(measured)}\n\n{source}"
    print(text)
    if options.write:
        path = ROOT / "README.md"
        path.write_text(put(path.read_text(encoding="utf-8"), text), encoding="utf-8")


if __name__ == "__main__":
    main()
