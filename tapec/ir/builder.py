"""Appending ops to a graph. Passes write through `Builder`; formulas read better through `tapec.ops.symbolic`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tapec.errors import DTypeError, ShapeError
from tapec.ir.graph import Attribute, Graph, Location, Op, Value

if TYPE_CHECKING:
    from tapec.ir.primitive import Primitive
    from tapec.ir.types import TensorType


class Builder:
    """Appends ops to `graph`; every op made here has the builder's current `location` and `phase`."""

    __slots__ = ("graph", "location", "phase")

    def __init__(self, graph: Graph, phase: str = "primal") -> None:
        self.graph = graph
        self.location: Location | None = None
        self.phase = phase

    def emit(
        self,
        primitive: Primitive,
        operands: tuple[Value, ...],
        attributes: dict[str, Any] | None = None,
        regions: tuple[Graph, ...] = (),
    ) -> Op:
        """Appends one op, its result types inferred by the primitive's family."""
        return emit(self.graph, primitive, operands, attributes or {}, self.location, self.phase, regions)


def emit(
    graph: Graph,
    primitive: Primitive,
    operands: tuple[Value, ...],
    attributes: dict[str, Attribute],
    location: Location | None = None,
    phase: str = "primal",
    regions: tuple[Graph, ...] = (),
) -> Op:
    """Appends one op to `graph`.

    Raises:
        ShapeError, DTypeError, AttributeValueError: what the family's type rule says of the operands.
    """
    if len(operands) == 2:  # spelled out, as most ops are
        types: tuple[TensorType, ...] = (operands[0].type, operands[1].type)
    else:
        types = tuple([v.type for v in operands])
    if not attributes and not regions:
        known = _KNOWN.get((primitive, types))
        if known is not None:
            op = Op(primitive, operands, attributes, known, location, phase)
            graph.ops.append(op)
            return op
    results = result_types(primitive, types, attributes, regions)
    if not attributes and not regions:
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[primitive, types] = results
    op = Op(primitive, operands, attributes, results, location, phase, regions)
    graph.ops.append(op)
    return op


def result_types(
    primitive: Primitive,
    types: tuple[TensorType, ...],
    attributes: dict[str, Attribute],
    regions: tuple[Graph, ...] = (),
) -> tuple[TensorType, ...]:
    """The types that an op on operands of `types` gives.

    Raises:
        ShapeError, DTypeError, AttributeValueError: the primitive, or its family's type rule, does not take them.
    """
    if primitive.arity not in (len(types), -1):
        raise ShapeError(f"{primitive.name} takes {primitive.arity} operands, got {len(types)}")
    for type_ in types:
        if type_.dtype.kind not in primitive.operand_kinds:
            raise DTypeError(
                f"{primitive.name} takes operands of kind {primitive.operand_kinds!r}, got {type_.dtype.numpy}"
            )
    if primitive.regions != len(regions) and (primitive.regions >= 0 or not regions):
        raise ShapeError(f"{primitive.name} takes {primitive.regions} regions, got {len(regions)}")
    return primitive.family.infer_regions(primitive, types, attributes, regions)


# Result types of ops without attributes, which depend on nothing but the operands' types.
_KNOWN: dict[tuple[Primitive, tuple[TensorType, ...]], tuple[TensorType, ...]] = {}
_MOST_KNOWN: Final = 65_536
