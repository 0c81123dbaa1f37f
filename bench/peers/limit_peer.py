"""Value and gradient written by hand, compiled by Numba or the C compiler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.peers.base import NumpyPeer
from bench.workload import Call


class Limit(NumpyPeer):
    """Has no derivatives: each workload brings its own."""

    def __init__(self, threads: int) -> None:
        import numba

        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        self.namespace = np

    def value_and_grad(
        self, loss: Callable[..., Any], inputs: tuple[Any, ...], wrt: tuple[int, ...], numpy_out: bool
    ) -> Call:
        raise NotImplementedError("derivatives by hand are made by each workload")

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function
