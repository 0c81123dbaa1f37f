"""What a program prints does not depend on the number of threads; each runs in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

_TESTS = Path(__file__).parent


def assert_threads_change_nothing(folder: Path, code: str) -> None:
    """Runs code that prints its results with 1, 2 and 3 threads; it may import from a folder of tests and this one."""
    code = f"import sys\nsys.path[:0] = {[str(folder), str(_TESTS)]!r}\n{code}"
    printed = set()
    for count in ("1", "2", "3"):
        environment = os.environ | {"NUMBA_NUM_THREADS": count, "TAPEC_CACHE": "0"}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        printed.add(done.stdout)
    assert len(printed) == 1 and printed != {""}
