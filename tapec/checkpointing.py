"""`tp.checkpoint`: functions of which nothing is kept for the backward pass but their arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, final

from tapec.argnums import copied
from tapec.argument_names import function_name
from tapec.derivative_graphs import Derivative, pullback, pushforward
from tapec.dispatch import apply
from tapec.ir.dtypes import FLOATS
from tapec.ir.graph import Graph
from tapec.ops import elementwise as ew
from tapec.recording import ACTIVE, active
from tapec.replay import Program
from tapec.rules import Rule, apply_rule
from tapec.structure import flatten, settled, unflatten
from tapec.structure_recorder import StructureRecorder
from tapec.tape_recorder import TapeRecorder
from tapec.tensor import Tensor
from tapec.transcript import Transcript

_Function = TypeVar("_Function", bound=Callable[..., Any])


def checkpoint(python: _Function) -> _Function:
    """The same function, computed again when its derivative is asked for; a decorator.

    What it computes on the way is not kept: memory for time. Only its arguments, and what it reads by itself (tensors,
    Variables), are kept for the backward pass. It runs once all the same: what is done again are the ops that were
    recorded, on the same values, and not what Python did beside them. TensorFlow calls it `recompute_grad`.

    >>> import numpy as np, tapec as tp
    >>> block = tp.checkpoint(lambda x: np.sin(np.exp(x)))
    >>> tp.grad(lambda x: np.sum(block(x)))(np.zeros(2)).round(4)
    array([0.5403, 0.5403])
    """

    @wraps(python)
    def recomputed(*args: Any, **kwargs: Any) -> Any:
        if not any(recorder.differentiates for recorder in ACTIVE.recorders):
            return python(*args, **kwargs)
        leaves, structure = flatten((args, kwargs))
        leaves = [copied(leaf) if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        inputs = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        transcript = Transcript(function_name(python), "adjoint", ACTIVE.recorders[:])
        for tensor in inputs:
            transcript.add_input(tensor)
        args, kwargs = unflatten(structure, leaves)
        with undifferentiated(), active(transcript):
            result = settled(python(*args, **kwargs))
        _tell_of_reads(transcript)
        outputs, out_structure = flatten(result)
        results = [y for y in outputs if isinstance(y, Tensor)]
        transcript.graph.outputs = [transcript.value(y) for y in results]
        operands = [*inputs, *transcript.captured]
        if not results or not operands:
            return result
        rule = _Recomputation(python, transcript.graph, operands, results)
        found = iter(apply_rule(rule, operands, results))
        return unflatten(out_structure, [next(found) if isinstance(y, Tensor) else y for y in outputs])

    return recomputed  # type: ignore[return-value]


recompute_grad = checkpoint  # TensorFlow's name


@contextmanager
def undifferentiated() -> Iterator[None]:
    """A block that tapes and accumulators do not hear of."""
    recorders = ACTIVE.recorders
    before = recorders[:]
    recorders[:] = [r for r in before if r.keeps_graph or not r.differentiates]
    try:
        yield
    finally:
        recorders[:] = before


def _tell_of_reads(transcript: Transcript) -> None:
    """Tapes that have not heard of a block still watch the Variables that it read."""
    for variable, tensor in transcript.reads:
        for recorder in ACTIVE.recorders:
            if recorder.differentiates and not recorder.keeps_graph:
                recorder.read_variable(variable, tensor)


@final
class _Recomputation(Rule):
    """Runs the ops of one call again and differentiates them.

    Args:
        python: the function.
        graph: what it did.
        operands: the values that it read: the graph's inputs.
        results: what it returned.
    """

    def __init__(self, python: Callable[..., Any], graph: Graph, operands: list[Tensor], results: list[Tensor]) -> None:
        super().__init__(
            python,
            [t.type for t in operands if t.dtype.kind in FLOATS],
            [t.type for t in results if t.dtype.kind in FLOATS],
        )
        self._program = Program(graph)
        self._operands = operands

    def pull(self, cotangents: list[Tensor]) -> list[Tensor | None]:
        """See `Rule.pull`."""
        recorder, sources, targets = self._again()
        reached = [(p, ct) for p, ct in zip(targets, cotangents, strict=True) if p is not None]
        derivative: Derivative = pullback(recorder, [p for p, _ in reached], sources)
        return derivative.run([ct for _, ct in reached])

    def push(self, tangents: list[Tensor]) -> list[Tensor | None]:
        """See `Rule.push`."""
        recorder, sources, targets = self._again()
        found = iter(pushforward(recorder, [p for p in targets if p is not None], sources).run(tangents))
        return [None if p is None else next(found) for p in targets]

    def _again(self) -> tuple[TapeRecorder, list[int], list[int | None]]:
        """A recording of the ops, run again; places of the floating operands and results."""
        recorder = StructureRecorder(watch_accessed_variables=False)
        # Behind barriers, because otherwise compiled code would see that everything is there already.
        tensors = [apply(ew.barrier, (t,)) if t.dtype.kind in FLOATS else t for t in self._operands]
        sources = [recorder.watch(t) for t in tensors if t.dtype.kind in FLOATS]
        with active(recorder):
            results = self._program.run(tensors)
        return recorder, sources, [recorder.place(y) for y in results if y.dtype.kind in FLOATS]
