"""The rules of the IR, checked."""

from __future__ import annotations

from tapec.errors import TapecError, VerificationError
from tapec.ir.attributes import ATTRIBUTE_KINDS, attribute_kinds
from tapec.ir.graph import Graph, Op, Value
from tapec.ir.printer import print_lines

_AROUND = 3  # ops shown before and after the one that is wrong
_HEAD = 2  # lines of the text form before the first op


def verify(graph: Graph) -> None:
    """Checks every rule that a graph must keep; in the order of its ops, so the first defect is the one reported.

    - an input is made by no op, and no value is defined twice;
    - an op has as many operands as its primitive says, of the dtype kinds that it takes, all defined above it in this
      graph;
    - its attributes are those that the primitive declares, in that order, of the kinds in `tapec.ir.attributes`;
    - it has as many regions as its primitive says; each is a graph that keeps these rules, reads nothing from outside,
      and holds no op with an effect;
    - its results point back to it and have the types that the primitive's family infers;
    - every output is defined.

    Raises:
        VerificationError: a rule is broken; the message shows the op among its neighbours.
    """
    defined: set[Value] = set()
    for i, value in enumerate(graph.inputs):
        if value.op is not None:
            raise _error(graph, -1, f"input {i} is a result of {value.op.primitive.name}, not an input")
        if value in defined:
            raise _error(graph, -1, f"input {i} stands twice among the inputs")
        defined.add(value)
    for position, op in enumerate(graph.ops):
        for region in op.regions:
            verify(region)
        defect = (
            _defect_of_operands(op, defined)
            or _defect_of_attributes(op)
            or _defect_of_regions(op)
            or _defect_of_results(op, defined)
        )
        if defect is not None:
            raise _error(graph, position, f"{op.primitive.name}: {defect}")
        defined.update(op.results)
    for i, value in enumerate(graph.outputs):
        if value not in defined:
            raise _error(graph, len(graph.ops), f"output {i} is not defined in this graph")


def _defect_of_operands(op: Op, defined: set[Value]) -> str | None:
    arity, kinds = op.primitive.arity, op.primitive.operand_kinds
    if len(op.operands) != arity and (arity >= 0 or not op.operands):
        return f"takes {'one or more' if arity < 0 else arity} operands, has {len(op.operands)}"
    for i, value in enumerate(op.operands):
        if value not in defined:
            return f"operand {i} is not defined before it in this graph"
        if value.type.dtype.kind not in kinds:
            return f"operand {i} is {value.type!r}, of kind {value.type.dtype.kind!r}; it takes kinds {kinds!r}"
    return None


def _defect_of_attributes(op: Op) -> str | None:
    names, declared = tuple(op.attributes), op.primitive.attributes
    if names != declared:
        return f"declares the attributes {declared}, has {names}"
    for name, value in op.attributes.items():
        kinds = attribute_kinds(value)
        allowed = ATTRIBUTE_KINDS.get(name)
        if not kinds or (allowed is not None and not set(kinds) & set(allowed)):
            expected = "a Python number, string, or tuple of ints or bools" if allowed is None else " or ".join(allowed)
            return f"attribute {name!r} is {value!r} of type {type(value).__name__}; expected {expected}"
    return None


def _defect_of_regions(op: Op) -> str | None:
    count = op.primitive.regions
    if len(op.regions) != count and (count >= 0 or not op.regions):
        return f"takes {'one or more' if count < 0 else count} regions, has {len(op.regions)}"
    for i, region in enumerate(op.regions):
        for inner in region.ops:
            if "effect" in inner.primitive.traits:
                return f"region {i} holds {inner.primitive.name}, whose effect could happen any number of times"
    return None


def _defect_of_results(op: Op, defined: set[Value]) -> str | None:
    try:
        types = op.primitive.family.infer_regions(
            op.primitive, tuple([v.type for v in op.operands]), op.attributes, op.regions
        )
    except TapecError as error:
        return f"breaks its type rule: {error}"
    found = tuple([v.type for v in op.results])
    if found != types:
        return f"result types are {found}, inferred are {types}"
    for i, value in enumerate(op.results):
        if value.op is not op:
            return f"result {i} does not point back to its op"
        if value in defined or value in op.results[:i]:
            return f"result {i} is defined twice"
    return None


def _error(graph: Graph, position: int, defect: str) -> VerificationError:
    """The error for the op at `position`; -1 points at the inputs, one beyond the last op at the outputs."""
    lines = print_lines(graph)
    marked = position + _HEAD
    first, last = max(0, marked - _AROUND), min(len(lines), marked + _AROUND + 1)
    shown = [f"{'-->' if i == marked else '   '} {lines[i]}" for i in range(first, last)]
    location = graph.ops[position].location if 0 <= position < len(graph.ops) else None
    at = "" if location is None else f"\nwritten at {location}"
    return VerificationError(f"graph {graph.name!r}: {defect}{at}\n" + "\n".join(shown))
