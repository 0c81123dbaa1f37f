"""Loops as ops: `tp.scan` and `tp.fori_loop`; `tp.while_loop` has a module of its own.

Their bodies are recorded once, on the values of the first round, and become regions of one op. Tensors, arrays and
Variables that a body reaches by itself are read once, before the loop, and stay differentiable.

Under `tp.eager()` they are plain Python loops, op by op. Values are the same to the last bit; a gradient may differ in
its last digits, since the adjoint of a Python loop adds what a tensor receives from several places in another order;
and `checkpoint` says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapec.bodies import Carry, imagined, runs_eagerly, take_apart
from tapec.body_recorder import BodyRecorder
from tapec.dispatch import apply, cast, lift, located
from tapec.errors import ArgumentError, DTypeError, ShapeError
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.segments import check_option, run_scan
from tapec.tensor import Tensor, make
from tapec.while_loops import while_loop


def scan(
    fn: Callable[[Any, Any], Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    *,
    checkpoint: bool | int = False,
) -> tuple[Any, Any]:
    """Runs `fn` over the first axis of `xs`, with a carry from round to round; as `jax.lax.scan`.

    Args:
        fn: `(carry, x) -> (new carry, y)`. It is recorded once, so Python in it must not branch on values.
        init: the first carry: a tensor, or nested containers of tensors. A Python number takes the dtype that it has
            after the first round.
        xs: a tensor, or nested containers of tensors, of one first extent; each round gets one slice. Or None.
        length: number of rounds; needed if there are no xs.
        reverse: begin with the last slice. The ys stay at the places of their slices.
        checkpoint: keep for reverse mode only the carries with which segments of so many rounds begin, and compute the
            rest again, one segment at a time: memory for time, with the same bits. True takes about as many segments as
            each has rounds, so that memory grows with the square root of their number.

    Returns:
        The last carry, and the ys of all rounds stacked along a new first axis.

    Raises:
        ShapeError: the first extents of `xs` differ from each other or from `length`.
        CarryError: the carry changes its structure, shape or dtype.
        BodyValueError: Python asks for a value inside `fn`.
        ArgumentError: there are neither xs nor a length, `fn` does not return a pair, or `checkpoint` is neither a bool
            nor a positive integer.

    >>> import numpy as np, tapec as tp
    >>> last, sums = tp.scan(lambda total, x: (total + x, total + x), 0.0, np.array([1.0, 2.0, 4.0]))
    >>> sums.numpy()
    array([1., 3., 7.])
    """
    check_option("tp.scan", checkpoint)
    slices, layout = take_apart(xs)
    rounds = _rounds(slices, layout.paths("xs"), length)

    def step(carry_tree: Any, x: list[Tensor]) -> tuple[Any, Any]:
        result = fn(carry_tree, layout.rebuild(x))
        if type(result) is not tuple or len(result) != 2:
            raise located(
                ArgumentError(f"tp.scan: the function must return a pair (carry, y), got {type(result).__name__}")
            )
        return result

    first = 0 if not reverse else rounds - 1
    sample = [make(t._array[first] if rounds else np.zeros(t.shape[1:], t.dtype)) for t in slices]
    carry = Carry("tp.scan", init, lambda tree: step(tree, sample)[0])
    if runs_eagerly() and rounds:
        return _scan_eagerly(step, carry, slices, rounds, reverse)
    recorder = BodyRecorder("tp.scan", hoist=True)
    with imagined(rounds == 0), recorder.recording():
        inputs = [recorder.add_input(t) for t in carry.tensors]
        state, y = step(carry.tree(inputs), [recorder.add_input(t) for t in sample])
        after = carry.advance(state)
        ys, y_layout = take_apart(y)
        ys = [cast(t, t.dtype) for t in ys]
        recorder.finish([*after, *ys])
    consts = recorder.captured
    attributes = {"consts": len(consts), "carries": len(after), "length": rounds, "reverse": bool(reverse)}
    region = recorder.region(consts)
    if not region.inputs or not region.outputs:  # nothing goes in, or nothing comes out: there is nothing to loop over
        return carry.tree([]), y_layout.rebuild([_repeated(t, rounds) for t in ys])
    results = run_scan(region, (*consts, *carry.tensors, *slices), attributes, checkpoint)
    return carry.tree(results[: len(after)]), y_layout.rebuild(results[len(after) :])


def _rounds(slices: list[Tensor], paths: list[str], length: int | None) -> int:
    extents = {path: t.shape[0] if t.ndim else None for path, t in zip(paths, slices, strict=True)}
    if length is not None:
        extents["length"] = int(length)
    if not extents:
        raise located(ArgumentError("tp.scan needs xs, or the number of rounds as length"))
    found = set(extents.values())
    if len(found) > 1 or None in found or min(extents.values()) < 0:  # type: ignore[type-var, operator]
        shown = ", ".join([f"{path}: {'no axis' if n is None else n}" for path, n in extents.items()])
        raise located(ShapeError(f"tp.scan: the first extents must be one number of rounds, got {shown}"))
    return int(found.pop() or 0)


def _repeated(row: Tensor, rounds: int) -> Tensor:
    return apply(movement.broadcast, (row,), {"shape": (rounds, *row.shape)})


def _scan_eagerly(
    step: Callable[[Any, list[Tensor]], Any], carry: Carry, slices: list[Tensor], rounds: int, reverse: bool
) -> tuple[Any, Any]:
    tensors = carry.tensors
    rows: list[list[Tensor]] = []
    for i in reversed(range(rounds)) if reverse else range(rounds):
        state, y = step(carry.tree(tensors), [t[i] for t in slices])
        tensors = carry.advance(state)
        ys, layout = take_apart(y)
        rows.append([cast(t, t.dtype) for t in ys])
    if reverse:
        rows.reverse()
    return carry.tree(tensors), layout.rebuild([_stacked(column) for column in zip(*rows, strict=True)])


def _stacked(rows: tuple[Tensor, ...]) -> Tensor:
    wide = [apply(movement.reshape, (row,), {"shape": (1, *row.shape)}) for row in rows]
    return apply(movement.concat, tuple(wide), {"axis": 0})


def fori_loop(
    lower: Any, upper: Any, body: Callable[[Any, Any], Any], init: Any, *, checkpoint: bool | int = False
) -> Any:
    """Runs `body` for the integers from `lower` to `upper`, the last one excluded; as `jax.lax.fori_loop`.

    With Python integers as bounds it is a `tp.scan`, with tensors a `tp.while_loop`.

    Args:
        lower: first integer.
        upper: end.
        body: `(i, carry) -> new carry`, where `i` is an int64 scalar.
        init: as for `tp.scan`.
        checkpoint: as for `tp.scan` or `tp.while_loop`.

    Returns:
        The last carry.

    Raises:
        ArgumentError, CarryError, BodyValueError: as `tp.scan`.
        DTypeError: a bound is not an integer.

    >>> import numpy as np, tapec as tp
    >>> tp.fori_loop(0, 5, lambda i, total: total + i * i, 0).item()
    30
    """
    check_option("tp.fori_loop", checkpoint)
    if not isinstance(lower, int | np.integer) or not isinstance(upper, int | np.integer):
        return _while_below(_integer(lower), _integer(upper), body, init, checkpoint)
    rounds, start = max(int(upper) - int(lower), 0), make(np.array(int(lower), np.int64))
    carry = Carry("tp.fori_loop", init, lambda tree: body(start, tree))
    tensors = carry.tensors
    if runs_eagerly():
        for i in range(rounds):
            tensors = carry.advance(body(make(np.array(int(lower) + i, np.int64)), carry.tree(tensors)))
        return carry.tree(tensors)
    recorder = BodyRecorder("tp.fori_loop", hoist=True)
    with imagined(rounds == 0), recorder.recording():
        counter = recorder.add_input(start)
        after = carry.advance(body(counter, carry.tree([recorder.add_input(t) for t in tensors])))
        used = recorder.uses(counter) or any(t is counter for t in after)
        if used:
            after.insert(0, apply(ew.add, (counter, make(np.array(1, np.int64), literal=True))))
            tensors = [start, *tensors]
        recorder.finish(after)
    consts = recorder.captured
    if not tensors:
        return carry.tree([])
    attributes = {"consts": len(consts), "carries": len(after), "length": rounds, "reverse": False}
    region = recorder.region(consts, without=[] if used else [counter])
    results = run_scan(region, (*consts, *tensors), attributes, checkpoint)
    return carry.tree(results[1:] if used else results)


def _integer(bound: Any) -> Tensor:
    tensor = lift(bound)
    if tensor.shape or tensor.dtype.kind not in "iu":
        raise located(DTypeError(f"tp.fori_loop: bounds are integer scalars, got {tensor.type!r}"))
    return cast(tensor, np.dtype(np.int64))


def _while_below(
    lower: Tensor, upper: Tensor, body: Callable[[Any, Any], Any], init: Any, checkpoint: bool | int
) -> Any:
    def advance(state: tuple[Any, Any]) -> tuple[Any, Any]:
        return state[0] + 1, body(state[0], state[1])

    return while_loop(lambda state: state[0] < upper, advance, (lower, init), checkpoint=checkpoint)[1]
