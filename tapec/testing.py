"""Checking derivatives against finite differences, for tests of programs and of tapec itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapec.dispatch import lift
from tapec.recording import active
from tapec.runtime.device_array import on_host
from tapec.structure import flatten
from tapec.structure_recorder import StructureRecorder
from tapec.tape import GradientTape
from tapec.tape_derivatives import tangent_plan
from tapec.tensor import Tensor, make
from tapec.wrong_derivative import wrong_op

_Function = Callable[..., Any]


def check_grads(
    fn: _Function,
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = ("forward", "reverse"),
    rtol: float = 1e-6,
    atol: float = 1e-6,
    step: float = 1e-5,
) -> None:
    """Compares the derivatives of `fn` at `args` with central differences in float64, element by element.

    For order 2 the derivatives, contracted with fixed random numbers, are checked as functions themselves: with two
    modes these are forward over reverse, reverse over forward, and each over itself.

    Args:
        fn: takes tensors, and returns a tensor or nested containers of tensors.
        args: arrays of float64. `fn` must be smooth around them.
        order: highest order of derivative, 1 or more.
        modes: `"forward"`, `"reverse"` or both.
        rtol: allowed error, relative to the finite difference.
        atol: allowed absolute error.
        step: distance of the two points of a difference, halved.

    Raises:
        AssertionError: a derivative is wrong; the message names mode, order, argument and index, and the op with the
            user's line: the first one whose own derivative is wrong, or custom rules if no other op's is.
        ValueError: a mode is unknown.

    >>> from tapec.dispatch import apply
    >>> from tapec.ops import elementwise as ew
    >>> check_grads(lambda x: apply(ew.sin, (x,)), [np.array([0.5, 1.0])])
    """
    for mode in modes:
        if mode not in ("forward", "reverse"):
            raise ValueError(f"modes are 'forward' and 'reverse', got {mode!r}")
    tensors = [make(np.array(arg, np.float64)) for arg in args]
    tolerance = (rtol, atol, step)

    def is_right(op: _Function, operands: list[Tensor]) -> bool:
        try:
            _check(op, operands, order, modes, tolerance, "", np.random.default_rng(0))
        except AssertionError:
            return False
        return True

    try:
        _check(fn, tensors, order, modes, tolerance, "", np.random.default_rng(0))
    except AssertionError as error:
        culprit = wrong_op(lambda *at: _outputs(fn, at), tensors, is_right)
        raise AssertionError(f"{error}; {culprit} is wrong" if culprit else str(error)) from None


def _check(
    fn: _Function,
    args: list[Tensor],
    order: int,
    modes: Sequence[str],
    tolerance: tuple[float, float, float],
    path: str,
    random: np.random.Generator,
) -> None:
    outputs = _outputs(fn, args)
    weights = [random.uniform(0.5, 1.5, t.shape) for t in outputs]
    expected = [_differences(fn, args, i, weights, tolerance[2]) for i in range(len(args))]
    for mode in modes:
        name = f"{path}{mode}"
        found = _reverse(fn, args, weights) if mode == "reverse" else _forward(fn, args, weights)
        for i, (wanted, got) in enumerate(zip(expected, found, strict=True)):
            _compare(wanted, got, f"{name}: argument {i}", tolerance)
        if order > 1:
            directions = [make(random.uniform(0.5, 1.5, t.shape)) for t in args]
            _check(
                _gradient_of(fn, weights) if mode == "reverse" else _tangent_of(fn, directions),
                args,
                order - 1,
                modes,
                tolerance,
                f"{name}, then ",
                random,
            )


def _outputs(fn: _Function, args: Sequence[Tensor]) -> list[Tensor]:
    """The numbers that `fn` returns; what it computes from nothing but its own arrays need not be a tensor."""
    return [lift(y) for y in flatten(fn(*args))[0]]


def _compare(wanted: np.ndarray[Any, Any], got: np.ndarray[Any, Any], what: str, tolerance: Sequence[float]) -> None:
    if got.shape != wanted.shape:
        raise AssertionError(f"{what}: the derivative has shape {got.shape}, the argument has {wanted.shape}")
    wrong = ~(np.abs(got - wanted) <= tolerance[1] + tolerance[0] * np.abs(wanted))
    if wrong.any():
        index = tuple([int(n) for n in np.argwhere(wrong)[0]])
        raise AssertionError(
            f"{what}, index {index}: the derivative is {got[index]!r}, finite differences give {wanted[index]!r}"
        )


def _differences(
    fn: _Function, args: list[Tensor], position: int, weights: list[np.ndarray[Any, Any]], step: float
) -> np.ndarray[Any, Any]:
    """Central differences of the weighted sum of all outputs in every element of one argument."""

    def total(array: np.ndarray[Any, Any]) -> float:
        outputs = _outputs(fn, [*args[:position], make(array), *args[position + 1 :]])
        return float(sum(np.sum(w * t._array) for w, t in zip(weights, outputs, strict=True)))

    array = on_host(args[position]._array)
    result = np.zeros(array.shape)
    for index in np.ndindex(array.shape):
        above, below = array.copy(), array.copy()
        above[index] += step
        below[index] -= step
        result[index] = (total(above) - total(below)) / (above[index] - below[index])
    return result


def _gradient_of(fn: _Function, weights: list[np.ndarray[Any, Any]]) -> _Function:
    """The function that gives the gradients of the weighted sum of `fn`'s outputs."""

    def gradient(*args: Tensor) -> list[Tensor]:
        with GradientTape() as tape:
            tape.watch(list(args))
            outputs = _outputs(fn, args)
        cotangents = [make(w) for w in weights]
        return tape.gradient(outputs, list(args), cotangents, "zero")  # type: ignore[no-any-return]

    return gradient


def _tangent_of(fn: _Function, directions: list[Tensor]) -> _Function:
    """The function that gives the tangents of `fn`'s outputs along `directions`."""

    def tangent(*args: Tensor) -> list[Tensor]:
        recorder = StructureRecorder(watch_accessed_variables=False)
        sources = [recorder.watch(arg) for arg in args]
        with active(recorder):
            outputs = _outputs(fn, args)
        places = [recorder.place(t) for t in outputs]
        plan = tangent_plan(recorder, [p for p in places if p is not None], sources)
        found = iter(plan.run(recorder, list(directions), release=False))
        tangents = [None if place is None else next(found) for place in places]
        return [make(np.zeros(y.shape)) if t is None else t for t, y in zip(tangents, outputs, strict=True)]

    return tangent


def _reverse(fn: _Function, args: list[Tensor], weights: list[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
    return [t._array for t in _gradient_of(fn, weights)(*args)]


def _forward(fn: _Function, args: list[Tensor], weights: list[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
    """The gradient of the weighted sum, one element at a time from the tangents along the axes."""
    gradients = []
    for position, arg in enumerate(args):
        gradient = np.zeros(arg.shape)
        for index in np.ndindex(arg.shape):
            directions = [np.zeros(t.shape) for t in args]
            directions[position][index] = 1.0
            tangents = _tangent_of(fn, [make(d) for d in directions])(*args)
            gradient[index] = sum(np.sum(w * t._array) for w, t in zip(weights, tangents, strict=True))
        gradients.append(gradient)
    return gradients
