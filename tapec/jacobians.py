"""`tp.jacobian`, `tp.hessian` and `tp.hvp`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, TypeAlias, overload

import numpy as np

from tapec.argnums import Argnums, Selected, select_arguments
from tapec.argument_names import function_name
from tapec.basis import basis, reshaped
from tapec.batched import moved_axis
from tapec.derivative_graphs import pullback, pushforward
from tapec.derivative_maps import as_arguments, push
from tapec.dispatch import lift
from tapec.errors import DTypeError
from tapec.function import MAX_PATHS, Function
from tapec.ir.dtypes import FLOATS
from tapec.ir.types import tensor_type
from tapec.recording import active
from tapec.repeated import repeated
from tapec.sharing_recorder import run_recorder
from tapec.spaces import zeros
from tapec.structure import flatten, leaf_paths, settled, unflatten
from tapec.tape_recorder import TapeRecorder
from tapec.tensor import Tensor
from tapec.transforms import grad

Mode: TypeAlias = Literal["auto", "forward", "reverse"]


@overload
def jacobian(
    python: Callable[..., Any],
    /,
    argnums: Argnums = 0,
    mode: Mode = "auto",
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
) -> Function: ...
@overload
def jacobian(
    *, argnums: Argnums = 0, mode: Mode = "auto", strict: bool = False, max_paths: int = MAX_PATHS
) -> Callable[[Callable[..., Any]], Function]: ...
def jacobian(
    python: Callable[..., Any] | None = None,
    /,
    argnums: Argnums = 0,
    mode: Mode = "auto",
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
) -> Function | Callable[[Callable[..., Any]], Function]:
    """A compiled function that gives the Jacobian of `python`: all partial derivatives of all results.

    The derivatives along all basis vectors are computed at once, by the vectorized pushforward or pullback; the
    function itself runs once.

    Args:
        python: a function of arrays, or nested containers of them, that returns the same.
        argnums: the position or the name of the argument to differentiate by, or a tuple of these.
        mode: `"forward"` does as much work as the arguments have elements, `"reverse"` as the results have; `"auto"`
            takes the smaller one.
        strict: see `tp.function`.
        max_paths: see `tp.function`.

    Returns:
        A function. Its result has the containers of `python`'s result, in these a tuple if `argnums` is one, in this
        the containers of the argument, and in these an array whose shape is that of the result followed by that of
        the argument. What does not depend on the argument has zeros; members that are no numbers have None.

    Raises:
        ValueError: `mode` is another one.
        IntegerInputError: at a call, if a differentiated argument holds integers, or nothing that is floating.
        DTypeError: at a call, if a result is an integer or a boolean.
        ArgumentError: at a call, if there is no argument at a position, or of a name, in `argnums`.

    >>> import numpy as np, tapec as tp
    >>> tp.jacobian(lambda x: x[:2] * x[1:])(np.array([1.0, 2.0, 3.0]))
    array([[2., 1., 0.],
           [0., 3., 2.]])
    """
    if mode not in ("auto", "forward", "reverse"):
        raise ValueError(f"mode is 'auto', 'forward' or 'reverse', got {mode!r}")
    if python is None:
        return lambda decorated: jacobian(decorated, argnums, mode, strict=strict, max_paths=max_paths)
    differentiate = _Differentiation(python, argnums, mode)

    @wraps(python)
    def jacobians(*args: Any, **kwargs: Any) -> Any:
        return differentiate(args, kwargs)

    return Function(jacobians, strict=strict, max_paths=max_paths)


@overload
def hessian(
    python: Callable[..., Any], /, argnums: Argnums = 0, *, strict: bool = False, max_paths: int = MAX_PATHS
) -> Function: ...
@overload
def hessian(
    *, argnums: Argnums = 0, strict: bool = False, max_paths: int = MAX_PATHS
) -> Callable[[Callable[..., Any]], Function]: ...
def hessian(
    python: Callable[..., Any] | None = None,
    /,
    argnums: Argnums = 0,
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
) -> Function | Callable[[Callable[..., Any]], Function]:
    """A compiled function that gives the second derivatives of `python`, a scalar function: forward over reverse mode.

    Its result is that of `tp.jacobian` of `tp.grad`: the containers of the arguments twice over. Arguments and errors
    are those of `tp.grad`.

    >>> import numpy as np, tapec as tp
    >>> tp.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    if python is None:
        return lambda decorated: hessian(decorated, argnums, strict=strict, max_paths=max_paths)
    return jacobian(grad(python, argnums), argnums, "forward", strict=strict, max_paths=max_paths)


def hvp(python: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The product of the Hessian of a scalar function with a vector, by forward over reverse mode.

    It costs a few gradients, whatever the size; the Hessian is never made. The function is run op by op the first time
    and compiled when it is given again.

    Args:
        python: the function.
        primals: its arguments, all differentiated by, in a tuple; anything but a tuple is the only argument.
        tangents: the vector, structured and shaped as `primals`; None within it stands for zeros.

    Returns:
        The product, structured and shaped as `primals`.

    Raises:
        ValueError, ShapeError: as `tp.jvp`.
        NonScalarTargetError, IntegerInputError: as `tp.grad`.

    >>> import numpy as np, tapec as tp
    >>> tp.hvp(lambda x: np.sum(x ** 3), np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([  6., 120.])
    """
    product = repeated(_hvp, python, *as_arguments(primals, tangents))
    return product if isinstance(primals, tuple) else product[0]


def _hvp(python: Callable[..., Any], primals: tuple[Any, ...], tangents: Any) -> Any:
    return push(grad(python, tuple(range(len(primals)))), primals, tangents)[1]


class _Differentiation:
    """Runs a function under a recorder and differentiates the recording along all basis vectors."""

    def __init__(self, python: Callable[..., Any], argnums: Argnums, mode: Mode) -> None:
        self._python = python
        self._argnums = argnums
        self._mode = mode

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = select_arguments(self._python, self._argnums, args, kwargs, variables=False)
        recorder = run_recorder()
        sources = [source for argument in call.selected for source in argument.sources]
        places = [recorder.watch(source) for source in sources]
        with active(recorder):
            result = settled(self._python(*call.args, **call.kwargs))
        leaves, structure = flatten(result)
        names = leaf_paths(structure, "the result")
        targets = [self._target(leaf, name) for leaf, name in zip(leaves, names, strict=True)]
        known = [target for target in targets if target is not None]
        forward = self._mode == "forward"
        if self._mode == "auto":
            forward = sum(source.size for source in sources) <= sum(target.size for target in known)
        rows = iter((_by_columns if forward else _by_rows)(recorder, known, sources, places))
        filled = [None if target is None else self._arranged(call.selected, next(rows)) for target in targets]
        return unflatten(structure, filled)

    def _target(self, leaf: Any, name: str) -> Tensor | None:
        if not isinstance(leaf, (Tensor, np.ndarray, np.generic, int, float)) or isinstance(leaf, bool):
            return None
        target = lift(leaf)
        if target.dtype.kind not in FLOATS:
            raise DTypeError(
                f"{function_name(self._python)} is differentiated, but {name} is {target.dtype}: it must be floating"
            )
        return target

    def _arranged(self, selected: list[Selected], row: list[Tensor]) -> Any:
        found = iter(row)
        blocks = tuple([argument.filled(found) for argument in selected])
        return blocks if isinstance(self._argnums, tuple) else blocks[0]


def _by_rows(
    recorder: TapeRecorder, targets: list[Tensor], sources: list[Tensor], places: list[int]
) -> list[list[Tensor]]:
    """For each target the derivatives by each source, from one gradient for each element of a target."""
    rows = []
    for target in targets:
        place = recorder.place(target)
        found: list[Tensor | None] = [None] * len(sources)
        if place is not None:
            found = pullback(recorder, [place], places, target.size).run([basis(target.shape, target.dtype)])
        rows.append([_block(g, target, source) for g, source in zip(found, sources, strict=True)])
    return rows


def _by_columns(
    recorder: TapeRecorder, targets: list[Tensor], sources: list[Tensor], places: list[int]
) -> list[list[Tensor]]:
    """The same from one tangent for each element of a source."""
    known = [(i, place) for i, target in enumerate(targets) if (place := recorder.place(target)) is not None]
    rows: list[list[Tensor]] = [[] for _ in targets]
    for source, place in zip(sources, places, strict=True):
        derivative = pushforward(recorder, [p for _, p in known], [place], source.size)
        columns = derivative.run([basis(source.shape, source.dtype)])
        found = dict(zip([i for i, _ in known], columns, strict=True))
        for i, target in enumerate(targets):
            column = found.get(i)
            moved = None if column is None else moved_axis(column, 0, len(target.shape))
            rows[i].append(_block(moved, target, source))
    return rows


def _block(found: Tensor | None, target: Tensor, source: Tensor) -> Tensor:
    shape = target.shape + source.shape
    if found is None:
        return zeros(tensor_type(source.type.dtype, shape))
    return reshaped(found, shape)
