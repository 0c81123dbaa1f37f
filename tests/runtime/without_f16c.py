"""float16 in a process whose processor has no F16C, run by `test_half_functions.py`."""

import numpy as np
from llvmlite.binding import targets

import tapec as tp
from tapec.ir import dtypes
from tapec.runtime import jit
from tapec.runtime.conversions import converted


def without_f16c(found):
    """The features of a processor, less what converts float16."""
    for name in list(found):
        if name == "f16c" or name.startswith("avx512"):
            found[name] = False
    return found


def check():
    """All numbers there and back, and a program."""
    features = targets.get_host_cpu_features
    targets.get_host_cpu_features = lambda: without_f16c(features())
    assert "-f16c" in jit.target_name()
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    wide = converted(every, dtypes.F32)
    assert np.array_equal(wide, every.astype(np.float32), equal_nan=True)
    rng = np.random.default_rng(0)
    parts = [
        rng.integers(0, 1 << 32, 1 << 16, np.uint32).view(np.float32),
        rng.normal(size=1 << 14) * 2.0**-20,
        [65519.99, 65520, 65536, 2.0**-25, 2.0**-24, 2.0**-14, 1e9, -0.0, np.inf, -np.inf],
        (wide[1:31743] + wide[2:31744]) / 2,
    ]
    with np.errstate(all="ignore"):
        x = np.concatenate([np.float32(part) for part in parts])
        expected = x.astype(np.float16)
    found = converted(x, dtypes.F16)
    nan = np.isnan(expected)
    assert np.array_equal(nan, np.isnan(found))
    assert np.array_equal(found[~nan].view(np.uint16), expected[~nan].view(np.uint16))
    some = np.linspace(-3, 3, 100).astype(np.float16)
    assert tp.function(lambda x: x * x + 1)(some).tolist() == (some * some + 1).tolist()


check()
