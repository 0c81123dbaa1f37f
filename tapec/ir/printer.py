"""The text form of graphs: MLIR's generic form, which `mlir-opt --allow-unregistered-dialect` reads.

The text of a graph depends on its structure alone: inputs are numbered `%arg0`, `%arg1`, ... and ops that have results
`%0`, `%1`, ... in order. A region goes on counting where the op that holds it stands, since MLIR lets no name hide an
outer one. `tapec.ir.parser` reads it back.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Sequence
from typing import final

from tapec.ir.graph import Attribute, Graph, Location, Op, Value

_PLAIN = re.compile(r'[^"\\ -~]|["\\]')
INT64_MIN, INT64_MAX, UINT64_MAX = -(2**63), 2**63 - 1, 2**64 - 1
PHASE = "tapec.phase"  # MLIR wants a dialect's name before an attribute that no op declares


def quote(text: str) -> str:
    """`text` as an MLIR string literal: what is not printable ASCII becomes the hexadecimal bytes of its UTF-8."""
    escaped = _PLAIN.sub(lambda m: "".join(f"\\{b:02X}" for b in m[0].encode("utf-8", "surrogatepass")), text)
    return f'"{escaped}"'


def _float(value: float) -> str:
    if not math.isfinite(value):  # MLIR has no literals for these; the bits also keep a NaN's sign and payload
        return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X} : f64"
    text = repr(value)
    if "." not in text:  # Python writes 1e-300, MLIR wants 1.0e-300
        mantissa, _, exponent = text.partition("e")
        text = f"{mantissa}.0e{exponent}"
    return f"{text} : f64"


def _spell(value: Attribute) -> str | None:
    kind = type(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int and INT64_MIN <= value <= UINT64_MAX:  # type: ignore[operator]
        return f"{value} : i64" if value <= INT64_MAX else f"{value} : ui64"  # type: ignore[operator]
    if kind is float:
        return _float(value)  # type: ignore[arg-type]
    if kind is str:
        return quote(value)  # type: ignore[arg-type]
    if isinstance(value, tuple):
        kinds = {type(item) for item in value}
        if not kinds:
            return "array<i64>"
        if kinds == {bool}:
            return f"array<i1: {', '.join('true' if item else 'false' for item in value)}>"
        if kinds == {int} and all(INT64_MIN <= item <= INT64_MAX for item in value):
            return f"array<i64: {', '.join(map(str, value))}>"
    return None


def print_attribute(value: Attribute) -> str:
    """The spelling of an attribute's value.

    Raises:
        TypeError: `value` is none of the kinds that `Attribute` lists, or holds an integer beyond 64 bits.
    """
    spelling = _spell(value)
    if spelling is None:
        raise TypeError(f"{value!r} of type {type(value).__name__} has no spelling as an attribute")
    return spelling


@final
class _Names:
    """Names of the values of a graph and of its regions; `inputs` and `ops` count those that have a name."""

    __slots__ = ("inputs", "of", "ops")

    def __init__(self) -> None:
        self.of: dict[Value, str] = {}
        self.inputs = self.ops = 0

    def enter(self, graph: Graph) -> None:
        """Names the values of a graph."""
        for value in graph.inputs:
            self.of[value] = f"%arg{self.inputs}"
            self.inputs += 1
        for op in graph.ops:
            if len(op.results) == 1:
                self.of.setdefault(op.results[0], f"%{self.ops}")
            else:
                for i, value in enumerate(op.results):
                    self.of.setdefault(value, f"%{self.ops}#{i}")
            self.ops += bool(op.results)
            for region in op.regions:
                self.enter(region)

    def join(self, values: Sequence[Value]) -> str:
        """Names in a list."""
        return ", ".join([self.of.get(v, "%undefined") for v in values])


def _print_location(location: Location | None) -> str:
    return "" if location is None else f" loc({quote(location.filename)}:{location.line}:0)"


def _print_op(op: Op, names: _Names, locations: bool, indent: str) -> str:
    parts = [indent]
    if op.results:
        left = names.of[op.results[0]]
        parts.append(f"{left} = " if len(op.results) == 1 else f"{left.partition('#')[0]}:{len(op.results)} = ")
    parts.append(f'"tapec.{op.primitive.name}"({names.join(op.operands)})')
    if op.regions:
        regions = ["\n".join(["{", *_block(r, names, locations, indent), f"{indent}}}"]) for r in op.regions]
        parts.append(f" ({', '.join(regions)})")
    attributes = [f"{name} = {_spell(value) or f'?{value!r}'}" for name, value in op.attributes.items()]
    if op.phase != "primal":
        attributes.append(f"{PHASE} = {quote(op.phase)}")
    if attributes:
        parts.append(f" {{{', '.join(attributes)}}}")
    operands = ", ".join([repr(v.type) for v in op.operands])
    results = ", ".join([repr(v.type) for v in op.results])
    parts.append(f" : ({operands}) -> {results if len(op.results) == 1 else f'({results})'}")
    if locations:
        parts.append(_print_location(op.location))
    return "".join(parts)


def _block(graph: Graph, names: _Names, locations: bool, indent: str) -> list[str]:
    """The head, one entry for each op, and the terminator."""
    arguments = ", ".join([f"{names.of[v]}: {v.type!r}" for v in graph.inputs])
    types = ", ".join([repr(v.type) for v in graph.outputs])
    return [
        f"{indent}^bb0({arguments}):" if arguments else f"{indent}^bb0:",
        *[_print_op(op, names, locations, f"{indent}  ") for op in graph.ops],
        f'{indent}  "tapec.return"({names.join(graph.outputs)}) : ({types}) -> ()',
    ]


def print_lines(graph: Graph, *, locations: bool = False) -> list[str]:
    """The lines of `print_graph`: two of the head, one for each op, two of the end.

    That of an op with regions has line breaks inside.
    """
    names = _Names()
    names.enter(graph)
    return [
        '"tapec.graph"() ({',
        *_block(graph, names, locations, ""),
        f"}}) {{sym_name = {quote(graph.name)}}} : () -> ()",
    ]


def print_graph(graph: Graph, *, locations: bool = False) -> str:
    """The text of `graph`, ending in a line break; with the user's lines as `loc(...)` if `locations`.

    Graphs that break the rules print too, so that errors can show them: a value that the graph does not define prints
    as `%undefined`, an attribute without a spelling as `?` and its repr. No parser accepts either.
    """
    return "\n".join(print_lines(graph, locations=locations)) + "\n"
