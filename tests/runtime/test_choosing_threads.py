"""When `tapec_parallel` takes threads, on a machine whose clock goes by what the test says."""

import ctypes
from typing import Any

import pytest

from tapec.passes.threads_names import PARALLEL
from tapec.passes.threads_text import GET_THREADS, MUCH, PARALLEL_FOR, SET_THREADS, START, threads_text
from tapec.runtime import jit

_Time = ctypes.c_int64 * 2
_TASK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
_CLOCK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.POINTER(_Time))
_REGION = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5, *[ctypes.c_int64] * 3)


class Machine:
    """Two threads; a task takes `alone` nanoseconds on one and `together` on both."""

    def __init__(self) -> None:
        self.now = 10**12
        self.alone, self.together = 1_000_000, 550_000
        self.taken = {"alone": 0, "together": 0}
        self._kept: list[Any] = []
        symbols = {
            "clock_gettime": self._address(_CLOCK(self._clock)),
            PARALLEL_FOR: self._address(_REGION(lambda *_: self._pass("together", self.together))),
            GET_THREADS: self._address(ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 2)),
            SET_THREADS: self._address(ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda _: None)),
        }
        self._task = self._address(_TASK(lambda *_: self._pass("alone", self.alone)))
        self._library = jit.compile_module(threads_text(1, exclusive=False), symbols=symbols)
        ctypes.CFUNCTYPE(None)(self._library.address(START))()
        self._run = ctypes.CFUNCTYPE(
            None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p
        )(self._library.address(PARALLEL))

    def _address(self, function: Any) -> int:
        self._kept.append(function)
        address = ctypes.cast(function, ctypes.c_void_p).value
        assert address is not None
        return address

    def _clock(self, _: int, time: Any) -> int:
        time.contents[:] = divmod(self.now, 10**9)
        return 0

    def _pass(self, how: str, nanoseconds: int) -> None:
        self.taken[how] += 1
        self.now += nanoseconds

    def run(self, history: Any) -> str:
        """Calls once; says how it ran."""
        before = self.taken["alone"]
        self._run(self._task, None, 100, 2, history)
        return "alone" if self.taken["alone"] > before else "together"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("TAPEC_CACHE", "0")
    return Machine()


def history() -> Any:
    return (ctypes.c_int64 * 4)()


def test_threads_are_taken_while_they_are_faster(machine):
    call = history()
    assert [machine.run(call) for _ in range(20)].count("together") >= 17
    machine.together = 1_100_000  # slower, but by no millisecond
    assert [machine.run(call) for _ in range(400)].count("together") < 30


def test_a_slow_run_now_and_then_is_no_reason_to_run_alone(machine):
    call, ran = history(), []
    for i in range(2_000):
        machine.together = 1_500_000 if i % 8 == 0 else 550_000
        ran.append(machine.run(call))
    assert ran.count("together") > 1_950


def test_one_disturbance_costs_a_few_times_what_it_took(machine):
    call = history()
    for _ in range(20):
        machine.run(call)
    machine.together = machine.alone + 2 * MUCH
    assert machine.run(call) == "together"
    machine.together = 550_000
    begun = machine.now
    while machine.run(call) != "together":
        pass
    assert 4 * 2 * MUCH <= machine.now - begun < 10 * 2 * MUCH
    assert [machine.run(call) for _ in range(50)].count("together") == 50


def test_a_machine_that_is_always_busy_is_seldom_asked(machine):
    calls = [history() for _ in range(50)]
    machine.together = machine.alone + 3 * MUCH
    begun = machine.now
    for i in range(20_000):
        machine.run(calls[i % len(calls)])
    lost = machine.taken["together"] * 3 * MUCH
    assert machine.taken["together"] > 10
    assert lost < (machine.now - begun) / 30


def test_disturbances_far_apart_are_each_a_first_one(machine):
    call = history()
    for _ in range(20):
        machine.run(call)
    pauses = []
    for _ in range(6):
        machine.together = machine.alone + 2 * MUCH
        while machine.run(call) != "together":
            pass
        machine.together = 550_000
        begun = machine.now
        while machine.run(call) != "together":
            pass
        pauses.append(machine.now - begun)
        for _ in range(1_000):
            machine.run(call)
    assert max(pauses) < 10 * 2 * MUCH
