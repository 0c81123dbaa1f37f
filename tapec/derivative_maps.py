"""`tp.jvp`, `tp.linearize` and `tp.vjp`: derivatives at a point along given directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapec.derivative_graphs import pullback, pushforward
from tapec.forward_recorder import ForwardRecorder
from tapec.linear_map import LinearProgram, Pullback, Pushforward
from tapec.repeated import repeated
from tapec.structure import settled
from tapec.traced import codomain_of, independent, trace


def jvp(python: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The value of a function and its derivative along `tangents` (forward mode, a Jacobian-vector product).

    The function is run op by op the first time and compiled when it is given again.

    Args:
        python: the function.
        primals: its arguments, in a tuple; anything but a tuple is the only argument.
        tangents: the direction, structured and shaped as `primals`; None for zeros, and for leaves that are no floats.

    Returns:
        What the function returned and its tangent in the same structure; members of the result that are no floats have
        None as their tangent.

    Raises:
        ValueError: `tangents` has other containers than `primals`.
        ShapeError: a tangent has another shape than its primal.
        IntegerInputError: there is no floating number among the primals.

    >>> import numpy as np, tapec as tp
    >>> tp.jvp(np.sin, 0.0, 2.0)
    (np.float64(0.0), np.float64(2.0))
    >>> tp.jvp(lambda x, y: x * y, (3.0, np.array([1.0, 2.0])), (1.0, None))
    (array([3., 6.]), array([1., 2.]))
    """
    result, tangent = repeated(push, python, *as_arguments(primals, tangents))
    return result, tangent


def as_arguments(primals: Any, tangents: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Both as tuples of one entry per argument."""
    if isinstance(primals, tuple):
        return primals, tangents
    return (primals,), (tangents,)


def push(python: Callable[..., Any], primals: tuple[Any, ...], tangents: Any) -> tuple[Any, Any]:
    """`jvp` on what a recording sees.

    Each tangent is computed right behind its primal, so that compiled code computes both in one loop and keeps neither
    for longer than the other.
    """
    given = independent(python, primals)
    recorder = ForwardRecorder(strict=True)
    for source, tangent in zip(given.sources, given.domain.some(tangents, "tangents", "the primals"), strict=True):
        if tangent is not None:
            recorder.watch(source, tangent)
    with recorder.entered():
        result = settled(python(*given.args))
    codomain, targets = codomain_of(result)
    return result, codomain.filled([recorder.tangent(y) for y in targets])


def linearize(python: Callable[..., Any], *primals: Any) -> tuple[Any, Pushforward]:
    """The value of a function and its derivative there, a linear function that does not run `python` again.

    What the linear function needs of the run is kept as arrays, so that each call costs the tangent alone; it is
    compiled when it is called again, and `python` when it is linearized again.

    Args:
        python: the function.
        primals: its arguments.

    Returns:
        What the function returned, and a function that takes a tangent for each argument and gives that of the result.

    Raises:
        IntegerInputError: there is no floating number among the primals.

    >>> import numpy as np, tapec as tp
    >>> y, derivative = tp.linearize(np.square, np.array([1.0, 3.0]))
    >>> derivative(np.array([1.0, 0.0])), derivative(np.array([0.0, 1.0]))
    (array([2., 0.]), array([0., 6.]))
    """
    result, program, residuals = repeated(_linearize, python, *primals)
    return result, Pushforward(program, residuals)


def _linearize(python: Callable[..., Any], *primals: Any) -> tuple[Any, LinearProgram, list[Any]]:
    traced = trace(python, primals)
    made = pushforward(traced.recorder, [p for p in traced.targets if p is not None], traced.sources)
    given = iter(made.connected)
    connected = [p is not None and next(given) for p in traced.targets]
    used = [True] * len(traced.sources)
    program = LinearProgram(made.program, traced.domain, used, traced.codomain, connected, "tangents", "the primals")
    return traced.result, program, made.residuals


def vjp(python: Callable[..., Any], *primals: Any) -> tuple[Any, Pullback]:
    """The value of a function and its pullback there (reverse mode, a vector-Jacobian product).

    What the pullback needs of the run is kept as arrays. It may be called any number of times; it is compiled when it
    is called again, and `python` when it is given again.

    Args:
        python: the function.
        primals: its arguments.

    Returns:
        What the function returned, and a function from a cotangent of that, in the same structure, to a tuple of
        cotangents of the arguments, in theirs. Members that are no floats have None as their cotangent.

    Raises:
        IntegerInputError: there is no floating number among the primals.

    >>> import numpy as np, tapec as tp
    >>> y, pullback = tp.vjp(lambda x, w: x * w, np.array([1.0, 2.0]), 3.0)
    >>> pullback(np.array([1.0, 1.0]))
    (array([3., 3.]), np.float64(3.0))
    """
    result, program, residuals = repeated(_vjp, python, *primals)
    return result, Pullback(program, residuals)


def _vjp(python: Callable[..., Any], *primals: Any) -> tuple[Any, LinearProgram, list[Any]]:
    traced = trace(python, primals)
    made = pullback(traced.recorder, [p for p in traced.targets if p is not None], traced.sources)
    used = [p is not None for p in traced.targets]
    program = LinearProgram(
        made.program, traced.codomain, used, traced.domain, made.connected, "cotangent", "the result"
    )
    return traced.result, program, made.residuals
