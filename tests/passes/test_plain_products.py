"""Products with cotangents become plain where nothing infinite can meet a zero, and only there."""

import numpy as np
import pytest
from graph_text import graph_of
from random_graphs import assert_same_bits, evaluate, random_inputs

import tapec as tp
from tapec.ops import elementwise as ew
from tapec.passes.non_finite import NonFinite
from tapec.passes.plain_products import PlainProducts

INPUTS = "%arg0: tensor<3xf64>, %arg1: tensor<3xf64>, %arg2: tensor<f64>, %arg3: tensor<2x3xf64>, %arg4: tensor<3xi1>"
TYPES = {"0": "3xf64", "1": "3xf64", "2": "f64", "3": "2x3xf64", "4": "3xi1"}


def text(lines, result):
    """The text of a graph: each line is an op, its operands, and its result's shape."""
    types, made = {f"%arg{i}": t for i, t in TYPES.items()}, []
    for name, operands, out, *attributes in lines:
        of = ", ".join(f"tensor<{types[v]}>" for v in operands)
        words = f" {{{attributes[0]}}}" if attributes else ""
        made.append(f'  %{len(made)} = "tapec.{name}"({", ".join(operands)}){words} : ({of}) -> tensor<{out}>')
        types[f"%{len(made) - 1}"] = out
    body = "\n".join(made)
    return f'\n^bb0({INPUTS}):\n{body}\n  "tapec.return"({result}) : (tensor<{types[result]}>) -> ()\n'


V, W = "3xf64", "2x3xf64"
PLAIN = {
    "a product's factor": [
        ("mul", ["%arg0", "%arg1"], V), ("sub", ["%0", "%arg2"], V), ("strong_mul", ["%1", "%arg1"], V),
    ],
    "one number for all": [("add", ["%arg0", "%arg2"], V), ("strong_mul", ["%0", "%arg2"], V)],
    "a row for all rows": [("sub", ["%arg3", "%arg0"], W), ("strong_mul", ["%0", "%arg0"], W)],
    "what has one number for each column": [("neg", ["%arg0"], V), ("strong_mul", ["%0", "%arg0"], V)],
    "a dividend": [("div", ["%arg0", "%arg1"], V), ("strong_mul", ["%0", "%arg0"], V)],
    "functions that keep it": [
        ("sqrt", ["%arg0"], V), ("log", ["%0"], V), ("sin", ["%1"], V), ("strong_mul", ["%2", "%arg0"], V),
    ],
    "a positive power": [
        ("integer_pow", ["%arg0"], V, "exponent = 3 : i64"), ("strong_mul", ["%0", "%arg0"], V),
    ],
    "a bounded function of it": [
        ("mul", ["%arg0", "%arg0"], V), ("cos", ["%arg0"], V), ("strong_mul", ["%0", "%1"], V),
    ],
    "the larger one of two": [
        ("mul", ["%arg0", "%arg1"], V), ("maximum", ["%arg0", "%arg1"], V), ("strong_mul", ["%0", "%1"], V),
    ],
    "a strong product's first factor": [
        ("strong_mul", ["%arg0", "%arg1"], V), ("add", ["%0", "%arg2"], V), ("strong_mul", ["%1", "%arg0"], V),
    ],
    "itself in another shape": [
        ("reshape", ["%arg0"], "1x3xf64", "shape = array<i64: 1, 3>"),
        ("reshape", ["%0"], V, "shape = array<i64: 3>"), ("strong_mul", ["%1", "%arg0"], V),
    ],
    "a number made of a mask": [
        ("cast", ["%arg4"], V, 'dtype = "f64"'), ("strong_mul", ["%arg0", "%0"], V),
    ],
}  # fmt: skip
STRONG = {
    "another value": [("neg", ["%arg0"], V), ("strong_mul", ["%0", "%arg1"], V)],
    "a divisor": [("div", ["%arg1", "%arg0"], V), ("strong_mul", ["%0", "%arg0"], V)],
    "an exponential": [("exp", ["%arg0"], V), ("strong_mul", ["%0", "%arg0"], V)],
    "a negative power": [
        ("integer_pow", ["%arg0"], V, "exponent = -1 : i64"), ("strong_mul", ["%0", "%arg0"], V),
    ],
    "a bounded function as cotangent": [("tanh", ["%arg0"], V), ("strong_mul", ["%0", "%arg0"], V)],
    "a factor that overflows by itself": [("mul", ["%arg0", "%arg0"], V), ("strong_mul", ["%arg0", "%0"], V)],
    "a logarithm of it": [("log", ["%arg0"], V), ("strong_mul", ["%arg0", "%0"], V)],
    "what is chosen": [
        ("select", ["%arg4", "%arg0", "%arg1"], V), ("strong_mul", ["%0", "%arg0"], V),
    ],
    "a strong product's second factor": [("strong_mul", ["%arg1", "%arg0"], V), ("strong_mul", ["%0", "%arg0"], V)],
    "the same elements elsewhere": [
        ("transpose", ["%arg3"], "3x2xf64", "permutation = array<i64: 1, 0>"),
        ("reshape", ["%0"], W, "shape = array<i64: 2, 3>"), ("strong_mul", ["%1", "%arg3"], W),
    ],
    "a row that a shape turns into a column": [
        ("broadcast", ["%arg0"], "3x3xf64", "shape = array<i64: 3, 3>"),
        ("reshape", ["%0"], "9xf64", "shape = array<i64: 9>"),
        ("reshape", ["%1"], "3x3x1xf64", "shape = array<i64: 3, 3, 1>"), ("strong_mul", ["%2", "%arg0"], "3x3x3xf64"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "plain"), [*((c, True) for c in PLAIN.values()), *((c, False) for c in STRONG.values())],
    ids=[*PLAIN, *STRONG],
)  # fmt: skip
def test_only_what_can_not_meet_a_zero(lines, plain):
    last = f"%{len(lines) - 1}"
    compared = ("lt", [last, "%arg2"], lines[-1][2].replace("f64", "i1"))  # which hides the sign of a zero
    graph = graph_of(text([*lines, compared], f"%{len(lines)}"))
    made = PlainProducts().run(graph)
    assert made.ops[-2].primitive is (ew.mul if plain else ew.strong_mul)
    shown = graph_of(text(lines, last))
    assert PlainProducts().run(shown).ops[-1].primitive is ew.strong_mul
    for seed in range(50):
        inputs = random_inputs(graph, seed)
        assert_same_bits(evaluate(made, inputs), evaluate(graph, inputs))


def test_a_strong_product_is_followed_once_it_is_plain():
    """So that its second factor counts, too."""
    lines = [("mul", ["%arg0", "%arg1"], V), ("strong_mul", ["%0", "%arg1"], V), ("strong_mul", ["%1", "%arg1"], V)]
    made = PlainProducts().run(graph_of(text([*lines, ("abs", ["%2"], V)], "%3")))
    assert [op.primitive.name for op in made.ops] == ["mul", "mul", "mul", "abs"]


@pytest.mark.parametrize(
    ("after", "shows"),
    [
        ([], True),
        ([("abs", ["%1"], V)], False),
        ([("mul", ["%1", "%arg1"], V)], True),
        ([("div", ["%arg1", "%1"], V), ("abs", ["%2"], V)], True),
        ([("div", ["%1", "%arg1"], V), ("abs", ["%2"], V)], False),
        ([("strong_mul", ["%1", "%arg1"], V)], False),
        ([("strong_mul", ["%arg1", "%1"], V)], True),
        ([("sum", ["%1"], "f64", "axes = array<i64: 0>")], True),
        ([("sum", ["%1"], "f64", "axes = array<i64: 0>"), ("strong_mul", ["%2", "%arg2"], "f64")], False),
        ([("exp", ["%arg1"], V), ("add", ["%1", "%2"], V)], False),
        ([("add", ["%1", "%arg1"], V)], True),
        ([("select", ["%arg4", "%1", "%arg1"], V)], True),
        ([("tanh", ["%1"], V), ("abs", ["%2"], V)], True),
    ],
)
def test_only_where_the_sign_of_a_zero_can_not_show(after, shows):
    lines = [("neg", ["%arg0"], V), ("strong_mul", ["%0", "%arg0"], V), *after]
    graph = graph_of(text(lines, f"%{len(lines) - 1}"))
    made = PlainProducts().run(graph)
    assert made.ops[1].primitive is (ew.strong_mul if shows else ew.mul)
    for seed in range(50):
        inputs = random_inputs(graph, seed)
        assert_same_bits(evaluate(made, inputs), evaluate(graph, inputs))


def test_a_search_ends():
    """A value is looked for among so many that a long program takes no longer for each of its products."""
    lines = [("neg", ["%arg0"], V)] + [("neg", [f"%{i}"], V) for i in range(500)]
    graph = graph_of(text(lines, "%500"))
    assert not NonFinite().wherever(graph.outputs[0], graph.inputs[0])
    assert NonFinite().wherever(graph.ops[50].results[0], graph.inputs[0])


def fit(angles):
    unit = angles / np.sqrt(np.sum(angles * angles))
    return np.sum((unit[0] * POINTS - unit[1] * POINTS[::-1]) ** 2)


POINTS = np.arange(-3.0, 4.0)


def test_compiled_and_eager_gradients_have_the_same_bits():
    """Products with points need no guard here, and zeros of both signs come out as they do without compiling."""
    f = tp.grad(fit)
    for x in ([1.0, 2.0], [1.0, 0.0], [-0.0, 1.0], [0.0, 0.0], [np.inf, 1.0], [np.nan, -1.0]):
        x = np.array(x)
        with np.errstate(all="ignore"):
            compiled = f(x)
            with tp.eager():
                eager = f(x)
        np.testing.assert_array_equal(compiled, eager)
        number = ~np.isnan(eager)
        assert (np.signbit(compiled) == np.signbit(eager))[number].all()
    guarded = [line for line in f.inspect(x).optimised.splitlines() if "strong_mul" in line and "7xf64" in line]
    assert not guarded
