"""The machine: what it is, and what it can do at best, measured."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from bench.peers.table import CPU, CUDA


def best(function: Callable[[], Any], repetitions: int) -> float:
    """Seconds of the fastest call."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def bandwidth(threads: int, megabytes: int = 256, repetitions: int = 10) -> float:
    """Bytes per second of STREAM's triad `a = b + s * c`, on arrays far larger than caches; as STREAM counts: 24 bytes
    for each element.
    """
    import numba

    @numba.njit(parallel=True, fastmath=True)
    def triad(a: Any, b: Any, c: Any, s: float) -> None:
        for i in numba.prange(a.size):
            a[i] = b[i] + s * c[i]

    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    n = megabytes * 2**20 // 8
    a, b, c = np.zeros(n), np.ones(n), np.ones(n)
    triad(a, b, c, 3.0)
    return 24 * n / best(lambda: triad(a, b, c, 3.0), repetitions)


def product_flops(dtype: type, n: int = 1024, repetitions: int = 10) -> float:
    """Additions and multiplications per second of a matrix product by NumPy's BLAS."""
    a, b = np.ones((n, n), dtype), np.ones((n, n), dtype)
    return 2 * n**3 / best(lambda: a @ b, repetitions)


def processor() -> str:
    """Its name, as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def caches() -> dict[str, str]:
    """Sizes of the first processor's caches, by level and kind."""
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        found[f"L{level} {kind.lower()}"] = size
    return found


def memory_bytes() -> int | None:
    """Of the machine."""
    names = os.sysconf_names
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if "SC_PHYS_PAGES" in names else None


def device_name(device: str) -> str:
    """What a GPU calls itself; the name that was asked for of anything else."""
    if device != CUDA:
        return device
    import tapec  # which whoever measures the machine alone has no use for

    driver = tapec.device(device).memory.driver
    return f"{driver.name} (compute capability {'.'.join(map(str, driver.capability))})"


def code() -> str:
    """Names what is measured and what measures: tapec and the harness, of which reports are no part."""
    root, found = Path(__file__).resolve().parent.parent, hashlib.sha256()
    for folder in ("tapec", "passes", "runtime", "bench"):
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            # Links to `passes` and `runtime` are followed by some versions of Python and not by others.
            elsewhere = name.startswith(("bench/report/", "tapec/passes/", "tapec/runtime/"))
            if path.suffix in {".py", ".c"} and not elsewhere:
                found.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()[:12]


def describe(threads: int, device: str = CPU) -> dict[str, Any]:
    """What the machine is, and where peers compute on it that know the device."""
    return {
        "device": device_name(device),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "caches": caches(),
        "memory_bytes": memory_bytes(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("numpy", "scipy", "numba", "llvmlite")},
        "code": code(),
        "date": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        "load": list(os.getloadavg()),
    }


def capabilities(threads: int) -> dict[str, float]:
    """What it can do at best. The matrix products use what threads BLAS has been given when it was loaded."""
    return {
        "bytes_per_s": bandwidth(threads),
        "flops_float64": product_flops(np.float64),
        "flops_float32": product_flops(np.float32),
    }


if __name__ == "__main__":
    print(json.dumps(capabilities(int(sys.argv[1]))))
