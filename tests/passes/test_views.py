"""Views read the elements that NumPy's views read."""

from __future__ import annotations

from typing import Any

import numpy as np
from graph_making import graph_of
from hypothesis import given
from hypothesis import strategies as st

from tapec.ops import movement
from tapec.ops.symbolic import Sym, apply, broadcast, reshape, transpose
from tapec.passes.views import View, dense_strides, reshape_strides, views_of


def _read(view: View, base: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    flat = base.ravel()
    index = np.full(view.shape, view.offset)
    for axis, (n, stride) in enumerate(zip(view.shape, view.strides, strict=True)):
        index = index + (np.arange(n) * stride).reshape((n,) + (1,) * (len(view.shape) - axis - 1))
    return flat[index]


def test_a_chain_of_movements_is_one_view() -> None:
    """Transpose, backward slice, reshape and broadcast, without an intermediate array."""
    x = np.arange(24.0).reshape(4, 6)

    def moved(s: Sym) -> Sym:
        s = transpose(s, (1, 0))
        s = apply(movement.slice_, s, start=(5, 1), size=(3, 2), step=(-2, 1))
        return broadcast(reshape(s, (3, 1, 2)), (2, 3, 5, 2))

    graph = graph_of(moved, x)
    view = views_of(graph)[graph.outputs[0]]
    assert view.base is graph.inputs[0]
    expected = np.broadcast_to(x.T[5::-2, 1:3].reshape(3, 1, 2), (2, 3, 5, 2))
    assert np.array_equal(_read(view, x), expected)


@st.composite
def _reshapes(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], tuple[int, ...]]:
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=4)))
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    array = array.transpose(draw(st.permutations(range(len(shape)))))
    array = array[(..., *(slice(None, None, draw(st.sampled_from([1, 1, 2, -1]))) for _ in shape))]
    size, new = array.size, []
    while size > 1:
        factor = draw(st.sampled_from([d for d in range(2, size + 1) if size % d == 0]))
        new.append(factor)
        size //= factor
        if draw(st.booleans()):
            new.append(1)
    return array, tuple(new)


@given(_reshapes())
def test_reshape_strides_agree_with_numpy(case: tuple[np.ndarray[Any, Any], tuple[int, ...]]) -> None:
    """Strides where NumPy reshapes without a copy, None where it copies."""
    array, new = case
    found = reshape_strides(array.shape, tuple(s // array.itemsize for s in array.strides), new)
    shaped = array.reshape(new)
    if not np.shares_memory(shaped, array):
        assert found is None
        return
    assert found is not None
    expected = tuple(s // array.itemsize for s in shaped.strides)
    assert all(n == 1 or a == b for n, a, b in zip(new, found, expected, strict=True))


def test_dense_strides() -> None:
    """Row-major."""
    assert dense_strides((2, 3, 4)) == (12, 4, 1)
    assert dense_strides(()) == ()
