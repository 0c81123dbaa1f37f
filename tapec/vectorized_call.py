"""Doing for many examples what a function does for the first of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tapec.dispatch import apply
from tapec.ir.graph import Value
from tapec.ops import movement
from tapec.replay import Program
from tapec.subgraph_recorder import SubgraphRecorder
from tapec.tensor import Tensor, make


def first_example(recorder: SubgraphRecorder, tensor: Tensor) -> Tensor:
    """The first example of a tensor that has them on axis 0, as an input of the recording; zeros if there is none."""
    array = tensor._array
    example = make(np.array(array[0]) if array.shape[0] else np.zeros(array.shape[1:], array.dtype))
    recorder.add_input(example)
    return example


def all_examples(
    recorder: SubgraphRecorder, tensors: Sequence[Tensor], values: Sequence[Value], size: int
) -> list[Tensor]:
    """For all examples, on axis 0, what the recording of one has as `values`.

    Args:
        recorder: of the first examples of `tensors`.
        tensors: all examples.
        values: in the recorder's graph.
        size: number of examples.
    """
    from tapec.passes.vectorize import vectorize

    recorder.graph.outputs = list(values)
    batched = [True] * len(tensors) + [False] * len(recorder.captured)
    made = vectorize(recorder.graph, size, batched, all_outputs=True)
    return Program(made.graph).run([*tensors, *recorder.captured])


def repeated_for_all(x: Tensor, size: int) -> Tensor:
    """`x` for each example, on axis 0."""
    return apply(movement.broadcast, (x,), {"shape": (size, *x.shape)})


def vectorized_call(
    function: Callable[[list[Tensor]], list[Tensor]], tensors: list[Tensor], size: int, name: str
) -> list[Tensor]:
    """What `function` gives for each of `size` examples, on axis 0; it runs once.

    Args:
        function: of one example.
        tensors: all examples, on axis 0.
        size: number of examples.
        name: of the function.
    """
    recorder = SubgraphRecorder(name)
    examples = [first_example(recorder, t) for t in tensors]
    with recorder.recording():
        results = function(examples)
    values = [recorder.value(t) for t in results]
    found = iter(all_examples(recorder, tensors, [value for value in values if value is not None], size))
    return [
        repeated_for_all(t, size) if value is None else next(found) for t, value in zip(results, values, strict=True)
    ]
