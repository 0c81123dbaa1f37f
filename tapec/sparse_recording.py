"""Recordings whose derivative has a sparsity pattern: one matrix for all results and all arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tapec.argnums import Argnums, select_arguments
from tapec.argument_names import function_name
from tapec.dispatch import apply, cast, lift
from tapec.errors import DTypeError
from tapec.ops import elementwise as ew
from tapec.recording import ACTIVE, active
from tapec.structure import flatten, leaf_paths
from tapec.structure_recorder import StructureRecorder
from tapec.tape_recorder import TapeRecorder
from tapec.tensor import Tensor, make


@dataclass(frozen=True, slots=True, eq=False)
class SparseRecording:
    """One run of a function.

    Attributes:
        recorder: what it recorded.
        sources: tensors that it is differentiated by; the matrix's columns are their elements, one after another.
        places: their places.
        targets: floating tensors among the results; the matrix's rows are their elements, one after another.
    """

    recorder: TapeRecorder
    sources: list[Tensor]
    places: list[int]
    targets: list[Tensor]

    def pattern(self) -> Any:
        """The pattern as a boolean `csr_array` with sorted indices.

        Where it rests on the elements of arrays (indices, zeros of a matrix), whoever records hears of a comparison
        with them, so that compiled code notices when they change.

        Raises:
            DensePatternError: it does not fit in memory.
        """
        from tapec.passes.index_sets import empty, stack
        from tapec.passes.sparsity import Known, sparsity

        recorded = self.recorder.graph()
        tensors = {recorded.values[place]: tensor for place, tensor in self.recorder.kept.items()}
        known = {value: Known(tensor._array, value) for value, tensor in tensors.items()}
        places = [self.recorder.place(target) for target in self.targets]
        wrt = [recorded.values[place] for place in self.places]
        found = sparsity(recorded.graph, [recorded.values[place] for place in places if place is not None], wrt, known)
        for value in found.read:
            _observe(tensors[value])
        width, sets = sum([source.size for source in self.sources]), iter(found.sets)
        rows = []
        for target, place in zip(self.targets, places, strict=True):
            of_target = None if place is None else next(sets)
            rows.append(empty(target.size, width) if of_target is None else of_target)
        return stack(rows) if rows else empty(0, width)


def record_sparse(
    python: Callable[..., Any], argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> SparseRecording:
    """Runs `python` on arguments as a recording sees them.

    Raises:
        ArgumentError, IntegerInputError: see `select_arguments`.
        DTypeError: a result is an array of integers or booleans.
    """
    call = select_arguments(python, argnums, args, kwargs, variables=False)
    recorder = StructureRecorder(watch_accessed_variables=False)
    sources = [source for argument in call.selected for source in argument.sources]
    places = [recorder.watch(source) for source in sources]
    before, ACTIVE.lasting = ACTIVE.lasting, True  # custom derivatives as graphs, whose patterns can be found
    try:
        with active(recorder):
            result = python(*call.args, **call.kwargs)
    finally:
        ACTIVE.lasting = before
    leaves, structure = flatten(result)
    targets = []
    for leaf, name in zip(leaves, leaf_paths(structure, "the result"), strict=True):
        if isinstance(leaf, Tensor | np.ndarray | np.generic | int | float) and not isinstance(leaf, bool):
            target = lift(leaf)
            if target.dtype.kind != "f":
                raise DTypeError(
                    f"{function_name(python)} is differentiated, but {name} is {target.dtype}: it must be floating"
                )
            targets.append(target)
    return SparseRecording(recorder, sources, places, targets)


def _observe(tensor: Tensor) -> None:
    """Python branches on the indices, or on the zeros of the matrix, in `tensor`.

    By a checksum, which tells one array from another in any recording, and then by all elements, which decides.
    """
    zero = make(np.zeros((), tensor.dtype), literal=True)
    numbers = cast(apply(ew.eq, (tensor, zero)) if tensor.dtype.kind == "f" else tensor, np.dtype(np.int64))
    if numbers.size:
        weights = np.random.default_rng(0).integers(-(2**63), 2**63, numbers.shape, np.int64)
        int(np.sum(apply(ew.mul, (numbers, make(weights)))))
        bool(np.all(apply(ew.eq, (numbers, make(np.array(numbers._array))))))
