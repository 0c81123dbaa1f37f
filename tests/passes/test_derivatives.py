"""The derivative table against finite differences, for every primitive, in both modes, at order 2."""

import numpy as np
import pytest
from derivative_cases import cases

from tapec import ops
from tapec.dispatch import apply, lift
from tapec.errors import NotDifferentiableError
from tapec.ir.builder import Builder
from tapec.ir.graph import Graph, Location
from tapec.ir.primitive import Primitive
from tapec.ops import PRIMITIVES, reduction
from tapec.ops import elementwise as ew
from tapec.passes.adjoint import adjoint
from tapec.passes.derivatives import (
    DERIVATIVES,
    control,
    custom,
    decompositions,
    determinants,
    eigenvalues,
    elementwise,
    explicit,
    linear,
    sampling,
    solving,
    transforms,
    update,
)
from tapec.passes.derivatives.table import Excused, Linear, Missing, Partials
from tapec.passes.tangent import tangent
from tapec.tape import GradientTape
from tapec.tensor import make
from tapec.testing import check_grads

# Control flow, whose derivative is that of its regions, is in test_scan_derivatives.py, and linear algebra, whose
# operands depend on each other, in test_linalg_derivatives.py.
STRAIGHT = [p for p in PRIMITIVES.values() if not p.regions and p.family.name not in {"linalg", "attached"}]
DIFFERENTIABLE = [p for p in STRAIGHT if not isinstance(DERIVATIVES.get(p), Excused | Missing)]
EXCUSED = [p for p in PRIMITIVES.values() if isinstance(DERIVATIVES.get(p), Excused | Missing)]


def test_every_primitive_has_exactly_one_row():
    assert set(DERIVATIVES) == set(PRIMITIVES.values())
    tables = (
        elementwise, linear, explicit, solving, determinants, decompositions, eigenvalues, transforms, sampling,
        control, custom, update,
    )  # fmt: skip
    assert len(DERIVATIVES) == sum(len(table.ROWS) for table in tables)


@pytest.mark.parametrize("primitive", DIFFERENTIABLE, ids=lambda p: p.name)
def test_rows_have_a_rule_for_every_operand(primitive):
    row = DERIVATIVES[primitive]
    if isinstance(row, Partials):
        assert len(row.rules) == primitive.arity
    elif isinstance(row, Linear) and row.operands is not None:
        assert all(0 <= i < primitive.arity for i in row.operands)


@pytest.mark.parametrize(
    ("primitive", "case"),
    [
        pytest.param(p, case, id=f"{p.name}-{case}")
        for p in DIFFERENTIABLE
        if p is not ops.sampling.gamma_sample  # its derivative is not that of its value: tests/random/test_gamma.py
        for case in cases(p)
    ],
)
def test_derivative_is_that_of_finite_differences(primitive, case):
    moving = [i for i in range(len(case.operands)) if i not in case.constants]

    def run(*tensors):
        operands = [make(x) for x in case.operands]
        for i, t in zip(moving, tensors, strict=True):
            operands[i] = t
        return apply(primitive, tuple(operands), case.attributes)

    check_grads(run, [case.operands[i] for i in moving], order=2)


@pytest.mark.parametrize(
    ("primitive", "case"),
    [pytest.param(p, case, id=f"{p.name}-{case}") for p in DIFFERENTIABLE for case in cases(p)],
)
def test_uniform_cotangents_stay_lean_and_mean_the_same(primitive, case):
    """Without output gradients the cotangent is one scalar; rules must take it for the full array it stands for."""
    tensors = [make(x) for x in case.operands]
    moving = [t for i, t in enumerate(tensors) if i not in case.constants]
    with GradientTape(persistent=True) as tape:
        tape.watch(moving)
        y = apply(primitive, tuple(tensors), case.attributes)
        z = apply(ew.add, (y, lift(1.0, y.dtype)))
    lean, full = tape.gradient(z, moving), tape.gradient(z, moving, make(np.ones(z.shape)))
    for a, b, x in zip(lean, full, moving, strict=True):
        assert a.shape == b.shape == x.shape
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-14)


@pytest.mark.parametrize("primitive", EXCUSED, ids=lambda p: p.name)
def test_excused_rows_say_why(primitive):
    assert len(DERIVATIVES[primitive].reason.split()) > 3


@pytest.mark.parametrize(
    "primitive", [p for p in EXCUSED if p.arity == 2 and "f" in p.operand_kinds], ids=lambda p: p.name
)
def test_no_derivative_flows_through_excused_binary_ops(primitive):
    x = make(np.array([1.0, 2.0]))
    with GradientTape() as tape:
        tape.watch(x)
        y = apply(ew.cast, (apply(primitive, (x, x)),), {"dtype": "f64"})
    assert tape.gradient(y, x) is None


def test_stop_gradient_disconnects_and_flat_ops_give_zeros():
    x = make(np.array([1.2, 2.7]))
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        stopped = apply(ew.stop_gradient, (x,))
        flat = [apply(p, (x,)) for p in (ew.floor, ew.ceil, ew.trunc, ew.rint, ew.sign)]
    assert tape.gradient(stopped, x) is None
    for y in flat:
        np.testing.assert_array_equal(tape.gradient(y, x).numpy(), [0.0, 0.0])


def gradient(primitive, *operands, **attributes):
    tensors = [make(np.asarray(x, np.float64)) for x in operands]
    with GradientTape() as tape:
        tape.watch(tensors)
        y = apply(primitive, tuple(tensors), attributes)
    return [g.numpy().tolist() for g in tape.gradient(y, tensors)]


def test_ties_share_equally():
    assert gradient(ew.maximum, [1.0, 2.0, 3.0], [2.0, 2.0, 2.0]) == [[0.0, 0.5, 1.0], [1.0, 0.5, 0.0]]
    assert gradient(ew.minimum, [1.0, 2.0, 3.0], [2.0, 2.0, 2.0]) == [[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]]
    assert gradient(reduction.max, [[1.0, 3.0, 3.0, 2.0]], axes=(1,)) == [[[0.0, 0.5, 0.5, 0.0]]]
    assert gradient(reduction.min, [[1.0, 3.0], [1.0, 1.0]], axes=(0,)) == [[[0.5, 0.0], [0.5, 1.0]]]


def test_values_at_kinks():
    assert gradient(ew.relu, [-1.0, 0.0, 2.0]) == [[0.0, 0.0, 1.0]]
    assert gradient(ew.abs, [-1.0, 0.0, 2.0]) == [[-1.0, 0.0, 1.0]]


def test_products_with_zeros():
    assert gradient(reduction.prod, [0.0, 2.0, 3.0], axes=(0,)) == [[6.0, 0.0, 0.0]]
    assert gradient(reduction.prod, [0.0, 0.0, 3.0], axes=(0,)) == [[0.0, 0.0, 0.0]]


def test_power_at_its_edges():
    base, exponent = gradient(ew.pow, [0.0, 0.0, -2.0, 0.0, 1.0], [0.0, 2.0, 2.0, 0.5, 0.0])
    assert base == [0.0, 0.0, -4.0, np.inf, 0.0]
    assert exponent == [0.0, 0.0, 0.0, 0.0, 0.0]


def test_genuine_nan_shows_in_extrema():
    (g,) = gradient(reduction.max, [1.0, np.nan, 2.0], axes=(0,))
    assert all(np.isnan(g))


def test_casts_between_floats_are_linear_in_both_modes():
    x = make(np.array([1.0, 2.0], np.float32))
    with GradientTape() as tape:
        tape.watch(x)
        y = apply(ew.cast, (x,), {"dtype": "f64"})
        z = apply(ew.mul, (y, lift(np.array([3.0, 4.0]))))
    g = tape.gradient(z, x)
    assert g.dtype == np.float32
    assert g.numpy().tolist() == [3.0, 4.0]


def test_op_without_a_row_is_named_with_its_line():
    primitive = Primitive("adjust_contrast", ew.ELEMENTWISE, 1, np.abs, "Not in the table.", operand_kinds="f")
    graph = Graph("g")
    x = graph.add_input(make(np.zeros(2)).type)
    builder = Builder(graph)
    builder.location = Location("model.py", 7)
    y = builder.emit(primitive, (x,)).result
    for derivative in (adjoint, tangent):
        with pytest.raises(NotDifferentiableError, match=r"'adjust_contrast' at model.py:7"):
            derivative(graph, [y], [x])
