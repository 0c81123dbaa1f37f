"""The IR itself: values, ops and graphs in static single assignment form.

A graph is a straight line of ops; an op's operands are defined before it. Loops and branches are ops with regions,
which are graphs again. Nothing here knows what an op means: that is
`tapec.ops`. Data are changed only by making new ops and new graphs; a pass never edits the graph it was given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tapec.ir.types import TensorType

if TYPE_CHECKING:
    from tapec.ir.primitive import Primitive

# What an attribute may hold: each has one spelling in the text form (`tapec.ir.printer`).
Attribute = bool | int | float | str | tuple[int, ...] | tuple[bool, ...]

REGION: Final = "region"  # the name of graphs that are regions; the text form does not show it


class Location(NamedTuple):
    """A line of the user's program."""

    filename: str
    line: int

    def __str__(self) -> str:
        return f"{self.filename}:{self.line}"


class Value:
    """One tensor in a graph: a graph's input, or a result of an op. Compared by identity."""

    __slots__ = ("op", "type")

    op: Op | None
    type: Final[TensorType]

    def __init__(self, type: TensorType, op: Op | None = None) -> None:
        self.type = type
        self.op = op

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents of the value's type."""
        return self.type.shape

    def __repr__(self) -> str:
        made = "input" if self.op is None else self.op.primitive.name
        return f"<Value {self.type!r} of {made}>"


class Op:
    """One application of a primitive.

    Attributes:
        primitive: what is applied.
        operands: values it reads.
        attributes: its compile-time parameters, in the order in which the primitive declares them.
        results: values it makes.
        location: the user's line, where it is known.
        phase: `"primal"` for what the user wrote, `"adjoint"` or `"tangent"` for what a derivative pass wrote.
        regions: bodies of control flow. They are isolated: what they read comes in through their own inputs.
    """

    __slots__ = ("attributes", "location", "operands", "phase", "primitive", "regions", "results")

    def __init__(
        self,
        primitive: Primitive,
        operands: tuple[Value, ...],
        attributes: dict[str, Attribute],
        result_types: tuple[TensorType, ...],
        location: Location | None = None,
        phase: str = "primal",
        regions: tuple[Graph, ...] = (),
    ) -> None:
        self.primitive = primitive
        self.operands = operands
        self.attributes = attributes
        # Most ops have one result, and a comprehension costs as much as all the rest.
        self.results = (
            (Value(result_types[0], self),) if len(result_types) == 1 else tuple([Value(t, self) for t in result_types])
        )
        self.location = location
        self.phase = phase
        self.regions = regions

    @property
    def result(self) -> Value:
        """The only result; most ops have just one."""
        (value,) = self.results
        return value

    def __repr__(self) -> str:
        return f"<Op {self.primitive.name}>"


class Graph:
    """Inputs, ops in order, and outputs.

    Attributes:
        name: the symbol that the text form prints.
        inputs: values given from outside.
        ops: ops in an order in which every operand is defined before its use.
        outputs: values handed back; the same value may stand more than once.
    """

    __slots__ = ("inputs", "name", "ops", "outputs")

    def __init__(
        self,
        name: str,
        inputs: list[Value] | None = None,
        ops: list[Op] | None = None,
        outputs: list[Value] | None = None,
    ) -> None:
        self.name = name
        self.inputs: list[Value] = inputs if inputs is not None else []
        self.ops: list[Op] = ops if ops is not None else []
        self.outputs: list[Value] = outputs if outputs is not None else []

    def add_input(self, type: TensorType) -> Value:
        """A new input of this type, behind those that exist."""
        value = Value(type)
        self.inputs.append(value)
        return value

    def __str__(self) -> str:
        from tapec.ir.printer import print_graph  # the printer reads graphs; only their str() needs it

        return print_graph(self)

    def __repr__(self) -> str:
        return f"<Graph {self.name}: {len(self.inputs)} inputs, {len(self.ops)} ops, {len(self.outputs)} outputs>"


def attributes_key(attributes: dict[str, Any]) -> tuple[Any, ...]:
    """A hashable form of attributes in which 1, 1.0, True, 0.0 and -0.0 are all different, and NaN equals itself."""
    return tuple(
        (name, type(value), value.hex() if isinstance(value, float) else value) for name, value in attributes.items()
    )
