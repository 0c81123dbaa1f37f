"""Memory of a GPU that is kept for the next one who asks."""

import pytest
from fake_driver import FakeDriver, FakeGpu

from tapec.errors import DeviceMemoryError


def memory_of(fake, monkeypatch):
    return FakeGpu(fake, monkeypatch).memory


def test_memory_is_used_again(monkeypatch):
    fake = FakeDriver()
    memory = memory_of(fake, monkeypatch)
    first, other = memory.allocate(1000), memory.allocate(1000)
    assert first != other
    memory.free(first)
    assert memory.allocate(1024) == first  # sizes are rounded
    assert memory.allocate(1025) not in (first, other)
    assert memory.allocate(0) in fake.arrays  # a driver gives no empty memory
    assert all(address % 256 == 0 for address in fake.arrays)


def test_what_is_kept_is_given_up_for_others(monkeypatch):
    fake = FakeDriver(memory=10_000)
    memory = memory_of(fake, monkeypatch)
    held, free = memory.allocate(4000), memory.allocate(4000)
    memory.free(free)
    assert memory.allocate(5800) in fake.arrays  # not 6,144, for which there is no room
    assert sorted(a.nbytes for a in fake.arrays.values()) == [4096, 5800]  # what was kept is gone
    with pytest.raises(DeviceMemoryError, match="300 bytes asked for, 104 of 10,000 free"):
        memory.allocate(300)
    memory.free(held)
    assert memory.allocate(300) in fake.arrays


def test_memory_of_an_odd_size_is_not_taken_for_more(monkeypatch):
    fake = FakeDriver(memory=1000)
    memory = memory_of(fake, monkeypatch)
    odd = memory.allocate(700)
    memory.free(odd)
    assert fake.arrays[odd].nbytes == 700
    with pytest.raises(DeviceMemoryError, match="1,010 bytes asked for"):
        memory.allocate(1010)  # 1,024 rounded, as 700 would be too
