"""The loops of NumPy's Fourier transforms by address: found for every dtype, and named when they are not."""

import numpy as np
import pytest

from tapec.ir import dtypes
from tapec.passes.transform_names import DATA, loop_symbol
from tapec.runtime import transforms


def test_every_loop_has_an_address_of_its_own():
    names = [loop_symbol(u, d) for u in ("fft", "irfft", "rfft_n_even", "rfft_n_odd") for d in (dtypes.F32, dtypes.F64)]
    addresses = [transforms.address(name) for name in names]
    assert 0 not in addresses
    assert len(set(addresses)) == len(names)
    assert transforms.address(f"{DATA}fft") != transforms.address(f"{DATA}ifft")


def test_unknown_transforms_are_named():
    with pytest.raises(LookupError, match="no transform 'zeta'"):
        transforms.address(loop_symbol("zeta", dtypes.F64))


def test_another_layout_of_ufuncs_is_noticed(monkeypatch):
    monkeypatch.setattr(transforms, "_TYPES", transforms._TYPES + 64)
    monkeypatch.setattr(transforms, "_COUNTS", transforms._COUNTS + 4)
    with pytest.raises(LookupError, match="laid out in a way"):
        transforms._ufunc_pointers("fft")


def test_float32_stays_float32():
    x = np.arange(6, dtype=np.float32)
    assert transforms.execute_transform(transforms.transform.rfft, [x], {}).dtype == np.float32
