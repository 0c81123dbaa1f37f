"""Philox's meaning against the known answers that come with Random123 (Salmon et al., 2011)."""

import numpy as np
import pytest

from tapec.ops import sampling

# Counter words, key words, result words, from the file `kat_vectors` of Random123, philox4x32 with 10 rounds.
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def joined(low, high):
    return np.array(low | high << 32, np.uint64)


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS)
def test_known_answers(counter, key, words):
    operands = joined(*counter[:2]), joined(*counter[2:]), joined(*key)
    assert sampling.philox_low.meaning(*operands) == joined(*words[:2])
    assert sampling.philox_high.meaning(*operands) == joined(*words[2:])


def test_narrow_operands_are_widened_and_results_cut():
    wide = sampling.philox_low.meaning(*[np.array(n, np.uint64) for n in (200, 3, 77)])
    for dtype in (np.uint8, np.uint16, np.uint32):
        narrow = sampling.philox_low.meaning(*[np.array(n, dtype) for n in (200, 3, 77)])
        assert narrow.dtype == dtype
        assert narrow == wide.astype(dtype)


def test_gamma_sample_is_its_first_operand():
    z = np.array([1.0, 2.0])
    out = sampling.gamma_sample.meaning(z, np.float64(3.0))
    assert out.tolist() == [1.0, 2.0]
    assert not np.shares_memory(out, z)
