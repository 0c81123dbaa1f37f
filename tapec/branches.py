"""Branches as ops: `tp.cond` and `tp.switch`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapec.bodies import Layout, imagined, runs_eagerly, take_apart
from tapec.body_recorder import BodyRecorder
from tapec.dispatch import apply_control, cast, common_dtype, lift, located
from tapec.errors import ArgumentError, BranchError, ConditionError
from tapec.ops import control
from tapec.tensor import Tensor


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], *operands: Any) -> Any:
    """`true_fn(*operands)` where `pred` holds, else `false_fn(*operands)`; the convention is that of `jax.lax.cond`.

    Both functions are recorded, on the present values, and one of them runs. Their results must have the same
    structure, shapes and dtypes; a Python number takes the dtype of the other branch's result.

    Args:
        pred: a boolean scalar. A Python bool just calls one of the functions.
        true_fn: a function of the operands; it may also read tensors that it reaches by itself.
        false_fn: the other one.
        operands: tensors, or nested containers of tensors.

    Raises:
        ConditionError: `pred` is no boolean scalar.
        BranchError: the results differ in structure, shape or dtype.
        BodyValueError: Python asks for a value inside a function.

    >>> import numpy as np, tapec as tp
    >>> @tp.grad
    ... def f(x):
    ...     return tp.cond(x > 1.0, np.sin, lambda x: x * x, x)
    >>> f(0.5)
    np.float64(1.0)
    """
    if isinstance(pred, bool | np.bool_):
        return (true_fn if pred else false_fn)(*operands)
    predicate = lift(pred)
    if predicate.shape or predicate.dtype.kind != "b":
        raise located(ConditionError(f"tp.cond: the predicate must be a boolean scalar, got {predicate.type!r}"))
    return _choose("tp.cond", predicate, (false_fn, true_fn), ("false_fn", "true_fn"), operands)


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """`branches[index](*operands)`, with `index` clamped into range; the convention is that of `jax.lax.switch`.

    Args:
        index: an integer scalar. A Python integer just calls one of the functions.
        branches: one function or more; see `tp.cond`.
        operands: tensors, or nested containers of tensors.

    Raises:
        ArgumentError: there are no branches.
        ConditionError: `index` is no integer scalar.
        BranchError, BodyValueError: as `tp.cond`.

    >>> import numpy as np, tapec as tp
    >>> tp.switch(tp.constant(1), [np.sin, np.negative, np.exp], 2.0).item()
    -2.0
    """
    if not branches:
        raise located(ArgumentError("tp.switch needs at least one branch"))
    if isinstance(index, int | np.integer) and not isinstance(index, bool):
        return branches[min(max(int(index), 0), len(branches) - 1)](*operands)
    number = lift(index)
    if number.shape or number.dtype.kind not in "iu":
        raise located(ConditionError(f"tp.switch: the index must be an integer scalar, got {number.type!r}"))
    names = [f"branches[{i}]" for i in range(len(branches))]
    return _choose("tp.switch", number, branches, names, operands)


def _choose(
    name: str,
    index: Tensor,
    branches: Sequence[Callable[..., Any]],
    names: Sequence[str],
    operands: tuple[Any, ...],
) -> Any:
    taken = min(max(int(index._array), 0), len(branches) - 1)
    tensors, layout = take_apart(operands)
    if runs_eagerly():
        results, result_layout = take_apart(branches[taken](*layout.rebuild(tensors)))
        if not any(t._weak for t in results):
            return result_layout.rebuild(results)
    traced = [_Branch(name, branch, tensors, layout, i == taken) for i, branch in enumerate(branches)]
    dtypes = _dtypes(name, traced, names)
    if runs_eagerly():
        return result_layout.rebuild([cast(t, d) for t, d in zip(results, dtypes, strict=True)])
    for branch in traced:
        branch.finish(dtypes)
    consts = list({t._serial: t for branch in traced for t in branch.recorder.captured}.values())
    regions = tuple([branch.recorder.region(consts) for branch in traced])
    if not dtypes:
        return traced[0].layout.rebuild([])
    found = apply_control(control.cond, (index, *consts, *tensors), {}, regions)
    return traced[0].layout.rebuild(found)


class _Branch:
    """One branch, recorded."""

    def __init__(
        self, name: str, branch: Callable[..., Any], tensors: list[Tensor], layout: Layout, taken: bool
    ) -> None:
        self.recorder = BodyRecorder(name, hoist=False)
        with imagined(not taken), self.recorder.recording():
            inputs = [self.recorder.add_input(t) for t in tensors]
            self.results, self.layout = take_apart(branch(*layout.rebuild(inputs)))

    def finish(self, dtypes: list[np.dtype[Any]]) -> None:
        """Gives the results these dtypes."""
        with self.recorder.recording():
            self.recorder.finish([cast(t, d) for t, d in zip(self.results, dtypes, strict=True)])


def _dtypes(name: str, traced: list[_Branch], names: Sequence[str]) -> list[np.dtype[Any]]:
    """The dtype of each result: what the branches agree on, Python numbers giving way."""
    first = traced[0]
    for branch, label in zip(traced, names, strict=True):
        if branch.layout != first.layout:
            shown = [f"{n} gives {_describe(b)}" for n, b in ((names[0], first), (label, branch))]
            raise located(BranchError(f"{name}: {shown[0]}, {shown[1]}; branches must return one structure"))
    dtypes = []
    for i, path in enumerate(first.layout.paths("result")):
        column = tuple([branch.results[i] for branch in traced])
        dtype = common_dtype(column)
        for tensor, label in zip(column, names, strict=True):
            if tensor.shape != column[0].shape or (tensor.dtype != dtype and not tensor._weak):
                pairs = zip(column, names, strict=True)
                other = next((t, n) for t, n in pairs if t.shape != tensor.shape or t.dtype == dtype)
                raise located(
                    BranchError(
                        f"{name}: {path} is {other[0].type!r} in {other[1]} and {tensor.type!r} in {label}; branches "
                        "must return the same shapes and dtypes: cast or reshape one"
                    )
                )
        dtypes.append(dtype)
    return dtypes


def _describe(branch: _Branch) -> str:
    container = branch.layout.structure.container
    return "one value" if container is None else f"a {container.__name__} of {len(branch.results)} tensors"
