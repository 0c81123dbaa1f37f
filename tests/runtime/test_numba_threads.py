"""Nests on Numba's threads: the same bits for every number of them, whose threads they are, forks, many callers."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tapec.passes.threads_names import PARALLEL
from tapec.passes.threads_text import threads_text

TESTS = Path(__file__).resolve().parent.parent

LARGE = """
import os, sys
import numpy as np
import tapec as tp
from tapec.runtime import threads

threads._ALWAYS = True
x = np.linspace(0.0, 1.0, 2_000_000)
recorded = tp.function(lambda x: np.sum(np.exp(x) * x))

def f(x):
    recorded(x)  # the first call runs op by op
    return recorded(x)
"""


def run(code: str, *arguments: str, **environment: str) -> list[str]:
    """What a process of its own prints."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    # Threads that wait should not keep the others from running: there may be fewer cores than threads.
    env = {**keep, "OMP_WAIT_POLICY": "passive", "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}", **environment}
    done = subprocess.run(
        [sys.executable, *(["-c", code] if code else []), *arguments],
        env=env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_every_number_of_threads_gives_the_same_bits(layer):
    environment = {} if layer == "omp" else {"NUMBA_THREADING_LAYER": layer}
    # The cache is off because the programs are compiled with other grains than the cache knows of.
    programs, nests = run(
        "", str(TESTS / "threads_check.py"), layer, NUMBA_NUM_THREADS="8", TAPEC_CACHE="0", **environment
    )
    assert int(nests) > int(programs) > 10


def test_numba_is_not_imported_and_shares_its_threads_later():
    code = (
        LARGE
        + """
f(x)
assert not any(name.startswith("numba") for name in sys.modules)
layer = threads.layer()
import ctypes
mask = ctypes.CFUNCTYPE(ctypes.c_int)(layer.get_num_threads)
print(layer.name, mask())
import numba
numba.set_num_threads(2)
print(mask(), numba.threading_layer())
assert threads.layer() == layer
f(x)
print(numba.get_num_threads())
"""
    )
    if "omp" not in run("import numba\nnumba.get_num_threads()\nprint(numba.threading_layer())"):
        pytest.skip("Numba takes another layer than OpenMP here")
    assert run(code, NUMBA_NUM_THREADS="3") == ["omp", "3", "2", "omp", "2"]


def test_small_programs_do_not_look_for_threads():
    code = (
        LARGE
        + """
f(x[:1000])
print(len(threads._libraries), "numba" in sys.modules)
f(x)
print(len(threads._libraries))
"""
    )
    assert run(code) == ["0", "False", "1"]


def test_numbas_configuration_is_numbas_business():
    code = (
        LARGE
        + """
f(x)
print("numba" in sys.modules, threads.layer().name)
"""
    )
    assert run(code, NUMBA_THREADING_LAYER="workqueue") == ["True", "workqueue"]


FORKS = """
def child(pipe):
    value = float(f(x))
    os.write(pipe, (repr(value) + "\\n").encode())

expected = float(f(x)) if sys.argv[1] == "used here" else None
reading, writing = os.pipe()
children = []
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            child(writing)
            status = 0
        finally:
            os._exit(status)
    children.append(pid)
assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0]
os.close(writing)
values = set(os.fdopen(reading).read().split())
assert values == {repr(float(f(x)))}
print("same")
"""


def test_a_fork_after_threads_were_used_runs_alone():
    assert run(LARGE + FORKS, "used here", NUMBA_NUM_THREADS="2") == ["same"]


def test_a_fork_before_threads_were_used_has_its_own():
    assert run(LARGE + FORKS, "not used", NUMBA_NUM_THREADS="2") == ["same"]


def test_a_fork_after_numba_used_threads_runs_alone():
    """Numba's OpenMP layer ends a forked process that uses it; nobody has asked for threads here."""
    numba = """
import numba
@numba.njit(parallel=True)
def g(n):
    total = 0
    for i in numba.prange(n):
        total += i
    return total
assert g(1000) == 499500
"""
    assert run(numba + LARGE + FORKS, "not used", NUMBA_NUM_THREADS="2") == ["same"]


def test_the_mask_is_each_threads_own():
    code = (
        LARGE
        + """
import numba, threading
expected = f(x).tobytes()
seen = []
def work(n):
    numba.set_num_threads(n)
    for _ in range(3):
        seen.append(f(x).tobytes() == expected and numba.get_num_threads() == n)
running = [threading.Thread(target=work, args=(1 + i % 3,)) for i in range(6)]
for t in running:
    t.start()
for t in running:
    t.join()
print(len(seen), all(seen))
"""
    )
    assert run(code, NUMBA_NUM_THREADS="3") == ["18", "True"]


def test_only_a_layer_that_needs_it_is_locked():
    assert "br i1 %either, label %measure, label %claim" in threads_text(1, exclusive=True)
    assert "br i1 %either, label %measure, label %together" in threads_text(1, exclusive=False)


def test_large_nests_are_cut_and_small_ones_are_not():
    import tapec as tp

    f = tp.function(lambda x: np.exp(x))
    assert PARALLEL in f.inspect(np.zeros(1_000_000)).llvm_ir
    assert PARALLEL not in f.inspect(np.zeros(5_000)).llvm_ir
