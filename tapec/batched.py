"""`tp.vmap`: a function of one example becomes a function of many."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, overload

import numpy as np

from tapec.argument_names import argument_name, function_name
from tapec.axes import axes_of_leaves
from tapec.dispatch import apply, lift
from tapec.errors import ArgumentError, AxisSizeError
from tapec.example_recorder import ExampleRecorder
from tapec.function import MAX_PATHS, Function
from tapec.ops import movement
from tapec.structure import flatten, leaf_paths, settled, unflatten
from tapec.tensor import Tensor
from tapec.vectorized_call import all_examples, first_example, repeated_for_all

_NUMBERS = (Tensor, np.ndarray, np.generic, int, float)


@overload
def vmap(
    python: Callable[..., Any],
    /,
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
) -> Function: ...
@overload
def vmap(
    *, in_axes: Any = 0, out_axes: Any = 0, strict: bool = False, max_paths: int = MAX_PATHS
) -> Callable[[Callable[..., Any]], Function]: ...
def vmap(
    python: Callable[..., Any] | None = None,
    /,
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
) -> Function | Callable[[Callable[..., Any]], Function]:
    """A compiled function that applies `python`, a function of one example, to many at once; also a decorator.

    `python` runs once, on the first example (on zeros if there is none), and what it does is then done for all of them
    by ops that are larger by one axis; there is no loop over the examples. It may use every other transformation, and
    every other transformation may be applied to the result.

    Args:
        python: the function. What it reaches by itself is the same for all examples. Python can't branch on values
            that differ from example to example: `np.where` and `tp.cond` can.
        in_axes: the axis of the arguments that runs over the examples; None for arguments that are the same for all.
            One for all arguments, or a tuple of one for each, in which nested containers may have one for each member.
            Arguments by keyword that are not in the tuple go over axis 0. Negative axes count from the end.
            Members that are neither arrays nor numbers are the same for all examples.
        out_axes: where the axis over the examples is in the results; None for results that do not depend on the
            example. One for all, or nested containers as the result's. Members of the result that are neither arrays
            nor numbers are handed back as they are.
        strict: see `tp.function`.
        max_paths: see `tp.function`.

    Raises:
        AxisSizeError: at a call, if the axes have different sizes, or an argument has no such axis.
        ArgumentError: at a call, if no argument has an axis over the examples, or `in_axes` or `out_axes` does not fit.
        BatchedValueError: at a call, if Python branches on, or takes out, a value that differs from example to example.

    >>> import numpy as np, tapec as tp
    >>> tp.vmap(np.dot)(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [0.0, 1.0]]))
    array([3., 4.])
    >>> per_example = tp.vmap(tp.grad(lambda w, x: np.sum(np.sin(w * x))), in_axes=(None, 0))
    >>> per_example(0.0, np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([3., 7.])
    """
    if python is None:
        return lambda decorated: vmap(decorated, in_axes, out_axes, strict=strict, max_paths=max_paths)
    vectorization = _Vectorization(python, in_axes, out_axes)

    @wraps(python)
    def vectorized(*args: Any, **kwargs: Any) -> Any:
        return vectorization(args, kwargs)

    return Function(vectorized, strict=strict, max_paths=max_paths)


class _Vectorization:
    """Records a function on one example, vectorizes the graph and replays it on all."""

    def __init__(self, python: Callable[..., Any], in_axes: Any, out_axes: Any) -> None:
        self._python = python
        self._name = function_name(python)
        self._in_axes = in_axes
        self._out_axes = out_axes

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        leaves, structure = flatten((args, kwargs))
        tensors, size = self._examples(args, kwargs)
        recorder = ExampleRecorder(self._name)
        batched = []
        for i, tensor in tensors.items():
            leaves[i] = first_example(recorder, tensor)
            batched.append(tensor)
        example_args, example_kwargs = unflatten(structure, leaves)
        with recorder.recording():
            result = settled(self._python(*example_args, **example_kwargs))
        return self._all(recorder, result, batched, size)

    def _examples(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dict[int, Tensor], int]:
        """By number of the leaf the tensors that are mapped over, their examples on axis 0; how many there are."""
        axes = self._axes(args, kwargs)
        leaves, _ = flatten((args, kwargs))
        tensors: dict[int, Tensor] = {}
        sizes: dict[int, list[str]] = {}
        names = self._names(args, kwargs) if any(axis is not None for axis in axes) else []
        for i, (leaf, axis) in enumerate(zip(leaves, axes, strict=True)):
            if axis is None or not (isinstance(leaf, Tensor) or hasattr(type(leaf), "__tapec_tensor__")):
                continue
            tensor = lift(leaf)
            rank = len(tensor.shape)
            if not -rank <= axis < rank:
                raise AxisSizeError(
                    f"vmap of {self._name}: {names[i]} has shape {tensor.shape} and no axis {axis}; None in in_axes is "
                    "for what is the same for all examples"
                )
            sizes.setdefault(tensor.shape[axis], []).append(f"{names[i]} (axis {axis})")
            tensors[i] = moved_axis(tensor, axis % rank, 0)
        if not tensors:
            raise ArgumentError(f"vmap of {self._name} needs an argument that holds an array with an axis to map over")
        if len(sizes) > 1:
            found = "; ".join(f"{size}: {', '.join(which)}" for size, which in sizes.items())
            raise AxisSizeError(f"vmap of {self._name} got axes of different sizes: {found}")
        (size,) = sizes
        return tensors, size

    def _axes(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int | None]:
        by_keyword = self._in_axes if self._in_axes is None or type(self._in_axes) is int else 0
        axes = axes_of_leaves(self._in_axes, flatten(args)[1], "in_axes")
        return axes + axes_of_leaves(by_keyword, flatten(kwargs)[1], "in_axes")

    def _names(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
        named = [(argument_name(self._python, i), value) for i, value in enumerate(args)]
        named += [(f"argument {key}", value) for key, value in kwargs.items()]
        return [path for name, value in named for path in leaf_paths(flatten(value)[1], name)]

    def _all(self, recorder: ExampleRecorder, result: Any, batched: list[Tensor], size: int) -> Any:
        """The results of all examples, from that of one."""
        leaves, structure = flatten(result)
        axes = axes_of_leaves(self._out_axes, structure, "out_axes")
        differs = [isinstance(leaf, Tensor) and recorder.depends(leaf) for leaf in leaves]
        found = [leaf for leaf, is_one in zip(leaves, differs, strict=True) if is_one]
        outputs = iter(all_examples(recorder, batched, found, size))
        paths = leaf_paths(structure, "the result")
        for i, (leaf, is_one, axis) in enumerate(zip(leaves, differs, axes, strict=True)):
            if is_one:
                if axis is None:
                    raise ArgumentError(
                        f"vmap of {self._name}: out_axes is None for {paths[i]}, which differs from example to example"
                    )
                leaves[i] = self._placed(next(outputs), axis, paths[i])
            elif axis is not None and isinstance(leaf, _NUMBERS) and not isinstance(leaf, bool):
                leaves[i] = self._placed(repeated_for_all(lift(leaf), size), axis, paths[i])
        return unflatten(structure, leaves)

    def _placed(self, x: Tensor, axis: int, path: str) -> Tensor:
        rank = len(x.shape)
        if not -rank <= axis < rank:
            raise ArgumentError(
                f"vmap of {self._name}: {path} has shape {x.shape[1:]} for one example, and out_axes is {axis}"
            )
        return moved_axis(x, 0, axis % rank)


def moved_axis(x: Tensor, source: int, target: int) -> Tensor:
    """`x` with the axis `source` in the place `target`, the others in their order."""
    if source == target:
        return x
    order = [axis for axis in range(len(x.shape)) if axis != source]
    order.insert(target, source)
    return apply(movement.transpose, (x,), {"permutation": tuple(order)})
