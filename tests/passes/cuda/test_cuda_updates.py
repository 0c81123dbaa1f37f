"""Updates on the NVIDIA target: as much work as there is to change, in the memory of what is not read any more."""

import numpy as np
import pytest
from control_graphs import F64, I64, arrays_for, f64, graph_with, joined, region
from cuda_programs import SHORT, Case, check, check_graph, numbers, scan_graph, shortened

from tapec.ops import control, indexing, movement, update
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, reshape, take
from tapec.passes.adjoint import adjoint
from tapec.passes.cuda import planner, scatters
from tapec.passes.cuda.kernel import BLOCK
from tapec.passes.cuda.plan import Control, Launch
from tapec.passes.kernel_status import INDEX_OUT_OF_RANGE
from tapec.runtime.cuda.emulated_program import EmulatedProgram
from tapec.runtime.cuda.program import device_plan

LARGE = 100_000  # elements that one block of threads would take long to copy


def threads(plan):
    """Threads that are asked for, by the kernels' labels."""
    return [(k.name.partition("_")[2], k.grid * k.block) for k in plan.kernels]


SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5])
WINDOWS = [
    ((7,), (3,), (2,), (1,)),
    ((7,), (3,), (6,), (-3,)),
    ((7,), (0,), (3,), (1,)),
    ((4, 6), (2, 2), (3, 0), (-2, 3)),
    ((33, 8), (1, 8), (5, 0), (1, 1)),
    ((33, 8), (33, 1), (0, 7), (1, 1)),
    ((3, 40, 50), (3, 33, 50), (0, 36, 0), (1, -1, 1)),
    ((1025,), (1025,), (0,), (1,)),
    ((1025,), (1000,), (3,), (1,)),
    ((), (), (), ()),
    ((0, 3), (0, 2), (0, 1), (1, 1)),
]


@pytest.mark.parametrize(("shape", "size", "start", "step"), WINDOWS)
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "bfloat16", "i4", "u1", "?"])
def test_windows(shape, size, start, step, dtype):
    """Of an input, which is copied, and of what has been computed, which is written over."""
    x, new = numbers(*shape, dtype=dtype), numbers(*size, dtype=dtype, seed=1)
    if dtype[0] == "f" and x.size > 6:
        x.reshape(-1)[-6:], new.reshape(-1)[:6] = SPECIAL, SPECIAL[::-1][: new.size]
    for primitive in (update.slice_set, update.slice_add):
        check(Case(lambda x, u, p=primitive: apply(p, x, u, start=start, step=step), (x, new)))
        check(Case(lambda x, u, p=primitive: apply(p, apply(ew.maximum, x, x), u, start=start, step=step), (x, new)))


@pytest.mark.parametrize("shape", [(1,), (33,), (31, 4), (7, 5)])
@pytest.mark.parametrize("count", [0, 1, 2, 8, 9, 31, 1025, 2049])
@pytest.mark.parametrize("looks", [True, False], ids=["look", "sort"])
@pytest.mark.parametrize("primitive", [indexing.put, indexing.scatter_add], ids=str)
def test_lines(shape, count, looks, primitive, monkeypatch):
    """Of what is put at one place the last one counts; what is added comes in order."""
    monkeypatch.setattr(scatters, "_looks", lambda _: looks)
    given = {"distinct": False} if primitive is indexing.put else {}
    i = np.random.default_rng(count).integers(-shape[0], shape[0], count).astype("i4")
    arrays = numbers(*shape), i, numbers(count, *shape[1:], seed=1)
    check(Case(lambda x, i, u: apply(primitive, x, i, u, axis=0, **given), arrays))
    check(Case(lambda x, i, u: apply(primitive, apply(ew.exp, x), i, u, axis=0, **given), arrays))


@pytest.mark.parametrize("dtype", SHORT, ids=repr)
@pytest.mark.parametrize("count", [0, 1, 9, 1025])
@pytest.mark.parametrize("primitive", [indexing.put, indexing.scatter_add], ids=str)
def test_lines_of_sixteen_bits(dtype, count, primitive):
    given = {"distinct": False} if primitive is indexing.put else {}
    i = np.random.default_rng(count).integers(-31, 31, count).astype("i4")
    arrays = shortened((numbers(31, 5), i, numbers(count, 5, seed=1)), dtype)
    check(Case(lambda x, i, u: apply(primitive, x, i, u, axis=0, **given), arrays))
    check(Case(lambda x, i, u: apply(primitive, apply(ew.exp, x), i, u, axis=0, **given), arrays))


@pytest.mark.parametrize("distinct", [True, False])
@pytest.mark.parametrize("looks", [True, False], ids=["look", "sort"])
def test_lines_in_the_middle(distinct, looks, monkeypatch):
    monkeypatch.setattr(scatters, "_looks", lambda _: looks)
    i = np.array([[3, 0, -1], [4, -3, 2]]) if distinct else np.random.default_rng(1).integers(-9, 9, (20, 33))
    arrays = numbers(3, 9, 4), i, numbers(3, *i.shape, 4, seed=1)
    check(Case(lambda x, i, u: apply(indexing.put, x, i, u, axis=1, distinct=distinct), arrays))


def test_lines_of_nothing():
    for shape, count, axis in (((4, 0), 3, 0), ((0, 4), 0, 0), ((0, 3), 2, 1)):
        given = tuple(count if a == axis else n for a, n in enumerate(shape))
        arrays = numbers(*shape), np.zeros(count, np.int64), numbers(*given)
        plan = check(Case(lambda x, i, u, a=axis: apply(indexing.put, x, i, u, axis=a, distinct=False), arrays))
        assert not plan.kernels


@pytest.mark.parametrize("count", [1, 5, 40])
@pytest.mark.parametrize("distinct", [True, False])
def test_puts_out_of_range(count, distinct):
    for length, wrong in ((50, 50), (50, -51), (50, 1 << 40), (0, 0)):
        i = np.arange(count) % max(length, 1)
        i[-1] = wrong
        case = Case(
            lambda x, i, u: apply(indexing.put, x * 2.0, i, u, axis=0, distinct=distinct),
            (numbers(length), i, numbers(count)),
        )
        assert EmulatedProgram(device_plan(case.graph)).run(case.arrays)[0] == INDEX_OUT_OF_RANGE


# Work ----------------------------------------------------------------------------------------------------------------


def test_a_program_touches_what_changes():
    """One copy of an input, and then a warp or a block of threads for each change, be the array as long as it may."""

    def program(x, i, row, rows):
        x = apply(update.slice_set, x, row, start=(7, 0), step=(1, 1))
        x = apply(update.slice_add, x, row, start=(9, 0), step=(1, 1))
        x = apply(indexing.put, x, i, rows, axis=0, distinct=False)
        return apply(indexing.scatter_add, x, i, rows, axis=0)

    arrays = numbers(LARGE // 4, 4), np.array([5, 5, 3]), numbers(1, 4), numbers(3, 4)
    plan = check(Case(program, arrays))
    asked = threads(plan)
    assert [n for label, n in asked if label == "copy"] == [-(-LARGE // 4 // BLOCK) * BLOCK]  # 16 bytes a thread
    assert {n for label, n in asked if label != "copy"} == {BLOCK}
    assert not [b for b in plan.offsets if b.size >= LARGE]  # the result's own memory is all that it takes


@pytest.mark.parametrize("count", [100, 5000])
def test_many_changes_are_sorted(count):
    """Work that grows with their number, and not with the array."""
    for primitive, given in ((indexing.put, {"distinct": False}), (indexing.scatter_add, {})):
        arrays = numbers(3 * LARGE), np.random.default_rng(0).integers(0, 3 * LARGE, count), numbers(count)
        plan = device_plan(
            Case(lambda x, i, u, p=primitive, g=given: apply(p, x * 2.0, i, u, axis=0, **g), arrays).graph
        )
        (whole,) = [n for _, n in threads(plan) if n > 2 * 8192]
        assert whole == -(-3 * LARGE // 4 // BLOCK) * BLOCK


def march(x, at, u):
    """Writes an element, the next one of which was read, as programs with a table do."""
    i = reshape(at, (1,))
    new = take(x, i, 0) * 0.5 + reshape(u, (1,))
    return apply(indexing.put, x, i + 1, new, axis=0, distinct=True), at + 1


@pytest.mark.parametrize("n", [40, 33 * 1025, LARGE])
def test_a_loop_writes_where_its_table_lies(n):
    """One kernel of one block of threads; the table is copied once, by as many threads as it takes."""
    graph = scan_graph([f64(n), I64], [f64(30)], march, 30)
    plan = check_graph(graph, [numbers(n, dtype="f8"), np.array(4), numbers(30, dtype="f8")])
    (*copies, loop) = plan.items
    assert isinstance(loop, Launch)
    assert loop.kernel.grid == 1
    assert len(copies) == (n > 1 << 15)
    assert all(b.kind == "output" or b.size < n for b in loop.kernel.writes)
    assert not [b for b in plan.offsets if b.size >= n]  # there are no two places that take turns


def test_a_loop_goes_on_where_its_table_was_computed():
    """No copy at all."""

    def program(x, at, us):
        table = x * 2.0
        body = region([f64(LARGE), I64, F64], march)
        attributes = {"consts": 0, "carries": 2, "length": 30, "reverse": False}
        op = x.builder.emit(control.scan, (table.value, at.value, us.value), attributes, (body,))
        return Sym(x.builder, op.results[0])

    plan = check(Case(program, (numbers(LARGE, dtype="f8"), np.array(4), numbers(30, dtype="f8"))))
    assert [type(item) for item in plan.items] == [Launch, Launch]
    assert not [label for label, _ in threads(plan) if label == "copy"]


def test_while_loops_write_where_their_tables_lie():
    types = [I64, I64, f64(LARGE)]

    def body(limit, at, x):
        x = apply(indexing.put, x, at * 3, take(x, at, 0) + 1.0, axis=0, distinct=True)
        return at + 1, apply(indexing.scatter_add, x, limit, take(x, at * 3, 0), axis=0)

    test = region(types, lambda limit, at, _: apply(ew.lt, at, limit))
    graph = graph_with(control.while_loop, types, {"consts": 1}, test, region(types, body))
    plan = check_graph(graph, [np.array(20), np.array(2), numbers(LARGE, dtype="f8")])
    assert [label for label, _ in threads(plan)] == ["copy", "while"]


@pytest.mark.parametrize("n", [7, 40, 1025])
def test_loops_of_the_host_write_in_place_too(n, monkeypatch):
    monkeypatch.setattr(planner, "control_kernels", lambda *_: None)

    def body(x, at, u):
        x, following = march(x, at, u)
        return apply(update.slice_add, x, reshape(u, (1,)), start=(n - 2,), step=(1,)), following, take(x, at, 0)

    plan = check_graph(
        scan_graph([f64(n), I64], [f64(5)], body, 5), [numbers(n, dtype="f8"), np.array(0), numbers(5, dtype="f8")]
    )
    (loop,) = plan.items
    assert isinstance(loop, Control)
    assert {size for _, size in threads(plan)} == {BLOCK}


def test_one_element_is_for_one_thread():
    """An addition that all threads of a block do is done once."""

    def body(x, u):
        x = apply(ew.exp, x * 0.1)
        x = apply(update.slice_add, x, reshape(u, (1,)), start=(2,), step=(1,))
        return (
            apply(
                update.slice_add, x, apply(movement.slice_, x, start=(0,), size=(1,), step=(1,)), start=(4,), step=(1,)
            )
            * 1.5
        )

    graph = scan_graph([f64(9)], [f64(3)], body, 3)
    (kernel,) = check_graph(graph, arrays_for(graph)).kernels
    assert kernel.block >= 32


def test_gradients_of_loops_that_write():
    graph = scan_graph([f64(50), I64], [f64(6)], march, 6)
    joint = joined(graph, adjoint(graph, [graph.outputs[0]], [graph.inputs[0], graph.inputs[2]]))
    arrays = arrays_for(joint)
    check_graph(joint, [arrays[0], np.array(3), *arrays[2:]])
