"""Which op of a function has the wrong derivative, once the function's own is known to be wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, final

from tapec.dispatch import apply, apply_control, apply_several
from tapec.ir.dtypes import FLOATS
from tapec.ir.graph import Graph, Location
from tapec.ir.primitive import Primitive
from tapec.live_rules import Token
from tapec.ops import custom
from tapec.recording import ACTIVE, active, user_location
from tapec.rules import Rule
from tapec.silent_recorder import SilentRecorder
from tapec.tensor import Tensor

if TYPE_CHECKING:
    from tapec.variable import Variable

# Whether a function of tensors has right derivatives at some.
Check = Callable[[Callable[..., Any], list[Tensor]], bool]


class _Application(NamedTuple):
    primitive: Primitive
    operands: tuple[Tensor, ...]
    attributes: dict[str, Any]
    regions: tuple[Graph, ...]
    results: tuple[Tensor, ...]
    several: bool
    location: Location | None

    def moving(self) -> list[int]:
        """Positions of the operands that derivatives may be taken by."""
        likes = range(0)
        if self.primitive.family is custom.CUSTOM:  # what the function computed inside does not count, only its rule
            first = int(self.primitive is custom.live)
            likes = range(first, first + len(self.results))
        return [i for i, t in enumerate(self.operands) if _floating(t) and not t._literal and i not in likes]

    def run(self, *tensors: Tensor) -> list[Tensor]:
        """Results that have derivatives, of the op with other tensors at the moving positions."""
        moved = list(self.operands)
        for i, tensor in zip(self.moving(), tensors, strict=True):
            moved[i] = tensor
        operands = tuple(moved)
        if self.regions:
            results = apply_control(self.primitive, operands, self.attributes, self.regions)
        elif self.several:
            results = apply_several(self.primitive, operands, self.attributes)
        else:
            results = (apply(self.primitive, operands, self.attributes),)
        return [t for t in results if _floating(t)]


def _floating(tensor: Tensor) -> bool:
    kind: str = tensor._array.dtype.kind
    return kind in FLOATS


@final
class _Listener(SilentRecorder):
    """Keeps every op that runs, with its operands."""

    __slots__ = ("applications",)

    differentiates: ClassVar[bool] = True  # so that custom rules are told, too

    def __init__(self) -> None:
        self.applications: list[_Application] = []

    def record(
        self, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], result: Tensor
    ) -> None:
        """See `Recorder.record`."""
        where = ACTIVE.location or user_location()
        self.applications.append(_Application(primitive, operands, attributes, (), (result,), False, where))

    def record_control(
        self,
        primitive: Primitive,
        operands: tuple[Tensor, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
        results: tuple[Tensor, ...],
    ) -> None:
        """See `Recorder.record_control`."""
        where = ACTIVE.location or user_location()
        self.applications.append(_Application(primitive, operands, attributes, regions, results, True, where))

    def read_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.read_variable`."""


def _differentiated(applications: list[_Application], outputs: list[Tensor]) -> list[_Application]:
    """The ops through which derivatives of `outputs` flow, in their order."""
    reached = {t._serial for t in outputs}
    found = []
    for op in reversed(applications):
        if any(_floating(t) and t._serial in reached for t in op.results):
            reached.update([op.operands[i]._serial for i in op.moving()])
            found.append(op)
    return found[::-1]


def wrong_op(fn: Callable[..., list[Tensor]], args: Sequence[Tensor], is_right: Check) -> str | None:
    """The first op of `fn` whose derivative is wrong by itself, in words; or the custom rules, if all ops are right.

    Args:
        fn: a function of tensors, which gives tensors.
        args: where it is wrong.
        is_right: checks one op.
    """
    listener = _Listener()
    with active(listener):
        outputs = fn(*args)
    rules: list[str] = []
    for op in _differentiated(listener.applications, outputs):
        where = f" at {op.location}" if op.location else ""
        if op.primitive.family is custom.CUSTOM:
            token = op.operands[0]
            rule = token.rule if isinstance(token, Token) else None
            of = f" of {rule.name}" if isinstance(rule, Rule) else ""
            rules.append(f"the custom rule{of}{where}")
        elif (moving := op.moving()) and not is_right(op.run, [op.operands[i] for i in moving]):
            return f"the op {op.primitive.name!r}{where}"
    return " or ".join(dict.fromkeys(rules)) or None
