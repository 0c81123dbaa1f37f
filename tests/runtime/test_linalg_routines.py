"""The linear algebra routines against the reference meanings, in every layout; the same bits in compiled programs."""

import numpy as np
import pytest

from tapec.errors import LinearAlgebraError, ShapeError
from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.graph import Graph
from tapec.ir.types import tensor_type
from tapec.ops import elementwise as ew
from tapec.ops import linalg, movement
from tapec.ops.symbolic import Sym, apply
from tapec.passes.derivatives.matrices import several, turned
from tapec.passes.kernel_status import FINE, NO_FACTORS
from tapec.passes.lapack import names, plans
from tapec.passes.lapack.table import ROUTINES
from tapec.runtime import linalg as linalg_runs
from tapec.runtime.driver import compile_graph
from tapec.runtime.eager import execute
from tapec.runtime.interpreter import interpret
from tapec.runtime.raw_entry import raw_entry

DTYPES = [np.float64, np.float32]
SIZES = [0, 1, 2, 7, 30]
BATCHES = [(), (3,), (2, 2), (0,)]


def layouts(x):
    """The same matrices stored by rows, by columns, with gaps, backwards, and repeated over the batch."""
    yield x
    yield np.ascontiguousarray(np.swapaxes(x, -1, -2)).swapaxes(-1, -2)
    room = np.zeros((*x.shape[:-1], 2 * x.shape[-1] + 1), x.dtype)
    room[..., 1::2] = x
    yield room[..., 1::2]
    yield np.ascontiguousarray(x[..., ::-1, :])[..., ::-1, :]
    if x.ndim > 2 and x.shape[0]:
        yield np.broadcast_to(x[:1], x.shape)


def well_conditioned(rng, *shape, dtype):
    a = rng.normal(size=shape)
    return (a + shape[-1] * np.eye(shape[-1])).astype(dtype)


def close(got, want, dtype, factor=1e3):
    eps = float(np.finfo(dtype).eps)
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=factor * eps, atol=factor * eps * np.abs(want).max(initial=1.0))


def test_tables_name_the_same_primitives():
    family = {name for name, p in linalg.__dict__.items() if getattr(p, "family", None) is linalg.LINALG}
    assert set(names.CALLS) == set(plans.OPERANDS) == set(plans.SIZES) == set(ROUTINES) == family
    for name in family:
        assert len(plans.OPERANDS[name]) == getattr(linalg, name).arity
        assert names.routine_of(names.symbol(name, dtypes.F32)) == (name, dtypes.F32)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("batch", BATCHES, ids=str)
def test_solves_in_every_layout(n, batch, dtype):
    rng = np.random.default_rng(n)
    a = well_conditioned(rng, *batch, n, n, dtype=dtype)
    for matrix in layouts(a):
        packed, pivots = execute(linalg.lu, [matrix], {})
        want = linalg.lu.meaning(np.array(matrix))
        close(packed, want[0], dtype)
        np.testing.assert_array_equal(pivots, want[1])
        for k in (0, 1, 3):
            b = rng.normal(size=(*batch, n, k)).astype(dtype)
            for side in layouts(b):
                for transposed in (False, True):
                    got = execute(linalg.lu_solve, [matrix, packed, pivots, side], {"transposed": transposed})
                    close(got, np.linalg.solve(np.swapaxes(matrix, -1, -2) if transposed else matrix, side), dtype)
    unit_triangle = (a / (2 * n + 1)).astype(dtype)
    b = rng.normal(size=(*batch, n, 2)).astype(dtype)
    for lower in (False, True):
        for transposed in (False, True):
            for unit in (False, True):
                attributes = {"lower": lower, "transposed": transposed, "unit": unit}
                for matrix in layouts(unit_triangle if unit else a):
                    got = execute(linalg.triangular_solve, [matrix, b], attributes)
                    close(got, linalg.triangular_solve.meaning(np.array(matrix), b, **attributes), dtype, 1e4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("batch", BATCHES, ids=str)
def test_factors_give_the_matrix_again(n, batch, dtype):
    rng = np.random.default_rng(n)
    for m in (n, n + 1, 2 * n + 9):
        a = rng.normal(size=(*batch, m, n)).astype(dtype)
        for matrix in layouts(a):
            q, r = execute(linalg.qr, [matrix], {})
            close(q @ r, np.array(matrix), dtype)
            close(np.swapaxes(q, -1, -2) @ q, np.broadcast_to(np.eye(n, dtype=dtype), r.shape), dtype)
            assert not np.tril(r, -1).any()
        for matrix in (a, np.swapaxes(a, -1, -2)):
            u, s, vt = execute(linalg.svd, [matrix], {})
            close((u * s[..., None, :]) @ vt, np.array(matrix), dtype)
            close(s, np.linalg.svd(matrix, compute_uv=False), dtype)
    a = rng.normal(size=(*batch, n, n)).astype(dtype)
    s = (a @ np.swapaxes(a, -1, -2) + np.eye(n)).astype(dtype)
    for matrix in layouts(s):
        matrix = np.array(matrix)
        matrix[..., np.triu(np.ones((n, n), bool), 1)] = np.nan  # not read
        factor = execute(linalg.cholesky, [matrix], {})
        lower = np.tril(np.nan_to_num(matrix))
        whole = lower + np.swapaxes(np.tril(lower, -1), -1, -2)
        close(factor @ np.swapaxes(factor, -1, -2), whole, dtype)
        assert not np.triu(factor, 1).any()
        w, v = execute(linalg.eigh, [matrix], {})
        close((v * w[..., None, :]) @ np.swapaxes(v, -1, -2), whole, dtype)
        assert (np.diff(w) >= 0).all()
    w, v = (x[..., 0] + 1j * x[..., 1] for x in execute(linalg.eig, [a], {}))
    np.testing.assert_allclose(a @ v, v * w[..., None, :], atol=1e4 * np.finfo(dtype).eps * (n + 1))
    np.testing.assert_allclose(np.linalg.norm(v, axis=-2), np.ones(w.shape), rtol=1e3 * np.finfo(dtype).eps)


def program(arrays):
    graph = Graph("g")
    builder = Builder(graph)
    inputs = [Sym(builder, graph.add_input(tensor_type(dtypes.of(a.dtype), a.shape))) for a in arrays]
    return graph, inputs


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("batch", [(), (3,)], ids=str)
def test_compiled_programs_have_the_bits_of_eager_runs(n, batch, dtype):
    """Operands are inputs, views of them, and what other steps compute."""
    rng = np.random.default_rng(n)
    arrays = [rng.normal(size=(*batch, *s)).astype(dtype) for s in ((n, n), (n, 2), (n + 3, n))]
    arrays.append(np.asarray(arrays[0] @ np.swapaxes(arrays[0], -1, -2) + np.eye(n), dtype))
    graph, (a, b, tall, positive) = program(arrays)
    made = []
    for x in (a, turned(a), a * 2.0):
        packed, pivots = several(linalg.lu, x)
        made += [packed, pivots, *several(linalg.eigh, x), *several(linalg.eig, x)]
        for transposed in (False, True):
            made.append(apply(linalg.lu_solve, x, packed, pivots, b, transposed=transposed))
            made.append(apply(linalg.triangular_solve, x, b, lower=transposed, transposed=not transposed, unit=False))
    for x in (tall, turned(tall)):
        made += several(linalg.svd, x)
    made += [*several(linalg.qr, tall), apply(linalg.cholesky, positive), apply(linalg.cholesky, positive + positive)]
    if n:
        start, ones = (0,) * len(tall.shape), (1,) * len(tall.shape)
        part = apply(movement.slice_, tall, start=(*start[:-2], 1, 0), size=a.shape, step=ones)
        solved = apply(linalg.triangular_solve, part, b, lower=True, transposed=False, unit=False)
        made += [several(linalg.svd, part)[1], solved]
    graph.outputs = [x.value for x in made]
    status, outputs, _ = compile_graph(graph).run(arrays)
    assert status == FINE
    expected, _ = interpret(graph, arrays)
    for got, want in zip(outputs, expected, strict=True):
        assert got.tobytes() == np.ascontiguousarray(want).tobytes()


SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_failures_raise_and_are_a_status_in_machine_code(dtype):
    for primitive, bad, words in (
        (linalg.cholesky, SINGULAR - 5, "Matrix is not positive definite"),
        (linalg.eigh, np.full((3, 3), np.nan), "Eigenvalues did not converge"),
        (linalg.svd, np.full((2, 2), np.nan), "SVD did not converge"),
        (linalg.eig, np.array([[1.0, np.inf], [0.0, 1.0]]), "must not contain infs or NaNs"),
    ):
        good = np.eye(len(bad), dtype=dtype)
        stack = np.stack([good, bad.astype(dtype)])
        with pytest.raises(LinearAlgebraError, match=words):
            execute(primitive, [stack], {})
        graph, (x,) = program([stack])
        op = x.builder.emit(primitive, (x.value,))
        graph.outputs = list(op.results)
        compiled = compile_graph(graph)
        assert compiled.run([stack])[0] == NO_FACTORS
        assert compiled.run([np.stack([good, good])])[0] == FINE


def test_singular_matrices_have_factors_but_solve_nothing():
    packed, pivots = execute(linalg.lu, [SINGULAR], {})
    assert packed[1, 1] == 0
    for b in (np.ones((2, 1)), np.ones((2, 0))):
        with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
            execute(linalg.lu_solve, [SINGULAR, packed, pivots, b], {"transposed": False})
    graph, (a, b) = program([SINGULAR, np.ones((2, 1))])
    graph.outputs = [apply(linalg.lu_solve, a, *several(linalg.lu, a), b, transposed=True).value]
    assert compile_graph(graph).run([SINGULAR, np.ones((2, 1))])[0] == NO_FACTORS


def test_zeros_on_a_triangle_give_what_division_gives():
    a = np.array([[0.0, 0.0], [1.0, 1.0]])
    with np.errstate(all="ignore"):
        attributes = {"lower": True, "transposed": False, "unit": False}
        got = execute(linalg.triangular_solve, [a, np.ones((2, 1))], attributes)
    assert got[0, 0] == np.inf


def test_sizes_beyond_lapack_are_refused():
    with pytest.raises(ShapeError, match=r"qr of shape \(2147483648, 1\).*below 2\*\*31"):
        plans.plan("qr", dtypes.F64, ((2**31, 1),), {})


def test_results_that_nobody_reads_cost_no_error():
    a = np.random.default_rng(0).normal(size=(3, 3))
    graph, (x,) = program([a])
    w, _ = several(linalg.eigh, x)
    graph.outputs = [apply(ew.mul, w, w).value]
    status, outputs, _ = compile_graph(graph).run([a])
    assert status == FINE
    np.testing.assert_allclose(outputs[0], np.linalg.eigvalsh(a) ** 2)


@pytest.mark.parametrize("left", [-1.0, 1.0])
def test_eigenvectors_of_nothing_found_reach_beyond_no_array(left):
    """Where LAPACK did not run, the imaginary parts are whatever lay there: pairs that begin before the first column or
    end behind the last.
    """
    n = 4
    made = plans.plan("eig", dtypes.F64, ((n, n),), {})
    fence = np.full(n, 777.0)
    rooms = [np.concatenate([fence, np.full(count, left), fence]).astype(dtype.numpy) for dtype, count in made.scratch]
    values, vectors = np.empty((n, 2)), np.empty((n, n, 2))
    routine = raw_entry(linalg_runs.address(names.symbol("eig", dtypes.F64)), "iii" + "piii" + "p" * (2 + len(rooms)))
    scratch = [room[n:-n] for room in rooms]
    status = routine(1, *made.sizes, np.full((n, n), np.inf), n * n, n, 1, values, vectors, *scratch)
    assert status == names.FAILED
    assert 777.0 not in np.abs(vectors)
