"""`tp.custom_jvp`: functions that bring their own forward mode, by JAX's convention."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar, final

import numpy as np

from tapec.argument_names import function_name
from tapec.checkpointing import undifferentiated
from tapec.dispatch import lift
from tapec.errors import CustomRuleError
from tapec.ir.dtypes import FLOATS
from tapec.recording import ACTIVE
from tapec.rules import Rule, apply_rule, transposed
from tapec.spaces import zeros
from tapec.structure import Structure, flatten, settled, unflatten
from tapec.tensor import Tensor
from tapec.variable import Variable

_Rule = TypeVar("_Rule", bound=Callable[..., Any])


@final
class custom_jvp:  # noqa: N801 - a decorator
    """A function that brings its derivative along a direction; a decorator, completed by `defjvp`.

    Reverse mode is the transpose of the rule, which must be linear in the tangents. Higher derivatives are those of
    what the rule does. Tensors that the function reaches by itself are constants.

    Args:
        python: the function.

    >>> import numpy as np, tapec as tp
    >>> @tp.custom_jvp
    ... def sinc(x):
    ...     return np.where(x == 0, 1.0, np.sin(x) / np.where(x == 0, 1.0, x))
    >>> @sinc.defjvp
    ... def sinc_jvp(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     slope = np.where(x == 0, 0.0, (np.cos(x) - sinc(x)) / np.where(x == 0, 1.0, x))
    ...     return sinc(x), slope * t
    >>> tp.grad(sinc)(0.0), tp.jvp(sinc, np.pi, 1.0)[1].round(4)
    (np.float64(0.0), np.float64(-0.3183))
    """

    def __init__(self, python: Callable[..., Any]) -> None:
        update_wrapper(self, python)
        self._python = python
        self._rule: Callable[..., Any] | None = None

    def defjvp(self, rule: _Rule) -> _Rule:
        """Sets the rule; a decorator, which gives the rule back.

        Args:
            rule: `rule(primals, tangents)` gets a tuple of the arguments, and a tuple of their tangents in the same
                containers: zeros for constants, None for members that do not float. It returns a pair: the function's
                result, and the tangent of that, in the same containers, with None for zeros.
        """
        self._rule = rule
        return rule

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result.

        Raises:
            CustomRuleError: the function has no rule yet; or, when a derivative is asked for, the rule does not return
                a pair, or not the tangent of the result.
            ShapeError: when a derivative is asked for, if a tangent has another shape than its member of the result.
            NotDifferentiableError: when a gradient is asked for, if the rule is not linear in the tangents.
        """
        if self._rule is None:
            raise CustomRuleError(
                f"{function_name(self._python)} has no derivative rule; give it one with "
                f"@{function_name(self._python)}.defjvp"
            )
        if kwargs:
            bound = inspect.signature(self._python).bind(*args, **kwargs)
            args, kwargs = bound.args, bound.kwargs
        leaves, structure = flatten(args)
        leaves = [lift(leaf) if isinstance(leaf, Variable) else leaf for leaf in leaves]
        args = unflatten(structure, leaves)
        operands = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        if not operands or not any(recorder.differentiates for recorder in ACTIVE.recorders):
            return self._python(*args, **kwargs)
        with undifferentiated():
            result = settled(self._python(*args, **kwargs))
        outputs, out_structure = flatten(result)
        numbers = [isinstance(y, (Tensor, np.ndarray, np.generic, float, int)) for y in outputs]
        results = [lift(y) for y, number in zip(outputs, numbers, strict=True) if number]
        if not results:
            return result
        rule = _JvpRule(self._python, self._rule, leaves, structure, out_structure, numbers, results)
        found = iter(apply_rule(rule, operands, results))
        return unflatten(out_structure, [next(found) if n else y for y, n in zip(outputs, numbers, strict=True)])


@final
class _JvpRule(Rule):
    """The rule at the arguments of one call.

    Args:
        python: the function.
        rule: its rule.
        leaves: members of its arguments.
        structure: of its arguments.
        out_structure: of its result.
        numbers: for each member of the result whether it is a number.
        results: those that are.
    """

    def __init__(
        self,
        python: Callable[..., Any],
        rule: Callable[..., Any],
        leaves: list[Any],
        structure: Structure,
        out_structure: Structure,
        numbers: list[bool],
        results: list[Tensor],
    ) -> None:
        self._moves = [isinstance(leaf, Tensor) and leaf.dtype.kind in FLOATS for leaf in leaves]
        super().__init__(
            python,
            [leaf.type for leaf, moves in zip(leaves, self._moves, strict=True) if moves],
            [y.type for y in results if y.dtype.kind in FLOATS],
            pushes=True,
        )
        self._rule = rule
        self._leaves = leaves
        self._structure = structure
        self._out_structure = out_structure
        floats = iter([y.dtype.kind in FLOATS for y in results])
        self._out_moves = [number and next(floats) for number in numbers]

    def push(self, tangents: list[Tensor]) -> list[Tensor | None]:
        """See `Rule.push`."""
        given = iter(tangents)
        directions = unflatten(
            self._structure,
            [next(given) if moves else _still(leaf) for leaf, moves in zip(self._leaves, self._moves, strict=True)],
        )
        returned = self._rule(unflatten(self._structure, self._leaves), directions)
        if not (isinstance(returned, tuple) and len(returned) == 2):
            raise CustomRuleError(
                f"the derivative rule of {self.name} must return a pair (result, tangent), got "
                f"{type(returned).__name__}"
            )
        members, structure = flatten(returned[1])
        if structure != self._out_structure:
            raise CustomRuleError(f"the derivative rule of {self.name} must return a tangent structured as the result")
        return [None if t is None else lift(t) for t, moves in zip(members, self._out_moves, strict=True) if moves]

    def pull(self, cotangents: list[Tensor]) -> list[Tensor | None]:
        """See `Rule.pull`."""
        return transposed(self.push, self.args, cotangents, f"the derivative rule of {self.name}")


def _still(leaf: Any) -> Tensor | None:
    """The tangent of a member that is a constant."""
    if isinstance(leaf, float) or (isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype.kind in FLOATS):
        return zeros(lift(leaf).type)
    return None
