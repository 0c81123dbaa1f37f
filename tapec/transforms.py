"""`tp.grad` and `tp.value_and_grad`: functions that give derivatives of functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, overload

from tapec.argnums import Argnums, select_arguments
from tapec.argument_names import function_name
from tapec.dispatch import lift
from tapec.errors import AuxiliaryResultError, DTypeError, NonScalarTargetError
from tapec.function import MAX_PATHS, Function
from tapec.ir.dtypes import FLOATS
from tapec.structure import flatten
from tapec.tape import GradientTape
from tapec.tape_arguments import UnconnectedGradients
from tapec.tensor import Tensor

_Decorator = Callable[[Callable[..., Any]], Function]


@overload
def value_and_grad(
    python: Callable[..., Any],
    /,
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
    memory_budget: int | None = None,
) -> Function: ...
@overload
def value_and_grad(
    *,
    argnums: Argnums = 0,
    has_aux: bool = False,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
    memory_budget: int | None = None,
) -> _Decorator: ...
def value_and_grad(
    python: Callable[..., Any] | None = None,
    /,
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
    memory_budget: int | None = None,
) -> Function | _Decorator:
    """A compiled function that gives the value of `python` and its gradient; a decorator, with or without options.

    The gradient of an argument has that argument's structure, shapes and dtypes; where the value does not depend on
    it, it is zero. Members that are no numbers (strings, None, callables, bools) have None in their place.

    Args:
        python: a function whose result is a floating scalar, or with `has_aux` a pair of one and anything else.
        argnums: the position or the name of the argument to differentiate by, or a tuple of these for a tuple of
            gradients.
        has_aux: whether the function returns a pair `(value, aux)`; the result is then `((value, aux), gradient)`.
        strict: see `tp.function`.
        max_paths: see `tp.function`.
        memory_budget: see `tp.function`.

    Raises:
        NonScalarTargetError: at a call, if the value is not a scalar.
        IntegerInputError: at a call, if a differentiated argument holds integers, or nothing that is floating.
        ArgumentError: at a call, if there is no argument at a position, or of a name, in `argnums`.
        AuxiliaryResultError: at a call, if `has_aux` and the function does not return a pair.

    >>> import numpy as np, tapec as tp
    >>> @tp.value_and_grad
    ... def loss(w, x):
    ...     return np.sum((w * x) ** 2)
    >>> loss(np.array([1.0, 2.0]), np.array([3.0, 1.0]))
    (np.float64(13.0), array([18.,  4.]))
    """
    if python is None:
        return lambda decorated: value_and_grad(
            decorated, argnums, has_aux, strict=strict, max_paths=max_paths, memory_budget=memory_budget
        )
    differentiate = _Differentiation(python, argnums, has_aux)

    @wraps(python)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        value, aux, gradient = differentiate(args, kwargs)
        return ((value, aux) if has_aux else value), gradient

    return Function(value_and_gradient, strict=strict, max_paths=max_paths, memory_budget=memory_budget)


@overload
def grad(
    python: Callable[..., Any],
    /,
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
    memory_budget: int | None = None,
) -> Function: ...
@overload
def grad(
    *,
    argnums: Argnums = 0,
    has_aux: bool = False,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
    memory_budget: int | None = None,
) -> _Decorator: ...
def grad(
    python: Callable[..., Any] | None = None,
    /,
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
    memory_budget: int | None = None,
) -> Function | _Decorator:
    """A compiled function that gives the gradient of `python`; arguments and errors are those of `tp.value_and_grad`.

    With `has_aux` the result is `(gradient, aux)`.

    >>> import numpy as np, tapec as tp
    >>> tp.grad(tp.grad(np.sin))(0.5) == -np.sin(0.5)
    np.True_
    """
    if python is None:
        return lambda decorated: grad(
            decorated, argnums, has_aux, strict=strict, max_paths=max_paths, memory_budget=memory_budget
        )
    differentiate = _Differentiation(python, argnums, has_aux)

    @wraps(python)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        _, aux, gradient = differentiate(args, kwargs)
        return (gradient, aux) if has_aux else gradient

    return Function(gradient, strict=strict, max_paths=max_paths, memory_budget=memory_budget)


class _Differentiation:
    """Runs a function under a tape of its own and asks it for the gradient."""

    def __init__(self, python: Callable[..., Any], argnums: Argnums, has_aux: bool) -> None:
        self._python = python
        self._name = function_name(python)
        self._argnums = argnums
        self._has_aux = has_aux

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Value, auxiliary result and gradient."""
        call = select_arguments(self._python, self._argnums, args, kwargs)
        sources = [source for argument in call.selected for source in argument.sources]
        with GradientTape(strict=True) as tape:
            tape.watch([source for source in sources if isinstance(source, Tensor)])
            value, aux = self._split(self._python(*call.args, **call.kwargs))
        found = iter(tape.gradient(value, sources, unconnected_gradients=UnconnectedGradients.ZERO))
        gradients = [argument.filled(found) for argument in call.selected]
        return value, aux, tuple(gradients) if isinstance(self._argnums, tuple) else gradients[0]

    def _split(self, result: Any) -> tuple[Tensor, Any]:
        value, aux = result, None
        if self._has_aux:
            if type(result) is not tuple or len(result) != 2:
                raise AuxiliaryResultError(
                    f"{self._name} has has_aux=True and must return a pair (value, aux), got {type(result).__name__}"
                )
            value, aux = result
        if flatten(value)[1].container is not None:
            raise NonScalarTargetError(
                f"{self._name} returned a {type(value).__name__}; a gradient needs one scalar (has_aux=True takes a "
                "pair of it and anything else)"
            )
        try:
            value = lift(value)
        except DTypeError as error:
            raise NonScalarTargetError(
                f"{self._name} returned a {type(value).__name__}; a gradient needs a floating scalar (is the return "
                "missing?)"
            ) from error
        if value.shape != ():
            raise NonScalarTargetError(
                f"{self._name} returned shape {value.shape}; a gradient needs a scalar: reduce it, for example with "
                "np.sum or np.mean"
            )
        if value.dtype.kind not in FLOATS:
            raise DTypeError(f"{self._name} returned a scalar of dtype {value.dtype}; a gradient needs a floating one")
        return value, aux
