"""Streams through memory, values alone: what arrays beyond the caches cost when there is next to nothing to compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bench.workload import Builder, Call, Cost, Workload

COLUMNS = 1000
LARGE = 10_000_000


def values(
    inputs: Callable[[int], tuple[np.ndarray, ...]],
    function: Callable[..., Any],
    limit: Callable[..., Any] | None = None,
) -> Mapping[str, Builder]:
    """Builders of a function's value.

    Args:
        inputs: makes its arguments, given the size.
        function: gets the library's module in NumPy's shape before them.
        limit: what is written by hand, for the same arguments.
    """

    def tapec(peer: Any, size: int) -> Call:
        return Call(peer.tp.function(lambda *a: function(np, *a)), inputs(size))

    def jax(peer: Any, size: int) -> Call:
        compiled = peer.jax.jit(lambda *a: function(peer.namespace, *a))
        arguments = tuple([peer.array(a) for a in inputs(size)])
        return Call(lambda *a: compiled(*a).block_until_ready(), arguments)

    def torch(peer: Any, size: int) -> Call:
        compiled = peer.compile(lambda *a: function(peer.torch, *a))
        return Call(compiled, tuple([peer.array(a) for a in inputs(size)]))

    builders: dict[str, Builder] = {"tapec": tapec, "jax": jax, "torch": torch}
    if limit is not None:
        builders["limit"] = lambda _, size: Call(limit, inputs(size))
    return builders


def vector(n: int) -> tuple[np.ndarray]:
    return (np.random.default_rng(0).uniform(-1.0, 1.0, n),)


def pair(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.uniform(-1.0, 1.0, n), rng.uniform(-1.0, 1.0, n)


def rows(n: int) -> tuple[np.ndarray]:
    return (vector(n)[0].reshape(-1, COLUMNS),)


def square(n: int) -> tuple[np.ndarray]:
    side = round(n**0.5)
    return (vector(side * side)[0].reshape(side, side),)


def by_hand(name: str) -> Callable[..., Any]:
    """A function of `bench.limits.native`, which is imported when it is called: it needs a compiler."""

    def run(*arguments: np.ndarray) -> Any:
        from bench.limits import native

        return getattr(native, name)(*arguments)

    return run


def _workload(name: str, title: str, builders: Mapping[str, Builder], bytes_each: int, binds: str) -> Workload:
    return Workload(
        name,
        title,
        builders,
        sizes=(LARGE,),
        quick=10_000,
        tolerance=1e-10,
        cost=lambda n: Cost(bytes=bytes_each * n),
        threaded=True,
        binds=binds,
    )


WORKLOADS = (
    _workload(
        "stream_triad",
        "x + 3 y, {n} numbers (STREAM's triad)",
        values(pair, lambda _, x, y: x + 3.0 * y, by_hand("triad")),
        24,
        "memory: two arrays read, one written",
    ),
    _workload(
        "stream_sum",
        "sum(x), {n} numbers",
        values(vector, lambda m, x: m.sum(x), by_hand("total")),
        8,
        "memory: one array read",
    ),
    _workload(
        "stream_columns",
        "sum of the columns of {n} numbers in rows of 1,000",
        values(rows, lambda m, x: m.sum(x, axis=0), by_hand("column_sums")),
        8,
        "memory: one array read, row by row",
    ),
    _workload(
        "stream_turned",
        "x + x.T of a square of about {n} numbers",
        values(square, lambda _, x: x + x.T),
        24,
        "memory: one array read along both axes, one written",
    ),
)
