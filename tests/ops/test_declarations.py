"""What each primitive declares, against its reference meaning. A primitive without examples here is named."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from random_graphs import random_array

from tapec.errors import DTypeError, ShapeError
from tapec.ir import dtypes
from tapec.ir.attributes import ATTRIBUTE_KINDS
from tapec.ir.builder import emit
from tapec.ir.dtypes import DType
from tapec.ir.graph import Graph, Op
from tapec.ir.primitive import Primitive
from tapec.ir.types import TensorType, tensor_type
from tapec.ir.verifier import verify
from tapec.ops import PRIMITIVES, creation
from tapec.ops import elementwise as ew

LINEAR_ALGEBRA = {"linalg", "attached"}

Shape = tuple[int, ...]
Example = tuple[tuple[Shape, ...], dict[str, Any]]

SHAPES: list[Shape] = [(), (0,), (3,), (1, 3), (2, 3), (2, 0, 3), (1, 1)]
# 0-d, empty and broadcast pairs and triples.
PAIRS: list[tuple[Shape, ...]] = [
    ((), ()), ((3,), ()), ((), (2, 3)), ((2, 1), (3,)), ((0,), (1,)), ((2, 0), (1, 1)), ((2, 3), (2, 3)),
    ((1, 3), (2, 1, 1)),
]  # fmt: skip
TRIPLES: list[tuple[Shape, ...]] = [((), (), ()), ((3,), (), (2, 1)), ((2, 3), (2, 3), (2, 3)), ((1,), (0,), (1, 1))]
REDUCED: list[Example] = [
    (((3,),), {"axes": (0,)}), (((2, 3),), {"axes": (0, 1)}), (((2, 3, 4),), {"axes": (1,)}),
    (((2, 0),), {"axes": (0,)}),
]  # fmt: skip
ARG_REDUCED: list[Example] = [(((3,),), {"axis": 0}), (((2, 3),), {"axis": 1}), (((0, 3),), {"axis": 1})]
ALONG_AXIS: list[Example] = [(((3,),), {"axis": 0}), (((2, 3),), {"axis": 1}), (((2, 0),), {"axis": 1})]
WINDOWS: list[Example] = [
    (((),), {"start": (), "size": (), "step": ()}),
    (((5,),), {"start": (4,), "size": (3,), "step": (-2,)}),
    (((3, 4),), {"start": (1, 0), "size": (2, 0), "step": (1, 1)}),
    (((0,),), {"start": (0,), "size": (0,), "step": (1,)}),
]

SQUARE: list[tuple[Shape]] = [((0, 0),), ((1, 1),), ((3, 3),), ((2, 3, 3),), ((0, 2, 2),)]
SIDES: list[Shape] = [(0, 2), (1, 0), (3, 2), (2, 3, 1), (0, 2, 2)]
MATRICES: list[Example] = [(shapes, {}) for shapes in SQUARE]

# Valid operand shapes and attributes. Elementwise primitives without attributes have theirs from their arity.
EXAMPLES: dict[str, list[Example]] = {
    "integer_pow": [((shape,), {"exponent": n}) for shape in SHAPES for n in (0, 1, 2, 7)],
    "cast": [((shape,), {"dtype": d.name}) for shape in ((), (0,), (2, 3)) for d in dtypes.ALL],
    "wrap_index": [((shape,), {"size": 4}) for shape in SHAPES],
    "guard": [(((),), {"expected": 1}), (((1, 1),), {"expected": 0})],
    "constant": [((), {"value": d.numpy.type(1).item(), "dtype": d.name}) for d in dtypes.ALL],
    "iota": [
        ((), {"axis": axis, "shape": shape, "dtype": d.name})
        for d in dtypes.ALL[1:]
        for axis, shape in ((0, (3,)), (1, (2, 3)), (0, (0, 2)))
    ],
    "broadcast": [(((),), {"shape": (2, 3)}), (((1, 3),), {"shape": (4, 2, 3)}), (((1,),), {"shape": (0,)})],
    "reshape": [(((),), {"shape": (1, 1)}), (((2, 3),), {"shape": (6,)}), (((2, 0),), {"shape": (0, 5)})],
    "transpose": [(((),), {"permutation": ()}), (((2, 3, 4),), {"permutation": (2, 0, 1)})],
    "slice": WINDOWS,
    "unslice": [
        (((),), {"start": (), "step": (), "shape": ()}),
        (((3,),), {"start": (4,), "step": (-2,), "shape": (5,)}),
        (((2, 0),), {"start": (1, 0), "step": (2, 1), "shape": (4, 3)}),
    ],
    "windows": [
        (((),), {"size": (), "step": ()}), (((5, 0, 3),), {"size": (2, 1, 3), "step": (1, 1, 2)}),
        (((7,),), {"size": (3,), "step": (2,)}), (((2,),), {"size": (3,), "step": (1,)}),
    ],
    "concat": [
        (((3,),), {"axis": 0}), (((2, 3), (2, 0), (2, 1)), {"axis": 1}), (((0, 2), (3, 2)), {"axis": 0}),
    ],
    "sum": REDUCED, "prod": REDUCED, "max": REDUCED[:3], "min": REDUCED[:3],
    "argmax": ARG_REDUCED, "argmin": ARG_REDUCED,
    "cumsum": [(shapes, {**at, "reverse": reverse}) for shapes, at in ALONG_AXIS for reverse in (False, True)],
    "argsort": ALONG_AXIS,
    "matmul": [(a, {}) for a in (((2, 3), (3, 4)), ((2, 0), (0, 4)), ((5, 0, 3), (5, 3, 2)), ((2, 1, 1), (2, 1, 1)))],
    "take": [(((3,), ()), {"axis": 0}), (((2, 3), (4, 1)), {"axis": 1}), (((2, 3), (0,)), {"axis": 0})],
    "scatter_add": [(((3,), (), ()), {"axis": 0}), (((2, 3), (4, 1), (2, 4, 1)), {"axis": 1})],
    "take_along": [(((3,), (5,)), {"axis": 0}), (((2, 3), (2, 0)), {"axis": 1})],
    "scatter_add_along": [(((3,), (5,), (5,)), {"axis": 0}), (((2, 3), (2, 4), (2, 4)), {"axis": 1})],
    "slice_set": [
        (((), ()), {"start": (), "step": ()}),
        (((5,), (3,)), {"start": (4,), "step": (-2,)}),
        (((4, 3), (2, 0)), {"start": (1, 0), "step": (2, 1)}),
    ],
    "slice_add": [
        (((), ()), {"start": (), "step": ()}),
        (((5,), (3,)), {"start": (4,), "step": (-2,)}),
        (((4, 3), (2, 0)), {"start": (1, 0), "step": (2, 1)}),
    ],
    "put": [
        (((3,), (), ()), {"axis": 0, "distinct": True}),
        (((2, 3), (4, 1), (2, 4, 1)), {"axis": 1, "distinct": False}),
        (((0,), (0,), (0,)), {"axis": 0, "distinct": True}),
    ],
    "lu": MATRICES, "eig": MATRICES, "eigh": MATRICES, "cholesky": MATRICES,
    "lu_solve": [
        ((a, a, a[:-1], b), {"transposed": flag})
        for (a,), b in zip(SQUARE, SIDES, strict=False)
        for flag in (False, True)
    ],
    "triangular_solve": [
        ((a, b), {"lower": lower, "transposed": False, "unit": not lower})
        for (a,), b in zip(SQUARE, SIDES, strict=False)
        for lower in (False, True)
    ],
    "qr": [*MATRICES, (((3, 2),), {}), (((2, 3, 0),), {})],
    "svd": [*MATRICES, (((3, 2),), {}), (((2, 1, 3),), {}), (((0, 3),), {})],
    "log_abs_det": [((a[:-2], a, a, a[:-1]), {}) for (a,) in SQUARE],
    "det": [((a[:-2], a, a, a[:-1]), {}) for (a,) in SQUARE],
    "cofactor": [((a, a, a, a[:-1]), {}) for (a,) in SQUARE],
    "pinv": [(((3, 2), (2, 3)), {}), (((4, 0, 3), (4, 3, 0)), {})],
    "fft": [((shape,), {"inverse": i}) for shape in ((1, 2), (5, 2), (2, 0, 4, 2)) for i in (False, True)],
    "rfft": [((shape,), {}) for shape in ((1,), (4,), (3, 5), (0, 6))],
    "irfft": [((shape,), {"size": n}) for shape, n in (((1, 2), 1), ((3, 2), 4), ((2, 3, 2), 5), ((0, 4, 2), 6))],
}  # fmt: skip


def examples_of(primitive: Primitive) -> list[Example]:
    if primitive.name in EXAMPLES:
        return EXAMPLES[primitive.name]
    assert primitive.family is ew.ELEMENTWISE, f"{primitive.name} has no examples in {__name__}.EXAMPLES"
    assert not primitive.attributes, f"{primitive.name} has no examples in {__name__}.EXAMPLES"
    return [(shapes, {}) for shapes in ([(s,) for s in SHAPES], PAIRS, TRIPLES)[primitive.arity - 1]]


def operand_types(primitive: Primitive, dtype: DType, shapes: tuple[Shape, ...]) -> tuple[TensorType, ...]:
    """All of one dtype, except for predicates and indices."""
    types = [tensor_type(dtype, shape) for shape in shapes]
    if primitive is ew.select:
        types[0] = tensor_type(dtypes.BOOL, shapes[0])
    if primitive.family.name == "indexing":
        types[1] = tensor_type(dtypes.I32, shapes[1])
    if primitive.family.name in LINEAR_ALGEBRA and len(shapes) == 4:  # pivots
        index = 2 if primitive.name == "lu_solve" else 3
        types[index] = tensor_type(dtypes.I32, shapes[index])
    return tuple(types)


def application(primitive: Primitive, types: tuple[TensorType, ...], attributes: dict[str, Any]) -> tuple[Graph, Op]:
    graph = Graph("f")
    op = emit(graph, primitive, tuple([graph.add_input(t) for t in types]), attributes)
    return graph, op


def matrices(primitive: Primitive, types: tuple[TensorType, ...], rng: np.random.Generator) -> list[Any]:
    """Symmetric positive definite ones, and where the primitive takes them their factors."""
    arrays = [rng.normal(size=t.shape).astype(t.dtype.numpy) for t in types]
    if primitive.name not in {"svd", "qr", "pinv"}:
        index = 0 if primitive.family.name == "linalg" else 1
        a = arrays[index]
        arrays[index] = (a @ np.swapaxes(a, -1, -2) + 3 * np.eye(a.shape[-1])).astype(a.dtype)
        if len(arrays) == 4:
            arrays[index + 1 : index + 3] = PRIMITIVES["lu"].meaning(arrays[index])
    return arrays


def operand_arrays(primitive: Primitive, types: tuple[TensorType, ...], rng: np.random.Generator) -> list[Any]:
    if primitive.family.name in LINEAR_ALGEBRA:
        return matrices(primitive, types, rng)
    arrays = [random_array(t, rng) for t in types]
    if primitive.family.name == "indexing":
        arrays[1] = rng.integers(-2, 2, types[1].shape, np.int32)
    if primitive is ew.wrap_index:
        arrays[0] = (arrays[0] % 4).astype(types[0].dtype.numpy)
    return arrays


# Control flow, whose meaning is in its regions, is in test_control.py.
STRAIGHT = [p for p in PRIMITIVES.values() if not p.regions]
ALL = [pytest.param(p, id=p.name) for p in STRAIGHT]


@pytest.mark.parametrize("primitive", ALL)
def test_the_meaning_has_the_type_that_the_family_infers(primitive):
    """On operands of every dtype that the primitive takes: special values, 0-d, empty and broadcast shapes."""
    kinds = primitive.operand_kinds if primitive.arity and primitive.family.name not in LINEAR_ALGEBRA else "f"
    rng = np.random.default_rng(0)
    refuses = primitive.family.name in {*LINEAR_ALGEBRA, "transform"}
    for dtype in [d for d in dtypes.ALL if d.kind in kinds and not (d.is_short and refuses)]:
        for shapes, attributes in examples_of(primitive):
            types = operand_types(primitive, dtype, shapes)
            graph, op = application(primitive, types, attributes)
            verify(graph)
            arrays = operand_arrays(primitive, types, rng)
            before = [a.copy() for a in arrays]
            with np.errstate(all="ignore"):
                result = primitive.meaning(*arrays, **attributes)
            for array, copy in zip(arrays, before, strict=True):
                np.testing.assert_array_equal(array, copy, "the meaning wrote to an operand")
            if not op.results:
                assert result is None
                continue
            found = [np.asarray(part) for part in (result if primitive.results > 1 else [result])]
            assert [tensor_type(dtypes.of(a.dtype), a.shape) for a in found] == [value.type for value in op.results], (
                types,
                attributes,
            )


@pytest.mark.parametrize("primitive", ALL)
def test_declared_names(primitive):
    assert PRIMITIVES[primitive.name] is primitive
    assert primitive.summary.endswith(".")
    assert set(primitive.attributes) <= ATTRIBUTE_KINDS.keys()
    assert primitive.operand_kinds
    assert set(primitive.operand_kinds) <= set("biuf")
    assert primitive.result in {"same", "bool", "i64", "attribute"}
    assert primitive.traits <= {"commutative", "effect"}, "a trait that nothing reads"


@pytest.mark.parametrize("primitive", [p for p in STRAIGHT if inspect.isfunction(p.meaning)], ids=repr)
def test_the_meaning_takes_the_declared_operands_and_attributes(primitive):
    parameters = inspect.signature(primitive.meaning).parameters.values()
    assert {p.name for p in parameters if p.kind is p.KEYWORD_ONLY} >= set(primitive.attributes)
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    operands = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert primitive.arity == (-1 if variadic else len(operands))


@pytest.mark.parametrize("primitive", [p for p in PRIMITIVES.values() if "commutative" in p.traits], ids=repr)
def test_commutative_means_the_same_bits(primitive):
    rng = np.random.default_rng(0)
    for dtype in [d for d in dtypes.ALL if d.kind in primitive.operand_kinds]:
        a, b = (random_array(tensor_type(dtype, (500,)), rng) for _ in range(2))
        with np.errstate(all="ignore"):
            one, other = primitive.meaning(a, b), primitive.meaning(b, a)
        if one.dtype.kind == "f":
            assert np.array_equal(np.isnan(one), np.isnan(other))
            one, other = np.nan_to_num(one), np.nan_to_num(other)
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("primitive", [p for p in STRAIGHT if p.arity], ids=repr)
def test_other_kinds_and_another_arity_are_refused(primitive):
    shapes, attributes = examples_of(primitive)[-1]
    for dtype in [d for d in dtypes.ALL if d.kind not in primitive.operand_kinds]:
        with pytest.raises(DTypeError, match=primitive.name):
            application(primitive, (tensor_type(dtype, shapes[0]),) * len(shapes), attributes)
    if primitive.arity > 0:
        with pytest.raises(ShapeError, match=f"{primitive.name} takes {primitive.arity} operands"):
            application(primitive, (tensor_type(dtypes.I32, ()),) * (primitive.arity + 1), attributes)


def test_integer_pow_of_integers_takes_no_negative_exponent():
    with pytest.raises(ValueError, match="exponents from 0 up, got -1; cast first"):
        application(ew.integer_pow, (tensor_type(dtypes.I32, ()),), {"exponent": -1})
    application(ew.integer_pow, (tensor_type(dtypes.F32, ()),), {"exponent": -1})


def test_iota_gives_no_booleans():
    with pytest.raises(DTypeError, match="positions are numbers, not booleans"):
        application(creation.iota, (), {"axis": 0, "shape": (3,), "dtype": "i1"})
