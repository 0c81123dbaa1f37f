"""Reading the text form of graphs back (see `tapec.ir.printer`)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import final

from tapec.errors import TapecError
from tapec.ir import dtypes
from tapec.ir.builder import emit
from tapec.ir.graph import REGION, Attribute, Graph, Location, Value
from tapec.ir.lexer import Tokens
from tapec.ir.primitive import Primitive
from tapec.ir.printer import INT64_MAX, INT64_MIN, PHASE, UINT64_MAX
from tapec.ir.types import TensorType, tensor_type


def parse_graph(text: str, primitives: Mapping[str, Primitive]) -> Graph:
    """The graph that `text` describes, alone or wrapped in the `module { }` that mlir-opt adds.

    Args:
        text: one `"tapec.graph"` op in MLIR's generic form.
        primitives: every primitive that may occur, by name (`tapec.ops.PRIMITIVES`).

    Raises:
        ParseError: the text is no graph, names what is not known, or states a type that is not what its op infers. The
            message has line, column, what was found and what was expected.
    """
    tokens = Tokens(text)
    wrapped = tokens.accept("module")
    if wrapped:
        tokens.expect("{")
    graph = _Parser(tokens, primitives).graph()
    if wrapped:
        tokens.expect("}")
    if tokens.kind != "end":
        tokens.fail("the end of the text")
    return graph


@final
class _Parser:
    """A recursive-descent reader; `values` are the values defined so far, by name."""

    __slots__ = ("primitives", "tokens", "values")

    def __init__(self, tokens: Tokens, primitives: Mapping[str, Primitive]) -> None:
        self.tokens = tokens
        self.primitives = primitives
        self.values: dict[str, Value] = {}

    def name(self, expected: str) -> str:
        """A quoted op name, without its dialect."""
        start = self.tokens.start
        text = self.tokens.string(expected)
        if not text.startswith("tapec."):
            self.tokens.fail(expected, start, f'"{text}"')
        return text[len("tapec.") :]

    # Types and attributes --------------------------------------------------------------------------------------------

    def type(self) -> TensorType:
        """A tensor type."""
        start = self.tokens.start
        *extents, name = self.tokens.take("type", "a type such as tensor<3x4xf64>")[len("tensor<") : -1].split("x")
        try:
            dtype = dtypes.by_name(name)
        except TapecError as error:
            self.tokens.fail("a known element type", start, str(error))
        return tensor_type(dtype, tuple([int(n) for n in extents]))

    def types(self) -> list[TensorType]:
        """A parenthesised list of types."""
        self.tokens.expect("(")
        found: list[TensorType] = []
        while not self.tokens.accept(")"):
            if found:
                self.tokens.expect(",")
            found.append(self.type())
        return found

    def signature(self) -> tuple[list[TensorType], list[TensorType]]:
        """`: (operand types) -> result types`."""
        self.tokens.expect(":")
        operands = self.types()
        self.tokens.expect("->")
        return operands, [self.type()] if self.tokens.kind == "type" else self.types()

    def boolean(self) -> bool:
        """`true` or `false`."""
        if self.tokens.token not in ("true", "false"):
            self.tokens.fail("`true` or `false`")
        return self.tokens.advance() == "true"

    def attribute(self) -> Attribute:
        """An attribute's value, of the Python type that was printed."""
        if self.tokens.kind == "string":
            return self.tokens.string()
        if self.tokens.kind == "number":
            return self.number()
        if self.tokens.accept("array"):
            return self.array()
        return self.boolean()

    def number(self) -> int | float:
        """A number and its type: `3 : i64`, `0.5 : f64`, `0x7FF8000000000000 : f64`."""
        start = self.tokens.start
        token = self.tokens.advance()
        self.tokens.expect(":")
        at = self.tokens.start
        width = self.tokens.take("word", "i64, ui64 or f64")
        if width == "f64":
            if not token.startswith("0x"):
                return float(token)
            if len(token) != 18:
                self.tokens.fail("16 hexadecimal digits", start, f"`{token}`")
            return float(struct.unpack("<d", struct.pack("<Q", int(token, 16)))[0])
        low, high = {"i64": (INT64_MIN, INT64_MAX), "ui64": (0, UINT64_MAX)}.get(width, (0, -1))
        if low > high:
            self.tokens.fail("i64, ui64 or f64", at, f"`{width}`")
        if "." in token or token.startswith("0x") or not low <= int(token) <= high:
            self.tokens.fail(f"an integer within {width}", start, f"`{token}`")
        return int(token)

    def array(self) -> tuple[int, ...] | tuple[bool, ...]:
        """`<i64: 1, 2>`, `<i1: true>` or `<i64>`, after the word `array`."""
        self.tokens.expect("<")
        at = self.tokens.start
        width = self.tokens.take("word", "i64 or i1")
        if width not in ("i64", "i1"):
            self.tokens.fail("i64 or i1", at, f"`{width}`")
        items: list[int] = []
        if self.tokens.accept(":"):
            read = self.boolean if width == "i1" else self.tokens.integer
            items.append(read())
            while self.tokens.accept(","):
                items.append(read())
        self.tokens.expect(">")
        return tuple(items)

    def dictionary(self) -> dict[str, Attribute]:
        """`{name = value, ...}`, or nothing."""
        found: dict[str, Attribute] = {}
        if not self.tokens.accept("{"):
            return found
        while not self.tokens.accept("}"):
            if found:
                self.tokens.expect(",")
            at = self.tokens.start
            name = self.tokens.take("word", "an attribute's name")
            if name in found:
                self.tokens.fail("each attribute once", at, f"`{name}` again")
            self.tokens.expect("=")
            found[name] = self.attribute()
        return found

    def location(self) -> Location | None:
        """`loc("file":line:column)`, or nothing. The column is not kept: Python's tracebacks have lines."""
        if not self.tokens.accept("loc"):
            return None
        self.tokens.expect("(")
        filename = self.tokens.string("a file name")
        self.tokens.expect(":")
        line = self.tokens.integer()
        self.tokens.expect(":")
        self.tokens.integer()
        self.tokens.expect(")")
        return Location(filename, line)

    # Ops and graphs --------------------------------------------------------------------------------------------------

    def operands(self) -> list[tuple[str, int]]:
        """A parenthesised list of value names, each with its position."""
        self.tokens.expect("(")
        found: list[tuple[str, int]] = []
        while not self.tokens.accept(")"):
            if found:
                self.tokens.expect(",")
            at = self.tokens.start
            found.append((self.tokens.take("value", "a value such as %0"), at))
        return found

    def resolve(self, names: list[tuple[str, int]], types: list[TensorType], at: int) -> tuple[Value, ...]:
        """The values of `names`, whose stated types must be theirs."""
        if len(names) != len(types):
            self.tokens.fail(f"{len(names)} operand types", at, f"{len(types)}")
        out = []
        for (name, where), stated in zip(names, types, strict=True):
            value = self.values.get(name)
            if value is None:
                self.tokens.fail("a value that is defined above", where, f"`{name}`")
            if value.type != stated:
                self.tokens.fail(f"{value.type!r}, the type of {name}", at, repr(stated))
            out.append(value)
        return tuple(out)

    def define(self, name: str, value: Value, at: int) -> None:
        """Enters a value under a name that must be new."""
        if name in self.values:
            self.tokens.fail("a name that is not defined yet", at, f"`{name}`")
        self.values[name] = value

    def graph(self) -> Graph:
        """A whole `"tapec.graph"` op."""
        start = self.tokens.start
        if self.name('"tapec.graph"') != "graph":
            self.tokens.fail('"tapec.graph"', start, "another op")
        graph = Graph("")
        for mark in ("(", ")", "(", "{"):
            self.tokens.expect(mark)
        self.block(graph)
        self.tokens.expect(")")
        at = self.tokens.start
        name = self.dictionary().get("sym_name")
        if not isinstance(name, str):
            self.tokens.fail("a `sym_name`, a string", at, "none" if name is None else repr(name))
        graph.name = name
        at = self.tokens.start
        if self.signature() != ([], []):
            self.tokens.fail(": () -> ()", at, "other types")
        return graph

    def block(self, graph: Graph) -> None:
        """The inputs, ops and outputs of a graph, and the brace behind them."""
        if self.tokens.kind == "block":
            self.block_head(graph)
        while not self.statement(graph):
            pass
        self.tokens.expect("}")

    def regions(self) -> tuple[Graph, ...]:
        """`({ ... }, { ... })`, or nothing. A region sees no value from outside."""
        found: list[Graph] = []
        if not self.tokens.accept("("):
            return ()
        outer = self.values
        while not found or self.tokens.accept(","):
            self.tokens.expect("{")
            self.values = {}
            found.append(Graph(REGION))
            self.block(found[-1])
        self.values = outer
        self.tokens.expect(")")
        return tuple(found)

    def block_head(self, graph: Graph) -> None:
        """`^bb0(%arg0: type, ...):`, the graph's inputs."""
        self.tokens.advance()
        if self.tokens.accept("("):
            while not self.tokens.accept(")"):
                if graph.inputs:
                    self.tokens.expect(",")
                at = self.tokens.start
                name = self.tokens.take("value", "an argument such as %arg0")
                self.tokens.expect(":")
                self.define(name, graph.add_input(self.type()), at)
        self.tokens.expect(":")

    def statement(self, graph: Graph) -> bool:
        """One op; whether it was the terminator."""
        left, count, at_left = None, 1, self.tokens.start
        if self.tokens.kind == "value":
            left = self.tokens.advance()
            if self.tokens.accept(":"):
                count = self.tokens.integer()
            self.tokens.expect("=")
        at = self.tokens.start
        name = self.name('an op such as "tapec.add"')
        names = self.operands()
        regions = self.regions()
        at_attributes = self.tokens.start
        attributes = self.dictionary()
        at_types = self.tokens.start
        operand_types, result_types = self.signature()
        operands = self.resolve(names, operand_types, at_types)
        if name == "return":
            if left is not None or attributes or result_types or regions:
                self.tokens.fail('"tapec.return" with operands alone', at, "results, attributes or regions")
            graph.outputs = list(operands)
            self.location()
            return True
        primitive = self.primitives.get(name)
        if primitive is None:
            self.tokens.fail("the name of a primitive", at, f'"tapec.{name}"')
        phase = attributes.pop(PHASE, "primal")
        if not isinstance(phase, str) or attributes.keys() != set(primitive.attributes):
            expected = ", ".join(primitive.attributes) or "none"
            self.tokens.fail(f"the attributes of {name}: {expected}", at_attributes, ", ".join(attributes) or "none")
        ordered = {key: attributes[key] for key in primitive.attributes}
        try:
            op = emit(graph, primitive, operands, ordered, self.location(), phase, regions)
        except (TapecError, TypeError) as error:  # a TypeError: an attribute of a Python type that the rule cannot take
            self.tokens.fail(f"a valid {name}", at, f"one that is not ({error})")
        inferred = [v.type for v in op.results]
        if inferred != result_types:
            self.tokens.fail(f"{inferred}, which {name} infers", at_types, f"result types {result_types}")
        if len(inferred) != (0 if left is None else count):
            self.tokens.fail(f"names for {len(inferred)} results", at_left, f"{0 if left is None else count}")
        for i, value in enumerate(op.results):
            self.define(f"{left}" if len(inferred) == 1 else f"{left}#{i}", value, at_left)
        return False
