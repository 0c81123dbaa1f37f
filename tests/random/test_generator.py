"""Streams: seeds, splitting, and the counter that eager and compiled code share."""

import threading

import numpy as np
import pytest

import tapec as tp
from tapec.random import Generator, normal, uniform
from tapec.random import generator as streams


def drawn(generator, count=1000):
    return generator.word((count,)).numpy()


def test_a_seed_names_the_stream():
    assert np.array_equal(drawn(Generator(3)), drawn(Generator(3)))
    assert not np.intersect1d(drawn(Generator(3)), drawn(Generator(4))).size


def test_streams_without_a_seed_differ():
    assert Generator().key.item() != Generator().key.item()


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seeds_outside_their_range(seed):
    with pytest.raises(ValueError, match=r"from 0 to 2\*\*64 - 1"):
        Generator(seed)
    with pytest.raises(ValueError, match=r"from 0 to 2\*\*64 - 1"):
        tp.random.seed(seed)


def test_draws_go_on_where_the_last_one_ended():
    whole, g = drawn(Generator(0), 30), Generator(0)
    assert np.array_equal(np.concatenate([drawn(g, 10), drawn(g, 0), drawn(g, 20)]), whole)
    assert g.counter.item() == 30


def test_the_shape_does_not_matter_to_the_order():
    assert np.array_equal(Generator(5).word((2, 3)).numpy().ravel(), drawn(Generator(5), 6))
    assert Generator(5).word(()).shape == ()


def test_the_counter_wraps_around():
    g = Generator(1)
    g.counter.assign(np.uint64(2**64 - 1))
    low = drawn(g, 2)
    assert g.counter.item() == 1
    assert low[1] == drawn(Generator(1), 1)[0]


def test_reset_begins_anew():
    g = Generator(9)
    first = drawn(g)
    g.reset(9)
    assert np.array_equal(drawn(g), first)


def test_state_can_be_kept_and_put_back():
    g, other = Generator(2), Generator(8)
    drawn(g, 17)
    other.key.assign(g.key)
    other.counter.assign(g.counter)
    assert np.array_equal(drawn(g), drawn(other))


def test_splitting_is_reproducible_and_moves_the_stream():
    a, b = Generator(7), Generator(7)
    keys = [g.key.item() for g in a.split(3)]
    assert keys == [g.key.item() for g in b.split(3)]
    assert len({*keys, *[g.key.item() for g in a.split(3)], 7}) == 7


def test_streams_are_independent():
    parent = Generator(11)
    children = parent.split(6)
    rows = np.stack([uniform((20_000,), generator=g, dtype=np.float64).numpy() for g in [parent, *children]])
    correlations = np.corrcoef(rows)[np.triu_indices(len(rows), 1)]
    assert np.abs(correlations).max() < 4 / np.sqrt(20_000)
    neighbours = np.corrcoef(rows[0, :-1], rows[0, 1:])[0, 1]
    assert abs(neighbours) < 4 / np.sqrt(20_000)


def test_every_bit_is_fair():
    words = np.concatenate([t.numpy() for t in Generator(0).words((40_000,))])
    ones = np.unpackbits(words.view(np.uint8).reshape(-1, 8), axis=1).mean(axis=0)
    assert np.abs(ones - 0.5).max() < 4.5 * 0.5 / np.sqrt(len(words))


def test_a_compiled_function_draws_anew_and_the_sequence_is_the_eager_one():
    @tp.function
    def draw(scale):
        return normal((3,)) * scale, uniform((2, 2)), tp.random.bernoulli(0.5, (5,))

    def sequence():
        tp.random.seed(1)
        first = [draw(np.float32(2.0)) for _ in range(2)]
        between = uniform((4,)).numpy()
        return [*first[0], *first[1], between, *draw(np.float32(2.0))]

    compiled = sequence()
    with tp.eager():
        eager = sequence()
    assert draw.compiles == 1
    assert all(a.tobytes() == b.tobytes() for a, b in zip(compiled, eager, strict=True))
    assert not np.array_equal(compiled[0], compiled[3])


def test_seed_reaches_compiled_functions():
    draw = tp.function(lambda x: x + uniform(()))
    draw(np.float32(0.0))
    tp.random.seed(6)
    a = draw(np.float32(0.0))
    tp.random.seed(6)
    assert a == draw(np.float32(0.0)) == uniform((), generator=Generator(6)).item()


def test_splitting_in_a_compiled_function_is_eager_and_warned_of():
    g = Generator(0)
    split = tp.function(lambda x: x + uniform((), generator=g.split(1)[0]))
    with pytest.warns(tp.errors.EagerFallbackWarning):
        values = {float(split(np.float32(0.0))) for _ in range(3)}
    assert len(values) == 3


def test_threads_never_get_the_same_numbers():
    g, found = Generator(0), []

    def work():
        found.extend(np.concatenate([drawn(g, 5) for _ in range(40)]).tolist())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(found) == sorted(drawn(Generator(0), 800).tolist())


def test_initial_values_do_not_move_the_default_stream():
    tp.random.seed(0)
    tp.layers.Dense(3)(np.zeros((1, 2)))
    assert streams.DEFAULT.counter.item() == 0
    assert streams.INITIAL.counter.item() == 6


def test_tapes_watch_no_generator():
    with tp.GradientTape() as tape:
        y = uniform((2,)) * tp.Variable(1.0)
    assert all(v.trainable for v in tape.watched_variables())
    assert y.shape == (2,)


def test_bodies_of_loops_say_that_they_cannot_draw():
    def body(total, x):
        return total + uniform((), dtype=np.float64) * x, total

    with pytest.raises(tp.errors.BodyValueError, match=r"counter:0 was assigned inside the body of tp\.scan"):
        tp.scan(body, np.float64(0.0), np.ones(3))
    numbers = uniform((3,), dtype=np.float64)
    total, _ = tp.scan(lambda total, x: (total + x, total), np.float64(0.0), numbers)
    np.testing.assert_allclose(np.asarray(total), numbers.numpy().sum())


def test_mapped_functions_draw_once_for_all_examples():
    rows = np.asarray(tp.vmap(lambda x: x + normal((2,), dtype=np.float64))(np.zeros((3, 2))))
    assert (rows == rows[0]).all()
    assert rows[0, 0] != rows[0, 1]
