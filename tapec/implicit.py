"""Solutions of equations, with implicit derivatives: `tp.fixed_point` and `tp.root`.

The derivative of a solution is that of the equation which it solves, whichever way it was found: a linear system with
the equation's Jacobian. The rule calls the solver again, so that derivatives of it are implicit as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapec.custom_jvps import custom_jvp
from tapec.derivative_maps import jvp
from tapec.dispatch import lift
from tapec.jacobians import jacobian
from tapec.passthrough import stop_gradient
from tapec.tensor import Tensor
from tapec.while_loops import while_loop

_Equation = Callable[..., Any]


def root(fn: _Equation, x0: Any, *args: Any, tol: float = 1e-12, max_steps: int = 100) -> Any:
    """An x with `fn(x, *args) = 0`, by Newton's method from `x0`.

    It differentiates with respect to `args` in both modes, by the implicit function theorem. What `fn` reaches
    by itself is constant, and so is `x0`.

    Args:
        fn: gives an array of the shape of x. It is differentiable in x, its Jacobian invertible.
        x0: where to begin: a floating array.
        args: tensors, arrays or numbers.
        tol: steps end when no element of `fn` is larger.
        max_steps: steps end after this many; what they have come to is the result.

    >>> import numpy as np, tapec as tp
    >>> tp.grad(lambda a: tp.root(lambda x, a: x * x - a, 1.0, a))(4.0).round(12)
    np.float64(0.25)
    """

    def steps(x: Tensor, *given: Tensor) -> Any:
        def step(state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            x, count = state
            return x - _solved(jacobian(fn)(x, *given), fn(x, *given)), count + 1

        def goes_on(state: tuple[Tensor, Tensor]) -> Any:
            return (np.max(np.abs(fn(state[0], *given))) > tol) & (state[1] < max_steps)

        return while_loop(goes_on, step, (x, 0))[0]

    return _implicit(fn, steps, x0, args)


def fixed_point(fn: _Equation, x0: Any, *args: Any, tol: float = 1e-12, max_steps: int = 1000) -> Any:
    """An x with `fn(x, *args) = x`, by applying `fn` again and again, from `x0` on.

    Derivatives are as those of `tp.root`, of the equation `fn(x, *args) - x = 0`.

    Args:
        fn: gives an array of the shape of x.
        x0: where to begin: a floating array.
        args: tensors, arrays or numbers.
        tol: rounds end when no element has changed by more.
        max_steps: rounds end after this many; what they have come to is the result.

    >>> import numpy as np, tapec as tp
    >>> tp.fixed_point(lambda x, a: np.cos(a * x), 1.0, 1.0).numpy().round(6)
    np.float64(0.739085)
    """

    def steps(x: Tensor, *given: Tensor) -> Any:
        def step(state: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
            x, _, count = state
            new = fn(x, *given)
            return new, np.max(np.abs(new - x)), count + 1

        first = fn(x, *given)
        change = np.max(np.abs(first - x))
        return while_loop(lambda s: (s[1] > tol) & (s[2] < max_steps), step, (first, change, 1))[0]

    return _implicit(lambda x, *given: fn(x, *given) - x, steps, x0, args)


def _implicit(equation: _Equation, steps: _Equation, x0: Any, args: tuple[Any, ...]) -> Any:
    """What `steps` finds, moving with `args` as the equation says."""
    start = stop_gradient(lift(x0))

    @custom_jvp
    def solution(*given: Tensor) -> Any:
        return steps(start, *given)

    @solution.defjvp
    def rule(primals: tuple[Tensor, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        x = solution(*primals)
        moving = [i for i, t in enumerate(tangents) if t is not None]

        def of_moving(*some: Tensor) -> Any:
            given = list(primals)
            for i, value in zip(moving, some, strict=True):
                given[i] = value
            return equation(x, *given)

        pushed = jvp(of_moving, tuple([primals[i] for i in moving]), tuple([tangents[i] for i in moving]))[1]
        return x, -_solved(jacobian(lambda y: equation(y, *primals))(x), pushed)

    return solution(*[lift(a) for a in args])


def _solved(matrix: Any, right: Any) -> Any:
    """The solution of a linear system whose sides have the shapes of a Jacobian and of what was differentiated."""
    right = lift(right)
    flat = np.linalg.solve(np.reshape(lift(matrix), (right.size, right.size)), np.reshape(right, (right.size, 1)))
    return np.reshape(flat, right.shape)
