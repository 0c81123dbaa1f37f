"""Copies between the host and a GPU."""

import numpy as np
import pytest
from fake_driver import FakeDriver, FakeGpu
from random_graphs import assert_same_bits

from tapec.runtime.cuda import transfers


@pytest.fixture
def fake():
    return FakeDriver()


@pytest.fixture
def memory(fake, monkeypatch):
    return FakeGpu(fake, monkeypatch).memory


def test_small_arrays_are_sent(fake, memory):
    arrays = [np.full(3, float(i)) for i in range(5)]
    there = [memory.put(a) for a in arrays]
    assert len(fake.sent) == 5
    for a in arrays:
        a[:] = -1.0  # the caller may do what he likes with his array
    assert_same_bits([a.host() for a in there], [np.full(3, float(i)) for i in range(5)])
    assert (fake.uploads, fake.waits, fake.sent) == (0, 0, [])


def test_large_arrays_wait(fake, memory):
    x = np.arange(10_000.0)
    there = memory.put(x)
    assert fake.uploads == 1
    assert_same_bits([there.host()], [x])
    assert_same_bits([memory.put(np.empty((0, 3))).host()], [np.empty((0, 3))])


def test_what_was_sent_is_kept_until_it_was_read(monkeypatch, fake, memory):
    monkeypatch.setattr(transfers, "_MOST", 8)
    kept = memory.transfers._sent
    for number in range(7):
        memory.put(np.array(number))
    assert (len(kept), fake.waits) == (7, 0)
    memory.put(np.array(7))  # so many that the GPU is waited for
    assert (kept, fake.waits) == ([], 1)
    there = memory.put(np.array(8))
    assert len(kept) == 1
    assert there.item() == 8
    assert kept == []
