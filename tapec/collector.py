"""Python's garbage collector while a recording grows: it must not go through all of it time and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Young objects before they are looked through (Python's own: 700 or 2,000), and how many times before old ones are.
_PATIENT: Final = (50_000, 20, 1_000)


@contextmanager
def patient_collector() -> Iterator[None]:
    """A block whose objects mostly stay: garbage in cycles is still found, but hundreds of thousands of ops that are
    recorded are not looked through again whenever their number has grown by a quarter.
    """
    before = gc.get_threshold()
    if before[0] == 0 or not gc.isenabled():  # whoever has turned it off knows why
        yield
        return
    gc.set_threshold(*_PATIENT)
    try:
        yield
    finally:
        if gc.get_threshold() == _PATIENT:  # else somebody has set others meanwhile
            gc.set_threshold(*before)
