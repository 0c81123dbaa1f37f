"""`tp.custom_gradient`: functions that bring their own reverse mode, by TensorFlow's convention."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, final

import numpy as np

from tapec.argument_names import function_name
from tapec.dispatch import lift
from tapec.errors import CustomRuleError
from tapec.ir.dtypes import FLOATS
from tapec.reads import VariableReads
from tapec.recording import ACTIVE, ruled
from tapec.rules import Rule, apply_rule, transposed
from tapec.structure import flatten, unflatten
from tapec.tensor import Tensor
from tapec.variable import Variable

_Function = TypeVar("_Function", bound=Callable[..., Any])


def custom_gradient(python: _Function) -> _Function:
    """A function that brings its gradient along; a decorator.

    Forward mode is the transpose of the gradient; it works if that is linear in the upstream gradients, as gradients
    are. Higher derivatives are those of what the gradient function does.

    Args:
        python: returns a pair: its result (a tensor or nested containers of them), and a function `grad(*upstream)`.
            `upstream` has one gradient for each member of the result, None for those that do not float. It returns a
            gradient for each member of the arguments, None for zeros; without containers for a single one. It is called
            when a gradient is asked for, and may use whatever `python` has computed. If `python` reads trainable
            Variables, it is called with `variables=`, a list of them, and returns a pair: the gradients of the
            arguments, and a list of those of the Variables. Arguments by keyword are constants.

    Raises:
        CustomRuleError: at a call, if `python` does not return a pair; or when a gradient is asked for, if `grad` does
            not take `variables`, or returns another number of gradients.
        ShapeError: when a gradient is asked for, if it has another shape than its argument.

    >>> import numpy as np, tapec as tp
    >>> @tp.custom_gradient
    ... def log1pexp(x):
    ...     e = np.exp(x)
    ...     def grad(upstream):
    ...         return upstream * (1 - 1 / (1 + e))
    ...     return np.log(1 + e), grad
    >>> tp.grad(log1pexp)(0.0)
    np.float64(0.5)
    """

    @wraps(python)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        leaves, structure = flatten(args)
        leaves = [lift(leaf) if isinstance(leaf, Variable) else leaf for leaf in leaves]
        reads = VariableReads()
        with reads.noted(), ruled():
            returned = python(*unflatten(structure, leaves), **kwargs)
        if not (isinstance(returned, tuple) and len(returned) == 2 and callable(returned[1])):
            raise CustomRuleError(
                f"{function_name(python)} has a custom gradient and must return a pair (result, gradient function), "
                f"got {type(returned).__name__}"
            )
        result, grad = returned
        args_ = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        variables = [(v, t) for v, t in reads.found() if v.trainable and not any(t is arg for arg in args_)]
        if not ACTIVE.recorders or not (args_ or variables):
            return result
        outputs, out_structure = flatten(result)
        numbers = [isinstance(y, (Tensor, np.ndarray, np.generic, float, int)) for y in outputs]
        results = [lift(y) for y, number in zip(outputs, numbers, strict=True) if number]
        operands = args_ + [t for _, t in variables]
        rule = _GradientRule(python, grad, leaves, numbers, results, [v for v, _ in variables], operands)
        found = iter(apply_rule(rule, operands, results) if results else ())
        return unflatten(out_structure, [next(found) if n else y for y, n in zip(outputs, numbers, strict=True)])

    return decorated  # type: ignore[return-value]


@final
class _GradientRule(Rule):
    """The gradient function of one call.

    Args:
        python: the function.
        grad: its gradient function.
        leaves: members of its arguments.
        numbers: for each member of its result whether it is a number.
        results: those that are.
        variables: Variables that it read.
        operands: tensors among `leaves`, then the values of `variables`.
    """

    def __init__(
        self,
        python: Callable[..., Any],
        grad: Callable[..., Any],
        leaves: list[Any],
        numbers: list[bool],
        results: Sequence[Tensor],
        variables: list[Variable],
        operands: Sequence[Tensor],
    ) -> None:
        super().__init__(
            python,
            [t.type for t in operands if t.dtype.kind in FLOATS],
            [t.type for t in results if t.dtype.kind in FLOATS],
        )
        self._grad = grad
        self._variables = variables
        self._tensors = [isinstance(leaf, Tensor) for leaf in leaves]
        self._floats = [t.dtype.kind in FLOATS for t in operands]
        floats = iter([t.dtype.kind in FLOATS for t in results])
        self._upstream = [number and next(floats) for number in numbers]

    def pull(self, cotangents: list[Tensor]) -> list[Tensor | None]:
        """See `Rule.pull`."""
        given = iter(cotangents)
        upstream = [next(given) if floats else None for floats in self._upstream]
        of_variables: list[Any] = []
        if self._variables:
            self._check_takes_variables()
            returned = self._grad(*upstream, variables=list(self._variables))
            if not (isinstance(returned, (tuple, list)) and len(returned) == 2):
                raise CustomRuleError(
                    f"the gradient function of {self.name} must return a pair (gradients of the arguments, gradients "
                    "of the variables)"
                )
            gradients, of_variables = returned[0], flatten(returned[1])[0]
        else:
            gradients = self._grad(*upstream)
        members = flatten(gradients)[0]
        for found, wanted, what in (
            (members, len(self._tensors), "arguments"),
            (of_variables, len(self._variables), "variables"),
        ):
            if len(found) != wanted:
                raise CustomRuleError(
                    f"the gradient function of {self.name} must return {wanted} gradients, one for each member of the "
                    f"{what}, but returned {len(found)}"
                )
        found = [g for g, tensor in zip(members, self._tensors, strict=True) if tensor] + of_variables
        return [None if g is None else lift(g) for g, floats in zip(found, self._floats, strict=True) if floats]

    def push(self, tangents: list[Tensor]) -> list[Tensor | None]:
        """See `Rule.push`."""
        return transposed(self.pull, self.results, tangents, f"the gradient function of {self.name}")

    def _check_takes_variables(self) -> None:
        parameters = inspect.signature(self._grad).parameters.values()
        if not any(p.name == "variables" or p.kind is p.VAR_KEYWORD for p in parameters):
            raise CustomRuleError(
                f"{self.name} reads variables ({', '.join(v.name for v in self._variables)}), so that its gradient "
                "function must accept a 'variables' keyword argument and return their gradients as well"
            )
