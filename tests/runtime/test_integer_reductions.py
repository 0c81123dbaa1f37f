"""The first reductions of integers are NumPy's, later ones those of a kernel: nobody can tell them apart."""

from itertools import combinations

import numpy as np
import pytest

from tapec.ops import reduction
from tapec.runtime import reductions

PRIMITIVES = (reduction.sum, reduction.prod, reduction.max, reduction.min)
SHAPES = ((7,), (1,), (3, 1, 5), (20, 3), (4, 17))


@pytest.fixture
def made(monkeypatch):
    """How many kernels have been asked for; nothing is known of earlier runs."""
    found = []

    def noted(*args):
        found.append(args)
        return kernel_of(*args)

    kernel_of = reductions.kernel_of
    monkeypatch.setattr(reductions, "kernel_of", noted)
    monkeypatch.setattr(reductions, "_REDUCTIONS", {})
    reductions._RUNS.clear()
    yield found
    reductions._RUNS.clear()


def axes_of(shape):
    return [axes for count in range(1, len(shape) + 1) for axes in combinations(range(len(shape)), count)]


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int8, np.uint8, np.uint64, np.bool_])
def test_the_same_results(dtype, made, monkeypatch):
    rng = np.random.default_rng(0)
    cases = []
    for primitive in PRIMITIVES[2:] if dtype is np.bool_ else PRIMITIVES:
        for shape in SHAPES:
            high = 2 if dtype is np.bool_ else 100
            x = rng.integers(0, high, shape).astype(dtype)
            cases += [(primitive, x.copy("F"), axes) for axes in axes_of(shape)]
    monkeypatch.setattr(reductions, "_FEW", 10**6)
    few = [reductions.reduction(p, [x], {"axes": axes}) for p, x, axes in cases]
    assert made == []
    monkeypatch.setattr(reductions, "_FEW", 0)
    many = [reductions.reduction(p, [x], {"axes": axes}) for p, x, axes in cases]
    assert made
    for a, b in zip(few, many, strict=True):
        assert (type(a), a.dtype, a.shape, a.flags.c_contiguous) == (np.ndarray, b.dtype, b.shape, True)
        np.testing.assert_array_equal(a, b)


def test_a_kernel_is_made_if_more_come(made):
    x = np.arange(10)
    for _ in range(reductions._FEW):
        reductions.reduction(reduction.sum, [x], {"axes": (0,)})
    assert made == []
    assert reductions.reduction(reduction.sum, [x], {"axes": (0,)}) == 45
    assert len(made) == 1
    reductions.reduction(reduction.sum, [np.arange(10.0)], {"axes": (0,)})
    assert len(made) == 2
