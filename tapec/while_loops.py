"""`tp.while_loop`: a loop whose number of rounds the data decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapec.bodies import Carry, imagined, runs_eagerly
from tapec.body_recorder import BodyRecorder
from tapec.dispatch import lift, located
from tapec.errors import ConditionError
from tapec.segments import check_option, run_while
from tapec.tensor import Tensor


def while_loop(
    cond_fn: Callable[[Any], Any], body_fn: Callable[[Any], Any], init: Any, *, checkpoint: bool | int = False
) -> Any:
    """Runs `body_fn` as long as `cond_fn` says; as `jax.lax.while_loop`.

    It differentiates in both modes, to any order: the number of rounds is taken as it is. For reverse mode
    the loop keeps what the derivative of each round reads, in memory that grows with the number of rounds and is given
    back at the end of the backward loop; `checkpoint` bounds it.

    Args:
        cond_fn: `carry -> boolean scalar`.
        body_fn: `carry -> new carry`.
        init: as for `tp.scan`.
        checkpoint: keep for reverse mode only the carries with which segments of so many rounds begin, and compute the
            rest again, one segment at a time: memory for time, with the same bits. With True each segment is one round
            longer than the one before, so that memory grows with the square root of the number of rounds.

    Returns:
        The first carry for which `cond_fn` is False.

    Raises:
        ArgumentError: `checkpoint` is neither a bool nor a positive integer.
        ConditionError: `cond_fn` does not give a boolean scalar.
        CarryError, BodyValueError: as `tp.scan`.
        MemoryError: when a gradient is asked for, if there is no memory for what the backward loop reads.

    >>> import numpy as np, tapec as tp
    >>> tp.while_loop(lambda x: x < 100.0, lambda x: x * x, 3.0).item()
    6561.0
    >>> tp.grad(lambda a: tp.while_loop(lambda x: x < 100.0, lambda x: x * x, a))(3.0)  # of a ** 8
    np.float64(17496.0)
    """
    check_option("tp.while_loop", checkpoint)
    carry = Carry("tp.while_loop", init, body_fn)
    if runs_eagerly():
        tensors = carry.tensors
        while _condition(cond_fn(carry.tree(tensors))):
            tensors = carry.advance(body_fn(carry.tree(tensors)))
        return carry.tree(tensors)
    test = BodyRecorder("tp.while_loop", hoist=True)
    with test.recording():
        goes_on = _condition(cond_fn(carry.tree([test.add_input(t) for t in carry.tensors])))
        test.finish([goes_on])
    loop = BodyRecorder("tp.while_loop", hoist=True)
    with imagined(not goes_on._array), loop.recording():
        after = carry.advance(body_fn(carry.tree([loop.add_input(t) for t in carry.tensors])))
        loop.finish(after)
    consts = list({t._serial: t for t in [*test.captured, *loop.captured]}.values())
    if not carry.tensors:
        raise located(ConditionError("tp.while_loop carries no tensor, so that its condition could never change"))
    return carry.tree(run_while(test.region(consts), loop.region(consts), consts, carry.tensors, checkpoint))


def _condition(value: Any) -> Tensor:
    tensor = lift(value)
    if tensor.shape or tensor.dtype.kind != "b":
        raise located(
            ConditionError(
                f"tp.while_loop: the condition must be a boolean scalar, got {tensor.type!r}; compare, or reduce with "
                "np.any or np.all"
            )
        )
    return tensor
