"""The type rules of loops and branches, and their meaning as the interpreter and as machine code have it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tapec.errors import AttributeValueError, DTypeError, IndexOutOfRangeError, ShapeError, TapecError
from tapec.ir import dtypes
from tapec.ir.builder import Builder, emit
from tapec.ir.graph import REGION, Graph
from tapec.ir.types import TensorType, tensor_type
from tapec.ops import control
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, cast, take
from tapec.runtime import control as runtime_control
from tapec.runtime.control import execute_control
from tapec.runtime.interpreter import interpret_control

F64, F32, I64, BOOL = (tensor_type(d, ()) for d in (dtypes.F64, dtypes.F32, dtypes.I64, dtypes.BOOL))
F64X3 = tensor_type(dtypes.F64, (3,))


def region(types: list[TensorType], function: Any) -> Graph:
    graph = Graph(REGION)
    builder = Builder(graph)
    out = function(*[Sym(builder, graph.add_input(t)) for t in types])
    graph.outputs = [x.value for x in (out if isinstance(out, tuple) else (out,))]
    return graph


def types_of(primitive: Any, operands: list[TensorType], attributes: dict[str, Any], *regions: Graph) -> Any:
    graph = Graph("f")
    values = tuple([graph.add_input(t) for t in operands])
    return [v.type for v in emit(graph, primitive, values, attributes, regions=regions).results]


def scan_of(consts: int, carries: int, length: int, reverse: bool = False) -> dict[str, Any]:
    return {"consts": consts, "carries": carries, "length": length, "reverse": reverse}


STEP = region([F64, F64, F64], lambda a, c, x: (c * a + x, c))


def both(primitive: Any, arrays: list[Any], attributes: dict[str, Any], *regions: Graph) -> list[Any]:
    """The results of the interpreter, after checking that machine code gives the same bits."""
    arrays = [np.asarray(a) for a in arrays]
    expected = interpret_control(primitive, arrays, attributes, regions)
    execute_control(primitive, arrays, attributes, regions)  # a short loop is compiled when it comes a second time
    for found, right in zip(execute_control(primitive, arrays, attributes, regions), expected, strict=True):
        assert (found.dtype, found.shape) == (right.dtype, right.shape)
        assert found.tobytes() == right.tobytes()
    return expected


# Types ---------------------------------------------------------------------------------------------------------------


def test_types_of_results():
    assert types_of(control.scan, [F64, F64, F64X3], scan_of(1, 1, 3), STEP) == [F64, F64X3]
    assert types_of(control.cond, [BOOL, F64], {}, *[region([F64], lambda x: (x, -x))] * 2) == [F64, F64]
    loop = region([F64, I64], lambda _, n: n + 1)
    assert types_of(control.while_loop, [F64, I64], {"consts": 1}, region([F64, I64], lambda _, n: n < 3), loop) == [
        I64, I64,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("primitive", "operands", "attributes", "regions", "error", "message"),
    [
        (control.scan, [F64, F64, F64X3], scan_of(1, 1, 2), [STEP], ShapeError, "xs 0 is tensor<3xf64>"),
        (control.scan, [F64, F64, F64], scan_of(1, 1, 2), [STEP], ShapeError, "xs 0 is tensor<f64>"),
        (control.scan, [F64, F64, F64X3], scan_of(1, 1, -1), [STEP], AttributeValueError, "not be negative, got -1"),
        (control.scan, [F64, F64, F64X3], scan_of(1, 3, 3), [STEP], AttributeValueError, "1 consts and 3 carries"),
        (control.scan, [F64, F32, F64X3], scan_of(1, 1, 3), [STEP], DTypeError, "the body's inputs must be"),
        (control.scan, [F64], scan_of(0, 1, 3), [region([F64], lambda x: cast(x, dtypes.F32))], DTypeError, "carries"),
        (control.scan, [F64], scan_of(0, 1, 3), [], ShapeError, "takes 1 regions, got 0"),
        (control.cond, [F64, F64], {}, [region([F64], lambda x: x)] * 2, DTypeError, "index must be"),
        (control.cond, [BOOL, F64], {}, [region([F64], lambda x: x)] * 3, ShapeError, "between 2 regions, got 3"),
        (control.cond, [I64, F64], {}, [region([F64], lambda x: x), region([F64], lambda x: (x, x))], ShapeError,
         "the outputs of region 1"),
        (control.while_loop, [F64], {"consts": 0}, [region([F64], lambda x: x), region([F64], lambda x: x)],
         DTypeError, "the condition's outputs"),
        (control.while_loop, [F64], {"consts": 2}, [region([F64], lambda x: x < 1), region([F64], lambda x: x)],
         AttributeValueError, "2 consts and -1 carries"),
        (control.sweeps, [F64, F64], {"consts": 0, "carries": (1,), "reverse": (False,)},
         [region([F64], lambda x: x)], DTypeError, "the rounds must be"),
        (control.sweeps, [I64, F64], {"consts": 9, "carries": (1,), "reverse": (False,)},
         [region([F64], lambda x: x)], AttributeValueError, "9 consts, rounds"),
    ],
)  # fmt: skip
def test_what_does_not_fit(primitive, operands, attributes, regions, error, message):
    with pytest.raises(error, match=message):
        types_of(primitive, operands, attributes, *regions)


def test_without_regions_there_are_no_types():
    with pytest.raises(TapecError, match="scan needs regions"):
        control.scan.family.infer(control.scan, (F64,), {})
    with pytest.raises(TypeError, match="no meaning apart from its regions"):
        control.scan.meaning(1.0)


# Meaning -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
def test_scan(reverse):
    last, ys = both(control.scan, [0.5, 2.0, [1.0, 3.0, 7.0]], scan_of(1, 1, 3, reverse), STEP)
    c, rows = 2.0, [0.0] * 3
    for i in (2, 1, 0) if reverse else (0, 1, 2):
        rows[i] = c
        c = c * 0.5 + [1.0, 3.0, 7.0][i]
    assert last == c
    assert ys.tolist() == rows


def test_scan_of_no_rounds():
    last, ys = both(control.scan, [0.5, 2.0, np.zeros(0)], scan_of(1, 1, 0), STEP)
    assert (last, ys.shape) == (2.0, (0,))


@pytest.mark.parametrize(("index", "expected"), [(-3, 1.0), (0, 1.0), (1, 4.0), (2, -2.0), (9, -2.0)])
def test_an_integer_index_is_clamped(index, expected):
    regions = [region([F64], f) for f in (lambda x: x - 1.0, lambda x: x * x, lambda x: -x)]
    assert both(control.cond, [index, 2.0], {}, *regions) == [expected]


def test_a_boolean_index_is_false_first():
    regions = [region([F64], lambda x: x - 1.0), region([F64], lambda x: x * x)]
    assert both(control.cond, [False, 3.0], {}, *regions) == [2.0]
    assert both(control.cond, [True, 3.0], {}, *regions) == [9.0]


@pytest.mark.parametrize(("start", "rounds"), [(1.0, 5), (40.0, 0)])
def test_while_loop_counts_its_rounds(start, rounds):
    regions = [region([F64, F64], lambda _, x: x < 32.0), region([F64, F64], lambda a, x: x * a)]
    last, count = both(control.while_loop, [2.0, start], {"consts": 1}, *regions)
    assert (last, count) == (start * 2.0**rounds, rounds)


def test_an_index_out_of_range_raises_in_both():
    body = region([F64X3, I64], lambda x, i: (i + 1, take(x, i, 0)))
    assert both(control.scan, [[1.0, 2.0, 3.0], 0], scan_of(1, 1, 3), body)[1].tolist() == [1.0, 2.0, 3.0]
    for run in (interpret_control, execute_control, execute_control):
        with pytest.raises(IndexOutOfRangeError):
            run(control.scan, [np.arange(3.0), np.array(1)], scan_of(1, 1, 3), (body,))


def test_operands_need_not_be_dense():
    rows = np.arange(12.0).reshape(3, 4).T[::2]
    body = region([F64X3, F64X3], lambda c, x: apply(ew.add, c, x))
    (last,) = execute_control(control.scan, [np.zeros(3), rows], scan_of(0, 1, 2), (body,))
    assert last.tolist() == rows.sum(0).tolist()


def test_short_loops_are_compiled_when_they_come_again(monkeypatch):
    compiled = []
    compile_graph = runtime_control.compile_graph
    monkeypatch.setattr(runtime_control, "compile_graph", lambda g: compiled.append(g) or compile_graph(g))
    body = region([F64], lambda x: x * 1.25)
    for rounds, expected in ((30, [0, 1, 1]), (30_000, [1, 1, 1])):
        compiled.clear()
        for count in expected:
            (last,) = execute_control(control.scan, [np.array(0.0)], scan_of(0, 1, rounds), (body,))
            assert (float(last), len(compiled)) == (0.0, count)
