"""What a recording keeps for derivatives: the other operand, the result, or nothing."""

import numpy as np
import pytest
from derivative_cases import cases

from tapec.ops import PRIMITIVES, contraction, indexing, movement, reduction
from tapec.ops import elementwise as ew
from tapec.passes.derivatives import DERIVATIVES
from tapec.passes.derivatives.table import Excused
from tapec.passes.residuals import OUT, needed
from tapec.tensor import make

DIFFERENTIABLE = [p for p in PRIMITIVES.values() if p.results == 1 and not isinstance(DERIVATIVES[p], Excused)]


def types(*operands):
    return tuple([make(np.asarray(x)).type for x in operands])


VECTOR = np.ones(3)


@pytest.mark.parametrize(
    ("primitive", "arity", "active", "kept"),
    [
        (ew.add, 2, 0b11, ()),
        (ew.sub, 2, 0b11, ()),
        (ew.neg, 1, 0b1, ()),
        (ew.relu, 1, 0b1, (OUT,)),
        (ew.tanh, 1, 0b1, (OUT,)),
        (ew.sigmoid, 1, 0b1, (OUT,)),
        (ew.exp, 1, 0b1, (OUT,)),
        (ew.sqrt, 1, 0b1, (OUT,)),
        (ew.sin, 1, 0b1, (0,)),
        (ew.abs, 1, 0b1, (0,)),
        (ew.floor, 1, 0b1, ()),
        (ew.mul, 2, 0b01, (1,)),
        (ew.mul, 2, 0b10, (0,)),
        (ew.mul, 2, 0b11, (0, 1)),
        (ew.div, 2, 0b01, (1,)),
        (ew.div, 2, 0b11, (OUT, 1)),
        (ew.strong_mul, 2, 0b11, (0, 1)),
        (ew.stop_gradient, 1, 0b1, None),
        (ew.lt, 2, 0b11, None),
        (ew.add, 2, 0b00, None),
    ],
    ids=lambda v: getattr(v, "name", str(v)),
)
def test_elementwise(primitive, arity, active, kept):
    assert needed(primitive, {}, types(*[VECTOR] * arity), active) == kept


def test_other_families():
    matrix = np.ones((2, 2))
    assert needed(contraction.matmul, {}, types(matrix, matrix), 0b01) == (1,)
    assert needed(contraction.matmul, {}, types(matrix, matrix), 0b10) == (0,)
    assert needed(reduction.sum, {"axes": (0,)}, types(VECTOR), 1) == ()
    assert needed(reduction.max, {"axes": (0,)}, types(VECTOR), 1) == (OUT, 0)
    assert needed(reduction.prod, {"axes": (0,)}, types(VECTOR), 1) == (0,)
    assert needed(movement.broadcast, {"shape": (2, 3)}, types(VECTOR), 1) == ()
    assert needed(indexing.take, {"axis": 0}, types(VECTOR, np.array([0])), 0b1) == (1,)
    assert needed(ew.select, {}, types(VECTOR > 0, VECTOR, VECTOR), 0b010) == (0,)
    assert needed(ew.cast, {"dtype": "f32"}, types(VECTOR), 1) == ()
    assert needed(ew.cast, {"dtype": "i64"}, types(VECTOR), 1) is None
    assert needed(ew.integer_pow, {"exponent": 2}, types(VECTOR), 1) == (0,)
    assert needed(ew.integer_pow, {"exponent": -1}, types(VECTOR), 1) == (OUT,)


@pytest.mark.parametrize("primitive", DIFFERENTIABLE, ids=lambda p: p.name)
def test_fewer_active_operands_need_no_more(primitive):
    for case in cases(primitive):
        kinds = types(*case.operands)
        everything = needed(primitive, case.attributes, kinds, (1 << len(kinds)) - 1)
        for i in range(len(kinds)):
            assert set(needed(primitive, case.attributes, kinds, 1 << i) or ()) <= set(everything)


@pytest.mark.parametrize("primitive", [p for p in DIFFERENTIABLE if not p.attributes], ids=lambda p: p.name)
def test_without_attributes_shapes_do_not_matter(primitive):
    """The tape looks needs up by primitive and active operands alone."""
    for active in range(1, 1 << primitive.arity):
        answers = {needed(primitive, {}, types(*case.operands), active) for case in cases(primitive)}
        assert len(answers) == 1


PLACING = [p for p in DIFFERENTIABLE if p.family.name in {"movement", "concatenation", "indexing", "update"}]


@pytest.mark.parametrize("primitive", PLACING, ids=lambda p: p.name)
def test_where_elements_go_does_not_matter(primitive):
    """The tape looks needs up by primitive and active operands alone: what one case needs serves all others."""
    found = {}
    for case in cases(primitive):
        for active in range(1, 1 << len(case.operands)):
            answer = needed(primitive, dict(case.attributes), types(*case.operands), active)
            found.setdefault((len(case.operands), active), set()).add(answer)
    assert all(len(answers) == 1 for answers in found.values()), found
