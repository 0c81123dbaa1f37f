"""Large arguments of a first call: copied for who looks, or may look later, and for nobody else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tapec as tp
from tapec.deferred import Loans

N = 10_000


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each argument that was lent, whether somebody still held it when the call was over, uncopied."""
    found: list[bool] = []
    end = Loans.end

    def noted(self: Loans) -> None:
        pending = [loan() for loan in self._loans]
        found.extend(p is not None and p.run is not None for p in pending)
        del pending
        end(self)

    monkeypatch.setattr(Loans, "end", noted)
    return found


@pytest.mark.cpu  # arrays of the host are lent to the recording; a device has its copy of them
def test_nothing_is_copied_where_nobody_looks(held: list[bool]) -> None:
    """Neither while the function runs nor afterwards; small arrays and integers are not lent at all."""
    x, small, numbers = np.linspace(0.0, 1.0, N), np.ones(3), np.arange(N)
    f = tp.function(lambda x, small, numbers: (x * 2.0 + np.sum(small)) * numbers)
    np.testing.assert_array_equal(f(x, small, numbers), (x * 2.0 + 3.0) * numbers)
    value, slope = tp.value_and_grad(lambda x: np.sum(x * x))(x)
    assert value == pytest.approx(np.sum(x * x)) and np.array_equal(slope, 2.0 * x)
    assert held == [False, False]


def test_who_looks_sees_a_copy() -> None:
    """Of the values that the call began with, since another thread or a later call may write to the array."""
    x = np.linspace(0.0, 1.0, N)
    seen: list[Any] = []

    def f(x: Any) -> Any:
        seen.append(x.numpy() if not seen else None)
        return x + 1.0

    with pytest.warns(match="eagerly"):
        tp.function(f)(x)
    assert not np.shares_memory(seen[0], x) and np.array_equal(seen[0], x)


@pytest.mark.cpu  # the same
def test_tensors_that_outlive_the_call_keep_its_values(held: list[bool]) -> None:
    """The argument itself, and what was to be computed from it."""
    x, kept = np.linspace(0.0, 1.0, N), []

    @tp.function
    def f(x: Any) -> Any:
        kept.extend([x, x * 2.0])
        return x + 1.0

    f(x)
    assert held == [True]
    x[:] = -1.0
    np.testing.assert_array_equal(np.asarray(kept[0]), np.linspace(0.0, 1.0, N))
    np.testing.assert_array_equal(np.asarray(kept[1]), 2.0 * np.linspace(0.0, 1.0, N))


def test_results_are_nobody_elses_memory() -> None:
    """An argument that is a result, and a view of one."""
    x = np.linspace(0.0, 1.0, N)
    same, part = tp.function(lambda x: (x, x[5:]))(x)
    assert not np.shares_memory(same, x) and not np.shares_memory(part, x)
    assert np.array_equal(same, x) and np.array_equal(part, x[5:])


def test_a_call_that_fails_ends_its_loans_too() -> None:
    """A tensor kept by a function that raised."""
    x, kept = np.linspace(0.0, 1.0, N), []

    @tp.function
    def f(x: Any) -> Any:
        kept.append(x)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        f(x)
    x[:] = -1.0
    assert np.array_equal(np.asarray(kept[0]), np.linspace(0.0, 1.0, N))


def test_an_array_in_another_order_or_byte_order_is_copied_as_before(held: list[bool]) -> None:
    """Machine code could not read it where it lies."""
    x = np.linspace(0.0, 1.0, N).reshape(100, 100)
    for given in (x.T, x.astype(x.dtype.newbyteorder())):
        np.testing.assert_array_equal(tp.function(lambda x: x * 2.0)(given), given.astype(np.float64) * 2.0)
    assert held == []
