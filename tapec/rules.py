"""Derivative rules of single functions, which Python code gives: see `docs/design/0006-custom-derivatives.md`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, final

from tapec.argnums import copied
from tapec.argument_names import function_name
from tapec.derivative_graphs import pullback
from tapec.dispatch import cast
from tapec.errors import NotDifferentiableError, ShapeError
from tapec.ir.types import TensorType
from tapec.live_rules import LiveRule, record_custom, token_of
from tapec.ops import custom
from tapec.recording import ACTIVE, active
from tapec.rule_graphs import rule_graphs
from tapec.spaces import zeros
from tapec.structure_recorder import StructureRecorder
from tapec.tensor import Tensor
from tapec.vectorized_call import vectorized_call

# A linear function of tensors; None stands for zeros.
Linear = Callable[[list[Tensor]], list[Tensor | None]]


class Rule(LiveRule):
    """How the results of one call of a function move with its arguments: those of floating dtype, on both sides.

    Args:
        python: the function.
        args: types of the floating arguments.
        results: types of the floating results.
        pushes: whether `push` is what was given, and `pull` its transpose; otherwise it is the other way round.
    """

    def __init__(
        self,
        python: Callable[..., Any],
        args: Sequence[TensorType],
        results: Sequence[TensorType],
        *,
        pushes: bool = False,
    ) -> None:
        self.python = python
        self.name = function_name(python)
        self.args = tuple(args)
        self.results = tuple(results)
        self.pushes = pushes

    @abstractmethod
    def pull(self, cotangents: list[Tensor]) -> list[Tensor | None]:
        """Cotangents of the arguments from those of the results; None for zeros."""

    @abstractmethod
    def push(self, tangents: list[Tensor]) -> list[Tensor | None]:
        """Tangents of the results from those of the arguments; None for zeros."""

    @final
    def run(self, given: list[Tensor], sizes: tuple[int, ...], *, pulls: bool) -> list[Tensor]:
        """See `LiveRule.run`."""
        if sizes:
            return vectorized_call(lambda one: self.run(one, sizes[1:], pulls=pulls), given, sizes[0], self.name)
        if pulls:
            return checked(self.pull(given), self.args, f"the cotangent that the rule of {self.name} gives")
        return checked(self.push(given), self.results, f"the tangent that the rule of {self.name} gives")


def checked(found: list[Tensor | None], types: Sequence[TensorType], what: str) -> list[Tensor]:
    """What a rule returned, with zeros for None.

    Raises:
        ShapeError: something has another shape than what it belongs to.
    """
    full = []
    for i, (value, kind) in enumerate(zip(found, types, strict=True)):
        if value is None:
            full.append(zeros(kind))
            continue
        if value.shape != kind.shape:
            raise ShapeError(f"{what} has shape {value.shape} for number {i}, which has shape {kind.shape}")
        full.append(cast(value, kind.dtype.numpy))
    return full


def transposed(linear: Linear, types: Sequence[TensorType], cotangents: list[Tensor], what: str) -> list[Tensor | None]:
    """The transpose of a linear function, applied to `cotangents` of its results.

    Args:
        linear: the function.
        types: of its arguments.
        cotangents: one for each of its results.
        what: what messages call the function.

    Raises:
        NotDifferentiableError: the function is not linear.
    """
    recorder = StructureRecorder(watch_accessed_variables=False, strict=True)
    arguments = [copied(zeros(kind)) for kind in types]
    places = [recorder.watch(argument) for argument in arguments]
    with active(recorder):
        results = linear(arguments)
    found = [None if y is None else recorder.place(y) for y in results]
    reached = [(place, ct) for place, ct in zip(found, cotangents, strict=True) if place is not None]
    derivative = pullback(recorder, [place for place, _ in reached], places)
    if any(recorder.place(t) is not None for t in derivative.residuals):
        raise NotDifferentiableError(f"{what} is not linear, so that it has no transpose for the other mode")
    return derivative.run([ct for _, ct in reached])


def apply_rule(rule: Rule, args: Sequence[Tensor], results: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The results again, as tensors that move as `rule` says.

    Args:
        rule: of this call.
        args: the arguments, those that do not float included.
        results: the results, likewise.
    """
    recorders = ACTIVE.recorders
    if not any(recorder.differentiates for recorder in recorders):
        return tuple(results)
    attributes: dict[str, Any] = {"results": len(results), "args": len(args)}
    if ACTIVE.lasting or any(recorder.keeps_graph for recorder in recorders):
        captured, regions = rule_graphs(rule)
        return record_custom(custom.rule, (*results, *args, *captured), attributes, regions)
    signature = custom.signature([t.type for t in results])
    return record_custom(custom.live, (token_of(rule), *results, *args), attributes, (signature,))
