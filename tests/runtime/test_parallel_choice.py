"""When a nest runs on threads and when alone: `tapec_parallel` with a clock and a threading layer of the test's own."""

import ctypes
import time

import pytest

from tapec.passes.threads_names import HISTORY, PARALLEL
from tapec.passes.threads_text import GET_THREADS, PARALLEL_FOR, SET_THREADS, START, threads_text
from tapec.runtime import jit

I64, I32, PTR = ctypes.c_int64, ctypes.c_int32, ctypes.c_void_p
TASK = ctypes.CFUNCTYPE(None, PTR, I64, I64)
ITEMS = ctypes.CFUNCTYPE(None, PTR, PTR, PTR, PTR)
CALL = ctypes.CFUNCTYPE(None, TASK, PTR, I64, I64, PTR)


class Machine:
    """A layer that runs its items in turn, and a clock that only these tests move.

    Attributes:
        mask: the thread mask.
        together: nanoseconds that a run on threads takes.
        alone: nanoseconds that a run alone takes.
        pieces: how the layer hands out its items: how many at a time.
        ran: the ranges of units that the task was given in the last call.
    """

    def __init__(self, *, exclusive: bool = False, started: bool = True, always: bool = False, nested: bool = False):
        self.mask, self.alone, self.together, self.pieces = 4, 1000, 300, 1
        self.now = 5_000_000_000
        self.ran: list[tuple[int, int]] = []
        self.masks_set: list[int] = []
        self.nested = nested
        self.in_region = False
        self.inner: list[tuple[int, int]] | None = None
        self.history = (I64 * HISTORY)()
        self.inner_history = (I64 * HISTORY)()
        functions = {
            PARALLEL_FOR: ctypes.CFUNCTYPE(None, ITEMS, PTR, PTR, PTR, PTR, I64, I64, I64)(self.parallel_for),
            GET_THREADS: ctypes.CFUNCTYPE(I32)(lambda: self.mask),
            SET_THREADS: ctypes.CFUNCTYPE(None, I32)(self.masks_set.append),
            "clock_gettime": ctypes.CFUNCTYPE(I32, I32, PTR)(self.clock),
        }
        self.keep = functions
        symbols = {name: ctypes.cast(f, PTR).value for name, f in functions.items()}
        text = threads_text(time.CLOCK_MONOTONIC, exclusive, always)
        self.library = jit.compile_module(text, symbols=symbols)
        self.task = TASK(self.work)
        if started:
            ctypes.CFUNCTYPE(None)(self.library.address(START))()

    def clock(self, which, where):
        assert which == time.CLOCK_MONOTONIC
        (I64 * 2).from_address(where)[:] = divmod(self.now, 1_000_000_000)
        return 0

    def work(self, addresses, first, stop):
        assert addresses == 77
        if self.nested and self.inner is not None:
            self.inner.append((first, stop))
            return
        self.ran.append((first, stop))
        if not self.in_region:
            self.now += self.alone
        elif self.nested:  # from within a region, as another caller would
            self.inner = []
            CALL(self.library.address(PARALLEL))(self.task, 77, 5, 2, ctypes.addressof(self.inner_history))
            self.nested = False

    def parallel_for(self, items, args, dimensions, steps, data, inner, count, threads):
        assert (inner, count, threads) == (1, 1, self.mask)
        total, step = I64.from_address(dimensions).value, I64.from_address(steps).value
        base = PTR.from_address(args).value
        self.in_region = True
        for first in range(0, total, self.pieces):
            moved, size = PTR(base + step * first), I64(min(self.pieces, total - first))
            items(ctypes.addressof(moved), ctypes.addressof(size), steps, data)
        self.in_region = False
        self.now += self.together

    def call(self, units: int = 100, wanted: int = 8) -> list[tuple[int, int]]:
        self.ran = []
        CALL(self.library.address(PARALLEL))(self.task, 77, units, wanted, ctypes.addressof(self.history))
        return self.ran

    def on_threads(self, calls: int) -> str:
        """A letter per call: `t` for threads, `a` for alone."""
        return "".join("t" if len(self.call()) > 1 else "a" for _ in range(calls))


ALONE = [(0, 100)]


def test_parts_cover_the_units_whatever_the_layer_makes_of_them():
    machine = Machine(always=True)
    for machine.pieces in (1, 2, 3, 4):
        assert machine.call() == [(0, 25), (25, 50), (50, 75), (75, 100)]
        assert machine.call(units=7) == [(0, 1), (1, 3), (3, 5), (5, 7)]
    assert machine.call(wanted=3) == [(0, 33), (33, 66), (66, 100)]
    assert machine.masks_set == [4] * 9
    assert machine.call(wanted=1) == ALONE
    machine.mask = 1
    assert machine.call() == ALONE


def test_threads_that_another_process_started_are_not_used():
    assert Machine(started=False, always=True).call() == ALONE


def test_two_runs_alone_come_first():
    machine = Machine()
    assert machine.on_threads(10) == "aatttttttt"


def test_threads_that_are_slower_are_tried_ever_less_often():
    machine = Machine()
    machine.together = 1000
    assert machine.on_threads(2 + 3 + 8 + 3 + 16 + 3 + 5) == "aa" + "ttt" + "a" * 8 + "ttt" + "a" * 16 + "ttt" + "a" * 5
    longest = machine.on_threads(20_000).split("t")
    assert max(map(len, longest)) == 2048
    machine.together = 900
    machine.on_threads(2048)
    assert machine.on_threads(40) == "t" * 40


def test_where_a_thread_waited_for_a_core_no_call_asks_for_threads_for_a_while():
    machine = Machine()
    assert machine.on_threads(6) == "aatttt"
    first, machine.together = machine.history, 5_000_000 + machine.alone
    assert machine.on_threads(1) == "t"
    machine.together = 300
    machine.history = (I64 * HISTORY)()  # another call
    assert machine.on_threads(20) == "a" * 20
    machine.now += 4 * 5_000_000 - 50 * machine.alone
    assert machine.on_threads(20) == "a" * 20
    machine.now += 50 * machine.alone
    assert machine.on_threads(20) == "t" * 20
    machine.history = first
    assert machine.on_threads(20) == "t" * 20


def test_pauses_grow_while_the_machine_stays_busy():
    machine = Machine()
    machine.on_threads(6)

    def pause() -> int:
        """Tens of milliseconds from the end of a run on threads to the beginning of the next one."""
        ended = machine.now
        while machine.on_threads(1) == "a":
            machine.now += 1_000_000
        return round((machine.now - machine.together - ended) / 10_000_000)

    machine.together = 5_000_000 + machine.alone
    assert machine.on_threads(1) == "t"
    assert [pause() for _ in range(6)] == [2, 4, 8, 16, 32, 32]
    machine.together = 300
    assert pause() == 32
    machine.now += 10 * 320_000_000
    machine.together = 5_000_000 + machine.alone
    assert machine.on_threads(1) == "t"
    assert pause() == 2


def test_one_slow_run_on_threads_now_and_then_changes_nothing():
    machine = Machine()
    machine.on_threads(6)
    for _ in range(50):
        machine.together = 3000
        assert machine.on_threads(1) == "t"
        machine.together = 300
        assert machine.on_threads(7) == "t" * 7


def test_a_process_that_was_stopped_does_not_wait_long():
    machine = Machine()
    machine.on_threads(4)
    machine.together = 3_600_000_000_000
    assert machine.on_threads(1) == "t"
    machine.together = 300
    machine.now += 1_000_000_000
    assert machine.on_threads(9) == "t" * 9


def test_what_a_run_alone_takes_is_measured_again():
    machine = Machine()
    assert machine.on_threads(2 + 512 + 1 + 512) == "aa" + "t" * 512 + "a" + "t" * 512
    machine.alone = 200  # now that is faster
    assert machine.on_threads(1 + 3 + 8) == "a" + "ttt" + "a" * 8


def test_a_run_that_wakes_the_threads_is_not_judged():
    machine = Machine()
    machine.together = 5000
    assert machine.on_threads(3) == "aat"
    machine.together = 300
    assert machine.on_threads(20) == "t" * 20


def test_one_slow_run_alone_is_not_taken_for_the_rule():
    machine = Machine()
    machine.alone = 100_000  # memory that is touched for the first time
    machine.call()
    machine.alone = 250
    assert machine.on_threads(5) == "attta"


def test_a_layer_that_serves_one_caller_is_not_asked_twice():
    machine = Machine(exclusive=True, always=True, nested=True)
    assert len(machine.call()) == 4
    assert machine.inner == [(0, 5)]
    assert len(machine.call()) == 4


@pytest.mark.parametrize("exclusive", [False, True])
def test_the_mask_is_put_back(exclusive):
    machine = Machine(exclusive=exclusive, always=True)
    machine.mask = 3
    machine.call(wanted=2)
    assert machine.masks_set == [3]
