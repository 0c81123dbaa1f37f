"""Doing for many examples what a function does for the first of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tapec.dispatch import apply
from tapec.example_recorder import ExampleRecorder
from tapec.ops import movement
from tapec.replay import Program
from tapec.tensor import Tensor, make


def first_example(recorder: ExampleRecorder, tensor: Tensor) -> Tensor:
    """The first example of a tensor that has them on axis 0, as an input of the recording; zeros if there is none."""
    array = tensor._array
    return recorder.add_input(make(np.array(array[0]) if array.shape[0] else np.zeros(array.shape[1:], array.dtype)))


def all_examples(
    recorder: ExampleRecorder, tensors: Sequence[Tensor], results: Sequence[Tensor], size: int
) -> list[Tensor]:
    """For all examples, on axis 0, what the recording of one has as `results`.

    Args:
        recorder: of the first examples of `tensors`.
        tensors: all examples.
        results: tensors that depend on the example.
        size: number of examples.
    """
    from tapec.passes.vectorize import vectorize

    recorder.finish(results)
    captured = recorder.captured
    batched = [False] * len(captured) + [True] * len(tensors)
    made = vectorize(recorder.region(captured), size, batched, all_outputs=True)
    return Program(made.graph).run([*captured, *tensors])


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
    recorder = ExampleRecorder(name)
    examples = [first_example(recorder, t) for t in tensors]
    with recorder.recording():
        results = function(examples)
    found = iter(all_examples(recorder, tensors, [t for t in results if recorder.depends(t)], size))
    return [next(found) if recorder.depends(t) else repeated_for_all(t, size) for t in results]
