"""The text form: there and back, and read by MLIR itself."""

from __future__ import annotations

import math
import shutil
import struct
import subprocess
from contextlib import suppress

import pytest
from graph_text import body_of, graph_of
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import graphs, structure

from tapec.errors import ParseError
from tapec.ir import dtypes
from tapec.ir.graph import Graph, Location, Op
from tapec.ir.parser import parse_graph
from tapec.ir.primitive import Family, Primitive
from tapec.ir.printer import print_attribute, print_graph
from tapec.ir.types import tensor_type
from tapec.ops import PRIMITIVES

MLIR_OPT = next(filter(None, map(shutil.which, ["mlir-opt", *[f"mlir-opt-{v}" for v in range(25, 17, -1)]])), None)
needs_mlir = pytest.mark.skipif(MLIR_OPT is None, reason="mlir-opt is not installed (Debian: mlir-19-tools)")
F64X3 = tensor_type(dtypes.F64, (3,))


def through_mlir(text: str) -> str:
    arguments = [str(MLIR_OPT), "--allow-unregistered-dialect"]
    done = subprocess.run(arguments, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{text}"
    return done.stdout


# There and back ------------------------------------------------------------------------------------------------------


@given(graph=graphs())
@settings(max_examples=200, deadline=None)
def test_text_parses_back_to_the_same_graph(graph):
    text = print_graph(graph, locations=True)
    back = parse_graph(text, PRIMITIVES)
    assert structure(back) == structure(graph)
    assert print_graph(back, locations=True) == text
    plain = parse_graph(print_graph(graph), PRIMITIVES)
    assert structure(plain, locations=False) == structure(graph, locations=False)
    assert all(op.location is None for op in plain.ops)


@needs_mlir
@given(graph=graphs())
@settings(max_examples=25, deadline=None)
def test_mlir_reads_the_text_and_what_it_prints_parses_back(graph):
    """MLIR sorts attributes, prints numbers its own way and wraps the op in a module."""
    back = parse_graph(through_mlir(print_graph(graph, locations=True)), PRIMITIVES)
    assert structure(back, locations=False) == structure(graph, locations=False)


def test_the_text_of_a_graph():
    body = """
^bb0(%arg0: tensor<2x3xf64>, %arg1: tensor<i1>):
  "tapec.guard"(%arg1) {expected = 1 : i64} : (tensor<i1>) -> ()
  %0 = "tapec.constant"() {value = 0.5 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%arg0, %0) {tapec.phase = "adjoint"} : (tensor<2x3xf64>, tensor<f64>) -> tensor<2x3xf64>
  %2 = "tapec.sum"(%1) {axes = array<i64: 0, 1>} : (tensor<2x3xf64>) -> tensor<f64>
  "tapec.return"(%2, %arg0, %2) : (tensor<f64>, tensor<2x3xf64>, tensor<f64>) -> ()
"""
    graph = graph_of(body)
    assert body_of(graph) == body.strip()
    assert str(graph) == print_graph(graph) == f'"tapec.graph"() ({{{body}}}) {{sym_name = "f"}} : () -> ()\n'
    assert graph.ops[2].phase == "adjoint"


def test_locations_print_on_request():
    graph = Graph("f", ops=[Op(PRIMITIVES["iota"], (), {"axis": 0, "shape": (3,), "dtype": "f64"}, (F64X3,))])
    graph.ops[0].location = Location('a "b".py', 3)
    (line,) = print_graph(graph, locations=True).splitlines()[2:-2]
    assert line.endswith(' -> tensor<3xf64> loc("a \\22b\\22.py":3:0)')
    assert "loc(" not in print_graph(graph)


# Attributes ----------------------------------------------------------------------------------------------------------


class _Anything(Family):
    name = "anything"

    def infer(self, primitive, operands, attributes):
        return (F64X3,) * int(attributes.get("results", 1))


ANY = Primitive("any", _Anything(), 0, lambda: None, "For these tests.", ("a",))
MANY = Primitive("many", _Anything(), -1, lambda: None, "For these tests.", ("results",))

floats = st.floats() | st.integers(0, 2**64 - 1).map(lambda n: struct.unpack("<d", struct.pack("<Q", n))[0])
attributes = (
    st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | floats
    | st.text()
    | st.lists(st.integers(-(2**63), 2**63 - 1)).map(tuple)
    | st.lists(st.booleans()).map(tuple)
)


def exactly(value):
    """A form of an attribute in which types and all bits of a float count."""
    if isinstance(value, tuple):
        return [exactly(item) for item in value]
    return type(value), struct.pack("<d", value) if isinstance(value, float) else value


def with_attribute(value) -> Graph:
    return Graph("f", ops=[Op(ANY, (), {"a": value}, (F64X3,))])


@given(value=attributes)
@settings(max_examples=500, deadline=None)
def test_every_attribute_keeps_its_type_and_its_bits(value):
    (op,) = parse_graph(print_graph(with_attribute(value)), {"any": ANY}).ops
    assert exactly(op.attributes["a"]) == exactly(value)


@needs_mlir
@given(values=st.lists(attributes, min_size=20, max_size=20))
@settings(max_examples=15, deadline=None)
def test_every_attribute_comes_through_mlir(values):
    graph = Graph("f", ops=[Op(ANY, (), {"a": value}, (F64X3,)) for value in values])
    back = parse_graph(through_mlir(print_graph(graph)), {"any": ANY})
    assert [exactly(op.attributes["a"]) for op in back.ops] == [exactly(value) for value in values]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (3, "3 : i64"),
        (2**64 - 1, "18446744073709551615 : ui64"),
        (0.1, "0.1 : f64"),
        (-0.0, "-0.0 : f64"),
        (1e-300, "1.0e-300 : f64"),
        (math.inf, "0x7FF0000000000000 : f64"),
        (math.nan, "0x7FF8000000000000 : f64"),
        ('a"\\\né', '"a\\22\\5C\\0A\\C3\\A9"'),
        ((), "array<i64>"),
        ((1, -2), "array<i64: 1, -2>"),
        ((True, False), "array<i1: true, false>"),
    ],
)
def test_spelling(value, text):
    assert print_attribute(value) == text


@pytest.mark.parametrize("value", [2**64, None, [1], (1, True), (1.0,), (2**63,)])
def test_what_has_no_spelling_is_refused(value):
    with pytest.raises(TypeError, match="has no spelling as an attribute"):
        print_attribute(value)
    with pytest.raises(ParseError):  # but a broken graph still prints, so that it can be shown
        parse_graph(print_graph(with_attribute(value)), {"any": ANY})


# Several results, and none -------------------------------------------------------------------------------------------


def test_an_op_with_several_results():
    op = Op(MANY, (), {"results": 2}, (F64X3, F64X3))
    use = Op(MANY, (op.results[1],), {"results": 0}, ())
    text = print_graph(Graph("f", ops=[op, use], outputs=[op.results[1]]))
    assert '%0:2 = "tapec.many"() {results = 2 : i64} : () -> (tensor<3xf64>, tensor<3xf64>)' in text
    assert '  "tapec.many"(%0#1) {results = 0 : i64} : (tensor<3xf64>) -> ()' in text
    back = parse_graph(text.replace('"tapec.many"()', '"tapec.two"()'), {"many": MANY, "two": _TWO})
    assert back.outputs == [back.ops[0].results[1]]
    assert print_graph(back).replace("two", "many") == text


_TWO = Primitive("two", _Anything(), 0, lambda: None, "For these tests.", ("results",))


@needs_mlir
def test_mlir_reads_several_results():
    op = Op(MANY, (), {"results": 2}, (F64X3, F64X3))
    assert '%0:2 = "tapec.many"()' in through_mlir(print_graph(Graph("f", ops=[op], outputs=list(op.results))))


# Errors --------------------------------------------------------------------------------------------------------------

HEAD = '"tapec.graph"() ({\n^bb0(%arg0: tensor<3xf64>):\n'
TAIL = '  "tapec.return"(%arg0) : (tensor<3xf64>) -> ()\n}) {sym_name = "f"} : () -> ()\n'
NEG = '  %0 = "tapec.neg"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>\n'
SUM = '  %0 = "tapec.sum"(%arg0) {axes = array<i64: 0>} : (tensor<3xf64>) -> tensor<f64>\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'line 1, column 1: found the end of the text, expected "tapec.graph"'),
        ("func.func", 'line 1, column 1: found `func.func`, expected "tapec.graph"'),
        ('"tapec.neg"() ({', 'line 1, column 1: found another op, expected "tapec.graph"'),
        ('"arith.addf"() ({', 'line 1, column 1: found "arith.addf", expected "tapec.graph"'),
        (HEAD, "line 3, column 1: found the end of the text, expected an op such as"),
        (HEAD + TAIL + "x", "line 5, column 1: found `x`, expected the end of the text"),
        (HEAD + NEG + NEG + TAIL, "line 4, column 3: found `%0`, expected a name that is not defined yet"),
        (HEAD + NEG.replace("%arg0", "%7") + TAIL, "found `%7`, expected a value that is defined above"),
        (HEAD + NEG.replace("neg", "nag") + TAIL, 'found "tapec.nag", expected the name of a primitive'),
        (HEAD + NEG.replace("-> tensor<3x", "-> tensor<4x") + TAIL, "expected [tensor<3xf64>], which neg infers"),
        (HEAD + NEG.replace("(tensor<3x", "(tensor<4x") + TAIL, "expected tensor<3xf64>, the type of %arg0"),
        (HEAD + NEG.replace("(tensor<3xf64>)", "(tensor<xf64>)") + TAIL, "expected a type such as"),
        (HEAD + NEG.replace("(tensor<3xf64>)", "()") + TAIL, "found 0, expected 1 operand types"),
        (HEAD + NEG.replace("3xf64", "3xf8") + TAIL, "line 3, column 30: found unknown element type 'f8'"),
        (HEAD + NEG.replace("%0 =", "%0:2 =") + TAIL, "line 3, column 3: found 2, expected names for 1 results"),
        (HEAD + NEG.replace("%0 = ", "") + TAIL, "line 3, column 3: found 0, expected names for 1 results"),
        (HEAD + NEG.replace("%arg0", "%arg0, %arg0", 1).replace("(tensor<3xf64>)", "(tensor<3xf64>, tensor<3xf64>)"),
         "expected a valid neg"),
        (HEAD + SUM.replace("axes", "axis") + TAIL, "line 3, column 27: found axis, expected the attributes of sum"),
        (HEAD + SUM.replace(" {axes = array<i64: 0>}", "") + TAIL, "found none, expected the attributes of sum: axes"),
        (HEAD + SUM.replace("axes = ", "axes = array<i64: 0>, axes = ") + TAIL, "found `axes` again, expected each"),
        (HEAD + SUM.replace("i64: 0", "i32: 0") + TAIL, "found `i32`, expected i64 or i1"),
        (HEAD + SUM.replace("i64: 0", "i64: true") + TAIL, "found `true`, expected an integer"),
        (HEAD + SUM.replace("i64: 0", "i1: 0") + TAIL, "found `0`, expected `true` or `false`"),
        (HEAD + SUM.replace("i64: 0", "i64: 5") + TAIL, "found one that is not (sum: axis 5 is outside a rank of 1)"),
        (HEAD + SUM.replace("array<i64: 0>", "1 : i32") + TAIL, "found `i32`, expected i64, ui64 or f64"),
        (HEAD + SUM.replace("array<i64: 0>", "9223372036854775808 : i64") + TAIL, "expected an integer within i64"),
        (HEAD + SUM.replace("array<i64: 0>", "0x7F : f64") + TAIL, "found `0x7F`, expected 16 hexadecimal digits"),
        (HEAD + SUM.replace("array<i64: 0>", '"\\FF"') + TAIL, "expected a string whose bytes are UTF-8"),
        (HEAD + SUM.replace("array<i64: 0>", '"a') + TAIL, 'found `"`, expected'),
        (HEAD + TAIL.replace("sym_name", "name"), "line 4, column 4: found none, expected a `sym_name`, a string"),
        (HEAD + TAIL.replace("  ", "  %0 = ", 1), 'expected "tapec.return" with operands alone'),
        (HEAD.replace("%arg0:", "%arg0: tensor<f64>, %arg0:") + TAIL, "line 2, column 26: found `%arg0`"),
    ],
)  # fmt: skip
def test_errors_say_where_what_and_what_instead(text, message):
    with pytest.raises(ParseError) as caught:
        parse_graph(text, PRIMITIVES)
    assert message in str(caught.value)


def test_an_error_shows_the_line():
    with pytest.raises(ParseError) as caught:
        parse_graph(HEAD + NEG.replace("neg", "nag") + TAIL, PRIMITIVES)
    assert str(caught.value).splitlines()[1:] == [
        '    %0 = "tapec.nag"(%arg0) : (tensor<3xf64>) -> tensor<3xf64>',
        "         ^",
    ]


@given(graph=graphs(max_ops=3), cut=st.integers(0, 400), piece=st.sampled_from(["", '"', "%0", "}", "loc(", "€"]))
@settings(max_examples=200, deadline=None)
def test_damaged_text_never_gives_another_error(graph, cut, piece):
    text = print_graph(graph)
    with suppress(ParseError):
        parse_graph(text[:cut] + piece + text[cut + 1 :], PRIMITIVES)
