"""Distributions of integers and truth values."""

import numpy as np
import pytest
from scipy import stats

import tapec as tp
from tapec.errors import DTypeError, ShapeError
from tapec.random import Generator, bernoulli, categorical, permutation, randint

N = 120_000


@pytest.fixture(autouse=True)
def seeded():
    tp.random.seed(77)


def chi_square(values, probabilities):
    counts = np.bincount(values, minlength=len(probabilities))
    return stats.chisquare(counts, np.asarray(probabilities) * len(values)).pvalue


def test_bernoulli():
    assert abs(bernoulli(0.3, (N,)).numpy().mean() - 0.3) < 4 * np.sqrt(0.21 / N)
    assert not bernoulli(0.0, (1000,)).numpy().any()
    assert bernoulli(1.0, (1000,)).numpy().all()
    assert bernoulli(np.array([0.0, 1.0])).tolist() == [False, True]
    with pytest.raises(ShapeError, match="p of shape"):
        bernoulli(np.zeros(3), (2,))


def test_no_derivative_flows_to_a_probability():
    p = tp.Variable(0.5)
    with tp.GradientTape() as tape:
        y = bernoulli(p, (3,)).astype(np.float64) * 2.0
    assert tape.gradient(y, p) is None


def test_randint():
    assert chi_square(randint(7, shape=N).numpy(), [1 / 7] * 7) > 1e-3
    shifted = randint(-3, 3, (N,), np.int8).numpy()
    assert shifted.dtype == np.int8
    assert chi_square(shifted + 3, [1 / 6] * 6) > 1e-3
    assert randint(5, 6, (3,)).tolist() == [5, 5, 5]


def test_randint_over_whole_dtypes():
    for dtype in (np.int8, np.uint8, np.int64, np.uint64):
        info = np.iinfo(dtype)
        values = randint(int(info.min), int(info.max) + 1, (2000,), dtype).numpy()
        middle = int(info.min) + 2 ** (info.bits - 1)
        assert values.dtype == dtype
        assert abs(np.mean(values >= middle) - 0.5) < 0.05


def test_wide_ranges_are_drawn_again_rather_than_folded():
    # Of words below 2**64, those from 3 * 2**62 on would fold onto the first third of the range.
    values = randint(0, 3 * 2**62, (20_000,), np.uint64).numpy()
    assert values.max() < 3 * 2**62
    assert chi_square((values // np.uint64(2**62)).astype(int), [1 / 3] * 3) > 1e-3


def test_drawing_again_is_the_same_compiled():
    g, h = Generator(1), Generator(1)
    draw = tp.function(lambda one: randint(0, 3 * 2**62, (3,), np.uint64, generator=g) * one)
    compiled = [draw(np.uint64(1)).tolist() for _ in range(20)]
    assert compiled == [randint(0, 3 * 2**62, (3,), np.uint64, generator=h).tolist() for _ in range(20)]
    assert draw.recordings < 20


@pytest.mark.parametrize(
    ("arguments", "error"),
    [((3, 3), ValueError), ((0,), ValueError), ((0, 129, (), np.int8), ValueError), ((-1, 2, (), np.uint8), ValueError),
     ((0, 2, (), np.float32), DTypeError)],
)  # fmt: skip
def test_randint_errors(arguments, error):
    with pytest.raises(error, match="randint"):
        randint(*arguments)


def test_permutations_are_equally_likely():
    seen = np.stack([permutation(3).numpy() for _ in range(3000)])
    codes = seen @ [9, 3, 1]
    _, which = np.unique(codes, return_inverse=True)
    assert chi_square(which, [1 / 6] * 6) > 1e-3


def test_permutation_of_rows():
    rows = np.arange(20.0).reshape(10, 2)
    mixed = permutation(rows).numpy()
    assert not np.array_equal(mixed, rows)
    np.testing.assert_array_equal(mixed[np.argsort(mixed[:, 0])], rows)
    assert permutation(0).shape == (0,)
    for bad in (1.5, -1):
        with pytest.raises(ShapeError, match="permutation"):
            permutation(bad)


def test_derivatives_flow_to_permuted_rows():
    x = tp.Variable(np.arange(4.0))
    with tp.GradientTape() as tape:
        y = (permutation(x) * np.arange(4.0)).sum()
    assert sorted(tape.gradient(y, x).tolist()) == [0.0, 1.0, 2.0, 3.0]


def test_categorical():
    p = np.array([0.5, 0.25, 0.2, 0.05])
    assert chi_square(categorical(np.log(p), N).numpy(), p) > 1e-3
    two = categorical(np.log([p, p[::-1]]).astype(np.float32), N // 2).numpy()
    assert two.shape == (2, N // 2)
    assert chi_square(two[0], p) > 1e-3
    assert chi_square(two[1], p[::-1]) > 1e-3
    assert categorical(np.zeros((3, 2, 5)), dtype=np.int32).shape == (3, 2)
    assert categorical(np.zeros((3, 2, 5)), dtype=np.int32).dtype == np.int32


def test_rare_classes():
    values = categorical(np.log([1 - 1e-4, 1e-4]), 1_000_000).numpy()
    assert abs(values.sum() - 100) < 40


def test_categorical_errors():
    for logits in (0.0, np.zeros((2, 0))):
        with pytest.raises(ShapeError, match="classes"):
            categorical(logits)
    with pytest.raises(DTypeError, match="integers"):
        categorical([0.0], dtype=np.float32)
