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
from tapec.recording import ACTIVE, active
from tapec.spaces import Space
from tapec.structure import flatten, leaf_paths, unflatten
from tapec.tape_recorder import TapeRecorder
from tapec.tensor import Tensor


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


def trace(python: Callable[..., Any], args: tuple[Any, ...], *, lasting: bool = False) -> Traced:
    """Runs `python` on copies of the arguments, so that what it reaches by another way is a constant.

    Tensors and Variables of floating dtype are what is differentiated by; Variables are passed as their values.

    Args:
        python: the function.
        args: its arguments.
        lasting: whether derivatives will be taken of arrays that compiled code kept of the run.

    Raises:
        IntegerInputError: no argument holds floating numbers.
    """
    leaves, structure = flatten(args)
    recorder = TapeRecorder(watch_accessed_variables=False)
    sources: list[int] = []
    types = []
    for i, leaf in enumerate(leaves):
        if isinstance(leaf, Tensor) or hasattr(type(leaf), "__tapec_tensor__"):
            leaves[i] = copied(lift(leaf))
        floating = isinstance(leaves[i], Tensor) and leaves[i].dtype.kind == "f"
        types.append(leaves[i].type if floating else None)
        if floating:
            sources.append(recorder.watch(leaves[i]))
    if not sources:
        names = ", ".join(argument_name(python, i) for i in range(len(args)))
        raise IntegerInputError(
            f"{function_name(python)} has no argument to differentiate by: {names or 'no arguments'}, without floating "
            "numbers; integers are none (.astype(np.float64), or 2.0 for 2)"
        )
    before, ACTIVE.lasting = ACTIVE.lasting, lasting or ACTIVE.lasting
    try:
        with active(recorder):
            result = python(*unflatten(structure, leaves))
    finally:
        ACTIVE.lasting = before
    outputs, out_structure = flatten(result)
    lifted = [lift(y) if isinstance(y, (Tensor, np.ndarray, np.generic, float)) else None for y in outputs]
    floats = [y if y is not None and y.dtype.kind == "f" else None for y in lifted]
    return Traced(
        recorder,
        result,
        Space(structure, tuple(types)),
        sources,
        Space(out_structure, tuple([None if y is None else y.type for y in floats])),
        [recorder.place(y) for y in floats if y is not None],
    )


def paths(space: Space, name: str) -> list[str]:
    """How messages name the leaves that have derivatives."""
    return [path for path, kind in zip(leaf_paths(space.structure, name), space.types, strict=True) if kind is not None]
