"""A function run on given arguments with a recording of what depends on them: where derivatives of functions start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tapec.argnums import copied
from tapec.argument_names import argument_name, function_name
from tapec.dispatch import lift
from tapec.errors import IntegerInputError
from tapec.ir.dtypes import FLOATS
from tapec.recording import ACTIVE, active
from tapec.sharing_recorder import run_recorder
from tapec.spaces import Space
from tapec.structure import flatten, settled, unflatten
from tapec.tape_recorder import TapeRecorder
from tapec.tensor import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Independent:
    """Copies of arguments, so that what a function reaches by another way is a constant.

    Attributes:
        args: the arguments.
        sources: tensors among them that are differentiated by.
        domain: the space of their tangents.
    """

    args: tuple[Any, ...]
    sources: list[Tensor]
    domain: Space


def independent(python: Callable[..., Any], args: tuple[Any, ...]) -> Independent:
    """Arguments to differentiate `python` at. Variables are replaced by their values.

    Raises:
        IntegerInputError: no argument holds floating numbers.
    """
    leaves, structure = flatten(args)
    leaves = [
        copied(lift(leaf)) if isinstance(leaf, Tensor) or hasattr(type(leaf), "__tapec_tensor__") else leaf
        for leaf in leaves
    ]
    floating = [isinstance(leaf, Tensor) and leaf.dtype.kind in FLOATS for leaf in leaves]
    if not any(floating):
        names = ", ".join(argument_name(python, i) for i in range(len(args)))
        raise IntegerInputError(
            f"{function_name(python)} has no argument to differentiate by: {names or 'no arguments'}, without floating "
            "numbers; integers are none (.astype(np.float64), or 2.0 for 2)"
        )
    types = tuple([leaf.type if moves else None for leaf, moves in zip(leaves, floating, strict=True)])
    sources = [leaf for leaf, moves in zip(leaves, floating, strict=True) if moves]
    return Independent(unflatten(structure, leaves), sources, Space(structure, types))


def codomain_of(result: Any) -> tuple[Space, list[Tensor]]:
    """The space of tangents of what a function returned, and the tensors in it that have one."""
    leaves, structure = flatten(result)
    lifted = [lift(y) if isinstance(y, (Tensor, np.ndarray, np.generic, float)) else None for y in leaves]
    floats = [y if y is not None and y.dtype.kind in FLOATS else None for y in lifted]
    space = Space(structure, tuple([None if y is None else y.type for y in floats]))
    return space, [y for y in floats if y is not None]


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """What `trace` finds.

    Attributes:
        recorder: the recording.
        result: what the function returned.
        domain: the space of tangents of the arguments.
        sources: the places of the leaves that it has derivatives for.
        codomain: the space of tangents of the results.
        targets: the places of the leaves that it has derivatives for; None for those that depend on no source.
    """

    recorder: TapeRecorder
    result: Any
    domain: Space
    sources: list[int]
    codomain: Space
    targets: list[int | None]


def trace(python: Callable[..., Any], args: tuple[Any, ...]) -> Traced:
    """Runs `python` on copies of the arguments and records it.

    Derivatives may be taken of arrays that compiled code has kept of the run.

    Raises:
        IntegerInputError: no argument holds floating numbers.
    """
    given = independent(python, args)
    recorder = run_recorder()
    sources = [recorder.watch(source) for source in given.sources]
    before, ACTIVE.lasting = ACTIVE.lasting, True
    try:
        with active(recorder):
            result = settled(python(*given.args))
    finally:
        ACTIVE.lasting = before
    codomain, targets = codomain_of(result)
    return Traced(recorder, result, given.domain, sources, codomain, [recorder.place(y) for y in targets])
