"""Arrays that a function reaches by itself: which are read anew at each call, and which have become constants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tapec as tp
from tapec.errors import EagerFallbackWarning
from tapec.memory_windows import memory_window, owner_of

ROUNDS = 40


def _sources(compiled: Any) -> list[Any]:
    (specialisation,) = compiled._specialisations.values()
    return list(specialisation.current.recording.sources)


def test_arrays_of_expressions_are_one_constant_if_they_are_equal() -> None:
    @tp.function
    def f(x: Any) -> Any:
        for _ in range(3):
            x = np.eye(3) @ x + np.array([1.0, 2.0, 3.0])
        return x

    x = np.ones(3)
    np.testing.assert_array_equal(f(x), f(x))
    assert len(_sources(f)) == 2


def test_arrays_that_somebody_still_has_are_read_anew() -> None:
    a, b = np.ones(3), np.ones(3)

    @tp.function
    def f(x: Any) -> Any:
        return x * a + x * b

    x = np.arange(3.0)
    np.testing.assert_array_equal(f(x), 2 * x)
    b[:] = 10.0
    np.testing.assert_array_equal(f(x), 11 * x)
    a[:] = 2.0
    np.testing.assert_array_equal(f(x), 12 * x)


def test_views_are_read_from_their_owner() -> None:
    """One input for all rows, whose present contents count."""
    data = np.random.default_rng(0).normal(size=(ROUNDS, 3))

    @tp.value_and_grad
    def f(x: Any) -> Any:
        for t in range(ROUNDS):
            x = np.sin(x) * data[t] + 0.1 * x * data[-1]
        return np.sum(x)

    def plain(x: Any) -> Any:
        for t in range(ROUNDS):
            x = np.sin(x) * data[t] + 0.1 * x * data[-1]
        return np.sum(x)

    x = np.ones(3)
    for _ in range(3):
        value, _ = f(x)
        with tp.eager():
            assert value == f(x)[0]
        assert value == pytest.approx(plain(x), rel=1e-12)
        data *= 0.9
    assert len(_sources(f)) == 1 and _sources(f)[0] is data


def test_an_array_that_is_gone_stays_what_it_was() -> None:
    def make() -> Any:
        rows = np.arange(6.0).reshape(2, 3)
        used = [rows[0], rows[1].copy()]

        @tp.function
        def f(x: Any) -> Any:
            return x * used.pop() + x * used.pop() if used else x * 0.0

        return f

    f, x = make(), np.ones(3)
    first = f(x)
    np.testing.assert_array_equal(f(x), first)


def test_writing_to_an_array_between_two_reads_is_seen() -> None:
    data = np.ones((2, 3))

    @tp.function
    def f(x: Any) -> Any:
        y = x * data[0]
        data[0] += 1.0
        return y + x * data[0]

    with pytest.warns(EagerFallbackWarning, match="changed in place"):
        np.testing.assert_array_equal(f(np.ones(3)), [3.0, 3.0, 3.0])
    np.testing.assert_array_equal(f(np.ones(3)), [5.0, 5.0, 5.0])


def test_a_table_of_rows_that_are_gone() -> None:
    """Each round made an array of its own: the loop reads them as the rows of one."""

    @tp.value_and_grad
    def f(x: Any) -> Any:
        for t in range(ROUNDS):
            x = np.sin(x) * np.linspace(0.5, 1.0 + 0.01 * t, 4)
        return np.sum(x)

    x = np.ones(4)
    f(x)
    compiled = f(x)
    with tp.eager():
        eager = f(x)
    assert compiled[0] == eager[0] and compiled[1].tobytes() == eager[1].tobytes()
    assert len(_sources(f)) <= 3


INDEX = st.one_of(st.integers(0, 2), st.builds(slice, st.integers(0, 2), st.integers(1, 36), st.integers(1, 7)))


@settings(max_examples=300)
@given(st.tuples(INDEX, INDEX, INDEX), st.sampled_from([(3, 4, 3), (36,), (6, 6), (12, 3), (3, 3, 4)]), st.booleans())
def test_windows_of_memory_are_what_the_view_shows(
    index: tuple[Any, ...], shape: tuple[int, ...], turned: bool
) -> None:
    owner = np.arange(3 * 4 * 3.0).reshape(3, 4, 3).copy()  # which owns its memory, with all its axes
    view = owner.reshape(shape)[index[: len(shape)]]
    view = view.T if turned and isinstance(view, np.ndarray) else view
    if not isinstance(view, np.ndarray) or view.base is None:
        return
    assert owner_of(view) is owner
    window = memory_window(owner, view)
    if window is None:
        assert turned or view.size == 0 or shape != owner.shape
        return
    along = tuple(slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(*window, strict=True))
    np.testing.assert_array_equal(owner[along].reshape(view.shape), view)
