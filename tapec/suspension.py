"""Work that belongs to no recording: the Variables that a layer or an optimizer makes when it is first used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tapec.recording import ACTIVE


@contextmanager
def suspended() -> Iterator[None]:
    """A block of which no recorder of this thread hears: what runs in it runs once, eagerly, and is not compiled."""
    recorders = ACTIVE.recorders
    kept = recorders[:]
    recorders.clear()
    try:
        yield
    finally:
        recorders[:] = kept
