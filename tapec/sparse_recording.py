"""Recordings whose derivative has a sparsity pattern: one matrix for all results and all arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np

from tapec.argnums import Argnums, select_arguments
from tapec.argument_names import function_name
from tapec.dispatch import apply, cast, lift
from tapec.errors import DTypeError
from tapec.ir.dtypes import FLOATS, promoted
from tapec.ops import elementwise as ew
from tapec.recording import ACTIVE, active
from tapec.replay import Program
from tapec.structure import flatten, leaf_paths, settled
from tapec.structure_recorder import StructureRecorder
from tapec.tape_recorder import TapeRecorder
from tapec.tensor import Tensor, make

if TYPE_CHECKING:
    from tapec.ir.graph import Value
    from tapec.passes.cut import Cut
    from tapec.passes.sparsity import Known


@final
class SparseRecording:
    """One run of a function, of which derivatives are wanted.

    Args:
        recorder: what it recorded.
        sources: tensors that it is differentiated by; the matrix's columns are their elements, one after another.
        places: their places.
        targets: floating tensors among the results; the matrix's rows are their elements, one after another.
    """

    def __init__(self, recorder: TapeRecorder, sources: list[Tensor], places: list[int], targets: list[Tensor]) -> None:
        from tapec.passes.graph_sections import leading_to
        from tapec.passes.write_out import WriteOut

        read = set(recorder.kept)
        recorded = recorder.graph()
        found = [None if (place := recorder.place(t)) is None else recorded.values[place] for t in targets]
        live = leading_to(recorded.graph, [value for value in found if value is not None])
        # One axis less for derivatives to put together again, and zeros among them that need not be computed.
        self.graph, where = WriteOut(differentiable=True).traced(live)
        values = {place: where[value] for place, value in recorded.values.items() if value in where}
        self._tensors = {v: tensor for place, tensor in recorder.kept.items() if (v := values.get(place))}
        self._read = {v: recorder.kept[place] for place in read if (v := values.get(place))}
        self._seen: set[Value] = set()  # by whoever records, in comparisons
        self._sizes = [target.size for target in targets]
        self.wrt = [values[place] for place in places]
        self.shape = sum(self._sizes), sum([source.size for source in sources])
        self._targets = [None if value is None else where[value] for value in found]
        self.dtype: np.dtype[Any] = promoted(*[t.dtype for t in targets]) if targets else np.dtype(np.float64)

    def tensors(self, values: Sequence[Value]) -> list[Tensor]:
        """The tensors of values of the graph; those that were not recorded in this form are computed, once."""
        missing = [value for value in dict.fromkeys(values) if value not in self._tensors]
        if missing:
            from tapec.passes.graph_sections import between

            section = between(self.graph, self._tensors, missing)
            made = Program(section).run([self._tensors[value] for value in section.inputs])
            self._tensors.update(zip(missing, made, strict=True))
        return [self._tensors[value] for value in values]

    @cached_property
    def whole(self) -> Cut:
        """The function as it is.

        Raises:
            DensePatternError: its pattern does not fit in memory.
        """
        from tapec.passes.cut import whole

        return self._observed(whole(self.graph, self._targets, self._sizes, self.wrt, self._known()))

    @cached_property
    def separate(self) -> Cut:
        """The function cut into what must be differentiated and what need not.

        It is `whole` where the work is not local, as with running sums: then the variables of one element are many,
        however few arguments they belong to. Errors as `whole`.
        """
        from tapec.passes.cut import separate

        found = separate(self.graph, self._targets, self._sizes, self.wrt, self._known())
        return self.whole if found is None else self._observed(found)

    def pattern(self) -> Any:
        """The pattern as a boolean `csr_array` with sorted indices; errors as `whole`."""
        from tapec.passes.index_sets import relation

        links, terms, variables = self.whole.links, self.whole.terms, self.whole.variables
        rows = np.repeat(np.concatenate([*terms.places, np.zeros(0, int)]), np.diff(links.indptr))
        columns = np.concatenate([*variables.places, np.zeros(0, int)])
        return relation(rows, columns[links.indices], self.shape)

    def _known(self) -> dict[Value, Known]:
        from tapec.passes.sparsity import Known

        return {value: Known(tensor._array, value) for value, tensor in self._read.items()}

    def _observed(self, cut: Cut) -> Cut:
        """Where a cut rests on the elements of arrays (indices, zeros of a matrix), whoever records hears of a
        comparison with them, so that compiled code notices when they change.
        """
        for value in cut.read:
            if value not in self._seen:
                self._seen.add(value)
                _observe(self._tensors[value])
        return cut


def record_sparse(
    python: Callable[..., Any], argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> SparseRecording:
    """Runs `python` on arguments as a recording sees them.

    Raises:
        ArgumentError, IntegerInputError: see `select_arguments`.
        DTypeError: a result is an array of integers or booleans.
    """
    call = select_arguments(python, argnums, args, kwargs, variables=False)
    recorder = StructureRecorder(watch_accessed_variables=False, strict=True, keeps_inputs=True)
    sources = [source for argument in call.selected for source in argument.sources]
    places = [recorder.watch(source) for source in sources]
    before, ACTIVE.lasting = ACTIVE.lasting, True  # custom derivatives as graphs, whose patterns can be found
    try:
        with active(recorder):
            result = settled(python(*call.args, **call.kwargs))
    finally:
        ACTIVE.lasting = before
    leaves, structure = flatten(result)
    targets = []
    for leaf, name in zip(leaves, leaf_paths(structure, "the result"), strict=True):
        if isinstance(leaf, Tensor | np.ndarray | np.generic | int | float) and not isinstance(leaf, bool):
            target = lift(leaf)
            if target.dtype.kind not in FLOATS:
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
    numbers = cast(apply(ew.eq, (tensor, zero)) if tensor.dtype.kind in FLOATS else tensor, np.dtype(np.int64))
    if numbers.size:
        weights = np.random.default_rng(0).integers(-(2**63), 2**63, numbers.shape, np.int64)
        int(np.sum(apply(ew.mul, (numbers, make(weights)))))
        bool(np.all(apply(ew.eq, (numbers, make(np.array(numbers._array))))))
