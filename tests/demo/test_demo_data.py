import numpy as np
import pytest

from tapec.demo.data import split


@pytest.fixture(scope="module")
def digits():
    return split(seed=3)


def test_nothing_is_held_out_and_trained_on(digits):
    train, held_out = digits
    assert (len(train), len(held_out)) == (1348, 449)
    both = np.concatenate([train.images, held_out.images])
    # Every bundled scan is there exactly once.
    from sklearn.datasets import load_digits

    def ordered(rows):
        return rows[np.lexsort(rows.T)]

    np.testing.assert_array_equal(ordered(both), ordered((load_digits().data / 16).astype(np.float32)))


def test_images_are_float32_between_0_and_1(digits):
    for part in digits:
        assert part.images.dtype == np.float32
        assert part.images.shape == (len(part), 64)
        assert part.images.min() == 0
        assert part.images.max() == 1


def test_batches_have_one_size_and_no_image_twice(digits):
    _, held_out = digits
    batches = list(held_out.batches(64, np.random.default_rng(0)))
    assert [len(labels) for _, labels in batches] == [64] * 7
    rows = {image.tobytes() for images, _ in batches for image in images}
    assert rows <= {image.tobytes() for image in held_out.images}
    assert len(rows) == len({image.tobytes() for images, _ in batches for image in images})


def test_a_seed_gives_its_split_again():
    a, b, c = split(1)[1], split(1)[1], split(2)[1]
    assert np.array_equal(a.labels, b.labels)
    assert not np.array_equal(a.labels, c.labels)
