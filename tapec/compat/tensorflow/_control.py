"""Compiled functions, loops and branches, in TensorFlow's conventions."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import tapec as tp
from tapec.compat.tensorflow._conversion import operand
from tapec.structure import map_leaves


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Any = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
) -> Any:
    """`tp.function`, whose results are tensors here.

    Only `func` says anything to tapec: it specialises by the arguments that come, records Python's own control flow,
    and always compiles. Python's floats become float32 tensors.
    """
    if func is None:
        return function
    compiled = tp.function(func)

    @wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = map_leaves(lambda leaf: operand(leaf) if type(leaf) is float else leaf, (args, kwargs))
        return map_leaves(lambda leaf: leaf if leaf is None else operand(leaf), compiled(*given[0], **given[1]))

    return call


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any], name: str | None = None) -> Any:
    """`tp.cond`."""
    return tp.cond(pred, true_fn, false_fn)


def while_loop(cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, *, name: str | None = None) -> Any:
    """`tp.while_loop`, whose functions take what the loop carries as one argument each."""
    kind = type(loop_vars)
    start = kind([operand(v) if isinstance(v, bool | int | float) else v for v in loop_vars])
    return tp.while_loop(lambda carry: cond(*carry), lambda carry: kind(body(*carry)), start)


def scan(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any, reverse: bool = False) -> Any:
    """`tp.scan`, of which every state is returned."""

    def step(state: Any, element: Any) -> tuple[Any, Any]:
        after = fn(state, element)
        return after, after

    return tp.scan(step, map_leaves(operand, initializer), map_leaves(operand, elems), reverse=reverse)[1]


def vectorized_map(fn: Callable[[Any], Any], elems: Any) -> Any:
    """`tp.vmap` of a function, at once on tensors."""
    return map_leaves(operand, tp.vmap(fn)(map_leaves(operand, elems)))
