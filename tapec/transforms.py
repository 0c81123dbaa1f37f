"""`tp.grad` and `tp.value_and_grad`: functions that give derivatives of functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, overload

from tapec.dispatch import apply, lift
from tapec.errors import ArgumentError, AuxiliaryResultError, DTypeError, IntegerInputError, NonScalarTargetError
from tapec.function import MAX_PATHS, Function
from tapec.ops import elementwise as ew
from tapec.structure import Structure, flatten, leaf_paths, unflatten
from tapec.tape import GradientTape
from tapec.tape_arguments import UnconnectedGradients
from tapec.tensor import Tensor, make

_Decorator = Callable[[Callable[..., Any]], Function]


@overload
def value_and_grad(
    python: Callable[..., Any],
    /,
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
) -> Function: ...
@overload
def value_and_grad(
    *, argnums: int | tuple[int, ...] = 0, has_aux: bool = False, strict: bool = False, max_paths: int = MAX_PATHS
) -> _Decorator: ...
def value_and_grad(
    python: Callable[..., Any] | None = None,
    /,
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
) -> Function | _Decorator:
    """A compiled function that gives the value of `python` and its gradient; a decorator, with or without options.

    The gradient of an argument has that argument's structure, shapes and dtypes; where the value does not depend on
    it, it is zero. Members that are no numbers (strings, None, callables, bools) have None in their place.

    Args:
        python: a function whose result is a floating scalar, or with `has_aux` a pair of one and anything else.
        argnums: the position of the argument to differentiate, or a tuple of positions for a tuple of gradients.
        has_aux: whether the function returns a pair `(value, aux)`; the result is then `((value, aux), gradient)`.
        strict: see `tp.function`.
        max_paths: see `tp.function`.

    Raises:
        NonScalarTargetError: at a call, if the value is not a scalar.
        IntegerInputError: at a call, if a differentiated argument holds integers, or nothing that is floating.
        ArgumentError: at a call, if there is no argument at a position of `argnums`.
        AuxiliaryResultError: at a call, if `has_aux` and the function does not return a pair.

    >>> import numpy as np, tapec as tp
    >>> @tp.value_and_grad
    ... def loss(w, x):
    ...     return np.sum((w * x) ** 2)
    >>> loss(np.array([1.0, 2.0]), np.array([3.0, 1.0]))
    (np.float64(13.0), array([18.,  4.]))
    """
    if python is None:
        return lambda decorated: value_and_grad(decorated, argnums, has_aux, strict=strict, max_paths=max_paths)
    differentiate = _Differentiation(python, argnums, has_aux)

    @wraps(python)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        value, aux, gradient = differentiate(args, kwargs)
        return ((value, aux) if has_aux else value), gradient

    return Function(value_and_gradient, strict=strict, max_paths=max_paths)


@overload
def grad(
    python: Callable[..., Any],
    /,
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
) -> Function: ...
@overload
def grad(
    *, argnums: int | tuple[int, ...] = 0, has_aux: bool = False, strict: bool = False, max_paths: int = MAX_PATHS
) -> _Decorator: ...
def grad(
    python: Callable[..., Any] | None = None,
    /,
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
) -> Function | _Decorator:
    """A compiled function that gives the gradient of `python`; arguments and errors are those of `tp.value_and_grad`.

    With `has_aux` the result is `(gradient, aux)`.

    >>> import numpy as np, tapec as tp
    >>> tp.grad(tp.grad(np.sin))(0.5) == -np.sin(0.5)
    np.True_
    """
    if python is None:
        return lambda decorated: grad(decorated, argnums, has_aux, strict=strict, max_paths=max_paths)
    differentiate = _Differentiation(python, argnums, has_aux)

    @wraps(python)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        _, aux, gradient = differentiate(args, kwargs)
        return (gradient, aux) if has_aux else gradient

    return Function(gradient, strict=strict, max_paths=max_paths)


class _Differentiation:
    """Runs a function under a tape of its own and asks it for the gradient."""

    def __init__(self, python: Callable[..., Any], argnums: int | tuple[int, ...], has_aux: bool) -> None:
        self._python = python
        self._name = getattr(python, "__name__", type(python).__name__)
        self._argnums = argnums
        self._has_aux = has_aux

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Value, auxiliary result and gradient."""
        argnums = self._argnums if isinstance(self._argnums, tuple) else (self._argnums,)
        positions = [self._position(n, len(args)) for n in argnums]
        sources: list[list[Any]] = []
        structures: list[Structure] = []
        replaced = list(args)
        for position in positions:
            leaves, structure = flatten(args[position])
            leaves = self._independent(leaves, structure, position)
            replaced[position] = unflatten(structure, leaves)
            sources.append(leaves)
            structures.append(structure)
        floating = [leaf for leaves in sources for leaf in leaves if _is_source(leaf)]
        with GradientTape() as tape:
            tape.watch([leaf for leaf in floating if isinstance(leaf, Tensor)])
            result = self._python(*replaced, **kwargs)
        value, aux = self._split(result)
        found = iter(tape.gradient(value, floating, unconnected_gradients=UnconnectedGradients.ZERO))
        gradients = [
            unflatten(structure, [next(found) if _is_source(leaf) else None for leaf in leaves])
            for leaves, structure in zip(sources, structures, strict=True)
        ]
        return value, aux, tuple(gradients) if isinstance(self._argnums, tuple) else gradients[0]

    def _position(self, argnum: int, count: int) -> int:
        position = argnum + count if argnum < 0 else argnum
        if not 0 <= position < count:
            raise ArgumentError(
                f"{self._name} is differentiated with respect to argument {argnum}, but got {count} positional "
                "arguments"
            )
        return position

    def _independent(self, leaves: list[Any], structure: Structure, position: int) -> list[Any]:
        """New tensors of the same values: the function may reach the old ones by another way, as constants."""
        for leaf, path in zip(leaves, leaf_paths(structure, self._parameter(position)), strict=True):
            if isinstance(leaf, Tensor) and leaf.dtype.kind != "f":
                raise IntegerInputError(
                    f"{self._name} is differentiated with respect to {path}, which is {leaf.dtype}; pass a float "
                    "(.astype(np.float64), or 2.0 for 2), or leave it out of argnums"
                )
        if not any(_is_source(leaf) for leaf in leaves):
            held = type(leaves[0]).__name__ if structure.container is None else structure.container.__name__
            raise IntegerInputError(
                f"{self._name} is differentiated with respect to {self._parameter(position)}, a {held} without "
                "floating numbers"
            )
        return [_copy(leaf) if isinstance(leaf, Tensor) else leaf for leaf in leaves]

    def _parameter(self, position: int) -> str:
        try:
            parameters = list(inspect.signature(self._python).parameters.values())
        except ValueError:  # builtins without a signature
            return f"argument {position}"
        named = position < len(parameters) and parameters[position].kind is not inspect.Parameter.VAR_POSITIONAL
        return f"argument {position}, {parameters[position].name}" if named else f"argument {position}"

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
        value = lift(value)
        if value.shape != ():
            raise NonScalarTargetError(
                f"{self._name} returned shape {value.shape}; a gradient needs a scalar: reduce it, for example with "
                "np.sum or np.mean"
            )
        if value.dtype.kind != "f":
            raise DTypeError(f"{self._name} returned a scalar of dtype {value.dtype}; a gradient needs a floating one")
        return value, aux


def _is_source(leaf: Any) -> bool:
    """Whether a leaf gets a gradient: tensors (their dtypes have been checked) and Variables."""
    return isinstance(leaf, Tensor) or hasattr(type(leaf), "__tapec_tensor__")


def _copy(leaf: Tensor) -> Tensor:
    known = make(leaf._array, leaf._weak) if leaf._literal else leaf
    copy = apply(ew.cast, (known,), {"dtype": known.type.dtype.name})
    copy._weak = leaf._weak
    return copy
