"""`ForwardAccumulator`: tangents beside the values of a `with` block, as they are computed, like TensorFlow's class."""

from __future__ import annotations

from contextlib import nullcontext
from types import TracebackType
from typing import Any, final

from tapec.dispatch import cast, lift, located
from tapec.errors import ShapeError
from tapec.forward_recorder import ForwardRecorder
from tapec.ir.dtypes import FLOATS
from tapec.recording import ACTIVE, uncover
from tapec.spaces import zeros
from tapec.structure import leaves_like, map_leaves, settled
from tapec.tape_arguments import UnconnectedGradients, leaves_of, unconnected, warn
from tapec.tensor import Tensor
from tapec.variable import Variable


@final
class ForwardAccumulator:
    """Computes derivatives along one direction (Jacobian-vector products) while the ops of its block run.

    Nothing is kept for later: a tangent lives as long as its tensor. Tapes and accumulators that were entered before
    this one record what it computes, so that they may be nested in any order.

    Args:
        primals: a tensor or Variable, or nested containers of them: what is differentiated by.
        tangents: the direction, in the same containers and shapes.
        strict: raise `LostDerivativeError` where a value that has a tangent leaves for plain Python (`float(t)`,
            `np.array([t])`), from where it comes back without.

    Raises:
        ValueError: the containers differ, or a primal is given twice.
        TypeError: a primal is no tensor and no Variable.
        ShapeError: a tangent has another shape than its primal.

    >>> import tapec as tp
    >>> x = tp.constant([1.0, 3.0])
    >>> with tp.ForwardAccumulator(x, [1.0, 0.0]) as acc:
    ...     y = x * x
    >>> acc.jvp(y).tolist()
    [2.0, 0.0]
    """

    def __init__(self, primals: Any, tangents: Any, *, strict: bool = False) -> None:
        self._recorder = ForwardRecorder(strict)
        leaves, structure = leaves_of(primals, "primals")
        seen: set[int] = set()
        for primal, tangent in zip(leaves, leaves_like(tangents, structure, "tangents", "the primals"), strict=True):
            if id(primal) in seen:
                raise ValueError(
                    f"{primal!r} was specified as a primal multiple times. This may indicate an error. If it was "
                    "intended, please sum the corresponding tangents."
                )
            seen.add(id(primal))
            self._watch(primal, tangent)

    def _watch(self, primal: Tensor | Variable, tangent: Any) -> None:
        if primal.dtype.kind not in FLOATS:
            warn(f"The dtype of the watched primal must be floating (e.g. float32), got {primal.dtype}")
            return
        direction = cast(lift(tangent, primal.dtype), primal.dtype)
        if direction.shape != primal.shape:
            raise located(ShapeError(f"the primal has shape {primal.shape}, its tangent has shape {direction.shape}"))
        self._recorder.watch(primal, direction)

    def __enter__(self) -> ForwardAccumulator:
        """Starts, or goes on, following the ops of this thread.

        Raises:
            ValueError: it does so already.
        """
        if self._recorder in ACTIVE.recorders:
            raise ValueError("Accumulator is already recording.")
        self._recorder.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops following."""
        self._recorder.leave()
        uncover(error)

    def jvp(self, primals: Any, unconnected_gradients: str | UnconnectedGradients = UnconnectedGradients.NONE) -> Any:
        """The tangents of what was computed.

        Args:
            primals: a tensor or Variable, or nested containers of them.
            unconnected_gradients: `"none"` or `"zero"`: what stands for one that does not depend on what is
                differentiated by.

        Returns:
            Tangents in the same containers, each with shape and dtype of its primal.

        Raises:
            TypeError: a primal is no tensor and no Variable.
            ValueError: `unconnected_gradients` is not one of those above.
        """
        zero = unconnected(unconnected_gradients) is UnconnectedGradients.ZERO
        with nullcontext() if self._recorder in ACTIVE.recorders else self._recorder.entered():
            primals = settled(primals)  # views are read while the recorder listens
        leaves_of(primals, "primals")

        def tangent(primal: Tensor | Variable) -> Tensor | None:
            found = self._recorder.tangent(primal)
            return zeros(primal.type) if found is None and zero else found

        return map_leaves(tangent, primals)
