"""`tp.RegisterGradient` and `tp.no_gradient`: derivatives for ops that are declared without one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar, final

import numpy as np

from tapec.bodies import imagined
from tapec.body_recorder import BodyRecorder
from tapec.dispatch import cast, lift
from tapec.errors import NotDifferentiableError, RegistrationError, ShapeError
from tapec.ir.graph import Graph, Value
from tapec.ir.primitive import Primitive
from tapec.ops.registry import PRIMITIVES
from tapec.ops.symbolic import Sym, broadcast
from tapec.tensor import Tensor, make

if TYPE_CHECKING:
    from tapec.passes.derivatives.table import Row

_Function = TypeVar("_Function", bound=Callable[..., Any])
_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Operation:
    """What a registered gradient is told of an op.

    Attributes:
        type: the op's name.
        inputs: its operands.
        outputs: its result, as a tuple of one.
        attributes: its attributes by name.
    """

    type: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    attributes: dict[str, Any]

    def get_attr(self, name: str) -> Any:
        """One attribute; `KeyError` if there is none of this name."""
        return self.attributes[name]


@final
class RegisterGradient:
    """Decorator: the function is the gradient of the op of this name, which has none.

    The function is called with an `Operation` and the gradient with respect to the op's result, and returns for each
    input the gradient with respect to it, or None; of an op of one input it need not be in a tuple. The function is
    recorded, on values that mean nothing, and becomes part of the programs that differentiate the op: so it computes
    with tensors of the op only, and does not ask for their values. Second derivatives are those of the function.
    Forward mode is its transpose, and needs it to be linear in the gradient that it is given.

    Args:
        op_type: the op's name, as the error names it which says that it has no gradient.

    Raises:
        RegistrationError: there is no such op, or it has a gradient.

    >>> RegisterGradient("adjust_contrst")
    Traceback (most recent call last):
    tapec.errors.RegistrationError: there is no op 'adjust_contrst'; did you mean 'adjust_contrast'?
    >>> RegisterGradient("sin")
    Traceback (most recent call last):
    tapec.errors.RegistrationError: the op 'sin' has a gradient already
    """

    def __init__(self, op_type: str) -> None:
        self._primitive = _registrable(op_type)

    def __call__(self, function: _Function) -> _Function:
        """Registers the function, and returns it."""
        from tapec.passes.derivatives.table import Explicit

        rule = _Rule(self._primitive, function)
        _enter(self._primitive, Explicit(tuple(range(self._primitive.arity)), rule.push, rule.pull))
        return function


def no_gradient(op_type: str) -> None:
    """Declares that the result of an op which has no gradient depends on nothing: asking for one gives None.

    Args:
        op_type: the op's name.

    Raises:
        RegistrationError: there is no such op, or it has a gradient.

    >>> no_gradient("sin")
    Traceback (most recent call last):
    tapec.errors.RegistrationError: the op 'sin' has a gradient already
    """
    from tapec.passes.derivatives.table import Excused

    _enter(_registrable(op_type), Excused("tp.no_gradient says so"))


def _registrable(op_type: str) -> Primitive:
    primitive = PRIMITIVES.get(op_type)
    if primitive is None:
        close = get_close_matches(op_type, PRIMITIVES, n=1)
        raise RegistrationError(f"there is no op {op_type!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
    _refuse_a_second(primitive)
    return primitive


def _refuse_a_second(primitive: Primitive) -> None:
    from tapec.passes.derivatives import DERIVATIVES
    from tapec.passes.derivatives.table import Missing

    if not isinstance(DERIVATIVES.get(primitive), Missing):
        raise RegistrationError(f"the op {primitive.name!r} has a gradient already")


def _enter(primitive: Primitive, row: Row) -> None:
    from tapec.passes.derivatives import DERIVATIVES

    with _LOCK:
        _refuse_a_second(primitive)
        DERIVATIVES[primitive] = row


@final
class _Rule:
    """A gradient as a row of the derivative table."""

    __slots__ = ("_function", "_primitive")

    def __init__(self, primitive: Primitive, function: Callable[..., Any]) -> None:
        self._primitive = primitive
        self._function = function

    def pull(self, active: tuple[int, ...], ct: Sym, out: Sym, *operands: Sym, **attributes: Any) -> dict[int, Sym]:
        """See `tapec.passes.derivatives.table.Explicit`."""
        recorded, found = self._record([ct, out, *operands], attributes)
        copies = _copy(recorded, [ct, out, *operands])
        return {i: copies[found[i]] for i in active if i in found}

    def push(self, moving: dict[int, Sym], out: Sym, *operands: Sym, **attributes: Any) -> Sym:
        """The transpose of `pull`, in which the gradient that is given does not appear."""
        from tapec.passes.adjoint import adjoint

        zero = broadcast(out.constant(0.0), out.shape)
        recorded, found = self._record([zero, out, *operands], attributes)
        pulled = [i for i in moving if i in found]
        given = recorded.inputs[0]
        transposed = adjoint(recorded, [found[i] for i in pulled], [given])
        if transposed.gradients[0] is None:
            return zero
        if given in _read_by(recorded, transposed.residuals):
            raise NotDifferentiableError(
                f"the gradient registered for {self._primitive.name!r} is not linear in the gradient that it is given, "
                "so that it has no transpose for forward mode"
            )
        copies = _copy(recorded, [zero, out, *operands])
        inputs = [moving[i] for i in pulled] + [copies[v] for v in transposed.residuals]
        return _copy(transposed.graph, inputs)[transposed.gradients[0]]

    def _record(self, symbols: Sequence[Sym], attributes: dict[str, Any]) -> tuple[Graph, dict[int, Value]]:
        """The graph of the function, whose inputs are the gradient, the result and the operands; and its results."""
        name = f"the gradient registered for {self._primitive.name!r}"
        recorder = BodyRecorder(name, hoist=False)
        samples = [np.broadcast_to(np.zeros((), x.dtype.numpy), x.shape) for x in symbols]
        with imagined(), recorder.recording():
            ct, out, *operands = [recorder.add_input(make(sample)) for sample in samples]
            returned = self._function(Operation(self._primitive.name, tuple(operands), (out,), attributes), ct)
            gradients = list(returned) if isinstance(returned, tuple | list) else [returned]
            if len(gradients) != len(operands):
                raise ShapeError(
                    f"{name} returned {len(gradients)} gradients for {len(operands)} inputs; use None for no gradient"
                )
            found = {
                i: cast(lift(g, operands[i].dtype), operands[i].dtype) for i, g in enumerate(gradients) if g is not None
            }
            for i, gradient in found.items():
                if gradient.shape != operands[i].shape:
                    raise ShapeError(
                        f"{name} returned shape {gradient.shape} for input {i}, which has shape {operands[i].shape}"
                    )
            recorder.finish(list(found.values()))
        if recorder.captured:
            raise RegistrationError(
                f"{name} read a tensor, Variable or array that is none of the op's; compute with op.inputs, op.outputs "
                "and numbers"
            )
        region = recorder.region([])
        return region, dict(zip(found, region.outputs, strict=True))


def _copy(graph: Graph, inputs: Sequence[Sym]) -> dict[Value, Sym]:
    """Appends the ops of a graph to that of `inputs`; what stands there for each value."""
    from tapec.passes.splice import copy_ops

    builder = inputs[0].builder
    mapping = dict(zip(graph.inputs, [x.value for x in inputs], strict=True))
    copy_ops(graph.ops, builder.graph, mapping, builder.phase)
    return {value: Sym(builder, copy) for value, copy in mapping.items()}


def _read_by(graph: Graph, values: Sequence[Value]) -> set[Value]:
    """What `values` are computed from, themselves included."""
    read = set(values)
    for op in reversed(graph.ops):
        if not read.isdisjoint(op.results):
            read.update(op.operands)
    return read
