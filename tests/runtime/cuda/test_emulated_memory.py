"""The memory of an emulated device."""

import numpy as np
import pytest

from tapec.runtime.cuda.emulated_memory import EmulatedMemory
from tapec.runtime.cuda.emulation import OutOfBoundsError, elements_at
from tapec.runtime.device_array import Block

BYTE = np.dtype(np.uint8)


@pytest.mark.parametrize("inside", [0, 3, 7])
def test_writing_beside_an_array_is_noticed(inside):
    memory = EmulatedMemory()
    others = [memory.allocate(100) for _ in range(5)]
    address = memory.allocate(8)
    memory.check("kernel", [*others, address, 0])
    elements_at(address + 8, BYTE, 1)[0] = 1
    with pytest.raises(OutOfBoundsError, match="kernel wrote outside an array of 8 bytes"):
        memory.check("kernel", [others[0], address + inside])
    memory.check("kernel", others)  # which it did not get
    memory.free(address)
    assert memory.used == 500


def test_nothing_is_left():
    memory = EmulatedMemory()
    array = memory.put(np.arange(3.0))
    again = array.reshaped((1, 3))
    del array
    assert memory.used == 24
    assert again.tolist() == [[0.0, 1.0, 2.0]]
    del again
    assert memory.used == 0


def test_an_interpreter_that_ends_frees_nothing():
    """Modules have lost their names by then; a finalizer that runs into that prints an error nobody can act on."""
    freed = []
    block = Block(64, freed.append)
    block.__del__(lambda: True)
    assert freed == []
    del block
    assert freed == [64]
