"""The collector's thresholds while a function is recorded."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np

import tapec as tp
from tapec.collector import patient_collector


class Cycle:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.me = self


def test_thresholds_come_back() -> None:
    before = gc.get_threshold()

    @tp.function
    def f(x: Any) -> Any:
        assert gc.get_threshold() != before
        return x * 2.0

    f(np.ones(3))
    assert gc.get_threshold() == before


def test_garbage_in_cycles_is_found_meanwhile() -> None:
    with patient_collector():
        gone = weakref.ref(Cycle())
        kept = [[] for _ in range(60_000)]
        assert gone() is None
    assert len(kept) == 60_000


def test_a_collector_that_is_off_stays_off_and_new_thresholds_stay() -> None:
    before = gc.get_threshold()
    gc.disable()
    try:
        with patient_collector():
            assert gc.get_threshold() == before
    finally:
        gc.enable()
    try:
        with patient_collector():
            gc.set_threshold(900, 9, 9)
        assert gc.get_threshold() == (900, 9, 9)
    finally:
        gc.set_threshold(*before)
