"""tapec: NumPy arrays in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.peers.base import Peer
from bench.workload import Call


class Tapec(Peer):
    """`tp.value_and_grad` of functions written with NumPy."""

    def __init__(self, threads: int) -> None:
        import tapec

        self.tp, self.namespace = tapec, np

    def array(self, array: np.ndarray) -> Any:
        return array

    def numpy(self, array: Any) -> np.ndarray:
        return np.asarray(array)

    def value_and_grad(
        self, loss: Callable[..., Any], inputs: tuple[Any, ...], wrt: tuple[int, ...], numpy_out: bool
    ) -> Call:
        argnums = wrt[0] if len(wrt) == 1 else wrt
        return Call(self.tp.value_and_grad(lambda *a: loss(np, *a), argnums=argnums), inputs)

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return self.tp.function(function)
