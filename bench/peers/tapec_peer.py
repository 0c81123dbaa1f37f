"""tapec: NumPy arrays in and out; on a device, arrays that stay there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.peers.base import Differentiating, NumpyPeer
from bench.results import StepShare
from bench.workload import Call


class Tapec(NumpyPeer, Differentiating):
    """`tp.value_and_grad` of functions written with NumPy."""

    def __init__(self, threads: int, device: str = "cpu") -> None:
        import tapec

        self.tp, self.device = tapec, None
        if device != "cpu":
            self.device = tapec.device(device)
            self.device.__enter__()  # for as long as the process lives

    def wait(self) -> None:
        if self.device is not None:
            self.device.memory.synchronize()

    def steps(self, call: Call) -> list[StepShare]:
        from tapec.function import Function

        function, arguments = call.program or (call.function, call.arguments)
        if not isinstance(function, Function | self.tp.SparseDerivative):
            return []
        return [StepShare(s.words, s.depth, s.runs, s.seconds) for s in function.inspect(*arguments).profile().steps]

    def value_and_grad(
        self, loss: Callable[..., Any], inputs: tuple[Any, ...], wrt: tuple[int, ...], numpy_out: bool
    ) -> Call:
        argnums = wrt[0] if len(wrt) == 1 else wrt
        if self.device is not None and not numpy_out:
            inputs = self.tp.to_device(inputs, self.device)
        return Call(self.tp.value_and_grad(lambda *a: loss(np, *a), argnums=argnums), inputs)
