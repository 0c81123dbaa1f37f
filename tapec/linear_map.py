"""Derivatives at a point as functions: the pushforward that `tp.linearize` gives, the pullback that `tp.vjp` gives."""

from __future__ import annotations

from typing import Any, final

from tapec.eager_mode import eager
from tapec.function import Function
from tapec.replay import Program
from tapec.results import Lasting
from tapec.spaces import Space
from tapec.tensor import Tensor


@final
class LinearProgram(Lasting):
    """A derivative graph between two spaces, of which the values it reads are still open. Compiled when it runs again.

    Args:
        program: its inputs are those members of `source` that are `used`, then the residuals.
        source: the space of its argument.
        used: for each member of `source` whether the results can depend on it.
        target: the space of its results.
        connected: for each member of `target` whether the program gives it; the others are zero.
        argument: what messages call its argument.
        model: what messages call that which has the structure of `source`.
    """

    def __init__(
        self,
        program: Program,
        source: Space,
        used: list[bool],
        target: Space,
        connected: list[bool],
        argument: str,
        model: str,
    ) -> None:
        self._program = program
        self._source = source
        self._used = used
        self._target = target
        self._connected = connected
        self._argument = argument
        self._model = model
        self._function = Function(self._apply)
        self._has_run = False

    def __call__(self, residuals: list[Any], argument: Any) -> Any:
        """The result for these residuals."""
        if self._has_run:
            return self._function(residuals, argument)
        self._has_run = True
        with eager():
            return self._function(residuals, argument)

    def _apply(self, residuals: list[Tensor], argument: Any) -> Any:
        members = self._source.members(argument, self._argument, self._model)
        seeds = [member for member, used in zip(members, self._used, strict=True) if used]
        results = iter(self._program.run([*seeds, *residuals]))
        return self._target.filled([next(results) if connected else None for connected in self._connected])


@final
class Pushforward:
    """A function's derivative at a point: tangents of the arguments in, the tangent of the result out."""

    def __init__(self, program: LinearProgram, residuals: list[Any]) -> None:
        self._program = program
        self._residuals = residuals

    def __call__(self, *tangents: Any) -> Any:
        """The tangent of the result, in its structure; `tangents` are one for each argument, None for zeros.

        Raises:
            ValueError: a tangent has other containers than its argument.
            ShapeError: a tangent has another shape than its argument.
        """
        return self._program(self._residuals, tangents)


@final
class Pullback:
    """The adjoint of a function's derivative at a point: a cotangent of the result in, those of the arguments out."""

    def __init__(self, program: LinearProgram, residuals: list[Any]) -> None:
        self._program = program
        self._residuals = residuals

    def __call__(self, cotangent: Any) -> tuple[Any, ...]:
        """A cotangent for each argument, in its structure; None within `cotangent` stands for zeros.

        Raises:
            ValueError: the cotangent has other containers than the result.
            ShapeError: the cotangent has another shape than the result.
        """
        found: tuple[Any, ...] = self._program(self._residuals, cotangent)
        return found
