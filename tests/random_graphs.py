"""Random graphs over every primitive, their inputs, and their value by the reference meanings. For Hypothesis tests.

Importable from any test: `tests` is on pytest's path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tapec.errors import TapecError
from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ir.dtypes import DType
from tapec.ir.graph import Graph, Location, Op, Value, attributes_key
from tapec.ir.primitive import Primitive
from tapec.ir.types import TensorType, tensor_type
from tapec.ops import PRIMITIVES, creation, movement, reduction
from tapec.ops import elementwise as ew

# Control flow and linear algebra, whose operands must be of a special kind, have tests of their own.
STRAIGHT = tuple([p for p in PRIMITIVES.values() if not p.regions and p.family.name not in {"linalg", "attached"}])
Draw = Callable[[st.SearchStrategy[Any]], Any]

SHAPES = ((), (3,), (2, 3), (1, 3), (2, 1), (1,), (1, 1), (0,), (2, 0), (3, 3), (2, 1, 3), (2,), (3, 2))
_SPECIAL_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.75, np.inf, -np.inf, np.nan, 1e-40, -5e-324, 1e30, 127.5, -129.0)
_SPECIAL_INTS = (0, 1, -1, 2, 3, -5, 7, 100)


# Graphs --------------------------------------------------------------------------------------------------------------


@st.composite
def graphs(
    draw: Draw,
    max_ops: int = 10,
    primitives: Sequence[Primitive] = STRAIGHT,
    guards: bool = True,
    shapes: Sequence[tuple[int, ...]] = SHAPES,
    floats: tuple[DType, DType] = (dtypes.F64, dtypes.F32),
) -> Graph:
    """A valid graph of up to `max_ops` drawn ops (and constants, casts and remainders that these need), most of them on
    two dtypes of floats.
    """
    graph = Graph(draw(st.sampled_from(("main", 'a "quoted" näme'))))
    for dtype in (*floats, dtypes.I64, dtypes.BOOL, draw(st.sampled_from(dtypes.ALL))):
        graph.add_input(tensor_type(dtype, draw(st.sampled_from(shapes))))
    graph.add_input(tensor_type(floats[0], draw(st.sampled_from(shapes))))
    builder = Builder(graph)
    choice = st.sampled_from([p for p in primitives if guards or p is not creation.guard])
    for _ in range(draw(st.integers(0, max_ops))):
        builder.phase = draw(st.sampled_from(("primal", "adjoint")))
        builder.location = draw(st.sampled_from((None, Location('user\'s "file".py', 7))))
        random_op(draw, builder, draw(choice))
    values = _values(graph)
    graph.outputs = [draw(st.sampled_from(values)) for _ in range(draw(st.integers(0, 2)))]
    graph.outputs += [op.results[0] for op in graph.ops[-2:] if op.results]
    return graph


def _values(graph: Graph) -> list[Value]:
    return graph.inputs + [value for op in graph.ops for value in op.results]


def _pick(draw: Draw, values: list[Value], fits: Callable[[Value], bool]) -> Value | None:
    found = [v for v in values if fits(v)]
    return draw(st.sampled_from(found[::-1])) if found else None


def random_op(draw: Draw, builder: Builder, primitive: Primitive) -> None:
    """Appends one application of `primitive` to values of the graph; nothing if none of them fits."""
    values = _values(builder.graph)
    first = _pick(draw, values, lambda v: v.type.dtype.kind in primitive.operand_kinds and v.type.size <= 64)
    if primitive.arity == 0:
        operands: tuple[Value, ...] = ()
    elif first is None or (primitive.family.name == "indexing" and 0 in (first.type.rank, *first.type.shape[:1])):
        return
    else:
        operands = _operands(draw, builder, primitive, first, values)
    try:
        builder.emit(primitive, operands, _attributes(draw, primitive, operands))
    except TapecError:  # what was drawn does not fit: one op less
        return


def _cast(builder: Builder, value: Value, dtype: DType) -> Value:
    return value if value.type.dtype is dtype else builder.emit(ew.cast, (value,), {"dtype": dtype.name}).result


def _indices(draw: Draw, builder: Builder, values: list[Value], size: int) -> Value:
    """Integers from 0 to below `size`, from any integers there are."""
    found = _pick(draw, values, lambda v: v.type.dtype.kind in "iu")
    assert found is not None
    return _below(builder, found, size)


def _below(builder: Builder, found: Value, size: int) -> Value:
    dtype = found.type.dtype
    bound = builder.emit(creation.constant, (), {"value": size, "dtype": dtype.name}).result
    return builder.emit(ew.remainder, (found, bound)).result


def _operands(
    draw: Draw, builder: Builder, primitive: Primitive, first: Value, values: list[Value]
) -> tuple[Value, ...]:
    family = primitive.family.name
    if primitive is ew.wrap_index:
        return (_indices(draw, builder, values, 2),)
    if family == "guard":
        return (_pick(draw, values, lambda v: v.type.dtype.kind in "biu" and v.type.size == 1) or first,)
    if family == "indexing":
        size, along = first.type.shape[0], primitive.name.endswith("_along")
        indices = _below(builder, _cast(builder, first, dtypes.I64), size) if along else None
        operands: tuple[Value, ...] = (first, indices or _indices(draw, builder, values, size))
        if primitive.arity == 3:
            shape = operands[1].type.shape + (() if along else first.type.shape[1:])
            update = _pick(draw, values, lambda v: v.type == tensor_type(first.type.dtype, shape))
            if update is None:
                one = builder.emit(creation.constant, (), {"value": 1, "dtype": "i64"}).result
                scalar = _cast(builder, one, first.type.dtype)
                update = builder.emit(movement.broadcast, (scalar,), {"shape": shape}).result
            operands += (update,)
        return operands
    if family == "update":
        updates = _pick(draw, values, lambda v: v.type.dtype is first.type.dtype and v.type.rank == first.type.rank)
        return (first, updates or first)
    if family == "contraction":
        second = _pick(draw, values, lambda v: v.type.dtype is first.type.dtype and v.type.rank >= 2)
        return (first, second or first)
    if family == "elementwise":
        if primitive is ew.select:
            condition = _pick(draw, values, lambda v: v.type.dtype is dtypes.BOOL)
            assert condition is not None
            return (condition, first, _partner(draw, values, first))
        return (first, _partner(draw, values, first)) if primitive.arity == 2 else (first,) * primitive.arity
    if primitive.arity < 0:
        return (first,) + tuple([_partner(draw, values, first) for _ in range(draw(st.integers(0, 2)))])
    return (first,)


def _partner(draw: Draw, values: list[Value], first: Value) -> Value:
    found = _pick(draw, values, lambda v: v.type.dtype is first.type.dtype and _broadcasts(v.shape, first.shape))
    assert found is not None
    return found


def _broadcasts(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return all(m == n or m == 1 or n == 1 for m, n in zip(a[::-1], b[::-1], strict=False))


# Attributes ----------------------------------------------------------------------------------------------------------


def _number(draw: Draw, dtype: DType) -> bool | int | float:
    if dtype.kind == "f":
        return float(draw(st.sampled_from((*_SPECIAL_FLOATS, 0.0, 1.0, -1.0, 1e300))))
    number = draw(st.sampled_from(_SPECIAL_INTS))
    return bool(number % 2) if dtype.kind == "b" else int(abs(number) if dtype.kind == "u" else number)


def _window(draw: Draw, extents: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """start, size and step that stay within `extents`."""
    start, size, step = [], [], []
    for n in extents:
        if draw(st.booleans()):
            first, count, stride = 0, n, 1
        else:
            stride = draw(st.sampled_from((1, 2, -1)))
            first = draw(st.integers(0, max(n - 1, 0)))
            room = (n - 1 - first) // stride if stride > 0 else first // -stride
            count = draw(st.integers(0, room + 1)) if n else 0
        start.append(first)
        size.append(count)
        step.append(stride)
    return {"start": tuple(start), "size": tuple(size), "step": tuple(step)}


def _attributes(draw: Draw, primitive: Primitive, operands: tuple[Value, ...]) -> dict[str, Any]:
    """Attributes for these operands. A primitive that declares an attribute not known here fails with `KeyError`."""
    shape = operands[0].type.shape if operands else draw(st.sampled_from(SHAPES))
    rank = len(shape)
    if primitive.name == "constant":
        dtype = draw(st.sampled_from(dtypes.ALL))
        return {"value": _number(draw, dtype), "dtype": dtype.name}
    if primitive.name == "broadcast":
        front = draw(st.sampled_from(((), (1,), (2,), (0,))))
        return {"shape": front + tuple([draw(st.sampled_from((1, 1, 3, 0))) if n == 1 else n for n in shape])}
    if primitive.name == "reshape":
        options = [s for s in (*SHAPES, (3, 2), (6,), shape[::-1], (1, *shape), (*shape, 1)) if prod(s) == prod(shape)]
        return {"shape": draw(st.sampled_from(options))}
    if primitive.name == "windows":
        size = tuple([draw(st.integers(1, max(n, 1))) for n in shape])
        return {"size": size, "step": tuple([draw(st.integers(1, 2)) for _ in shape])}
    if primitive.name == "slice":
        return _window(draw, shape)
    if primitive.family.name == "update":
        return {"start": (0,) * rank, "step": tuple([draw(st.sampled_from((1, 2))) for _ in shape])}
    if primitive.name == "unslice":
        return {
            "start": tuple([draw(st.integers(0, 1)) for _ in shape]),
            "step": (step := tuple([draw(st.integers(1, 2)) for _ in shape])),
            "shape": tuple(
                [1 + max(n - 1, 0) * by + draw(st.integers(0, 1)) for n, by in zip(shape, step, strict=True)]
            ),
        }
    makers: dict[str, Callable[[], Any]] = {
        "axis": lambda: 0 if primitive.family.name == "indexing" else draw(st.integers(0, max(rank - 1, 0))),
        "axes": lambda: tuple(sorted(draw(st.sets(st.integers(0, max(rank - 1, 0)), min_size=1)))),
        "distinct": lambda: False,
        "dtype": lambda: draw(st.sampled_from(dtypes.ALL)).name,
        "exponent": lambda: draw(st.integers(-3, 5)),
        "inverse": lambda: draw(st.booleans()),
        "expected": lambda: draw(st.integers(0, 1)),
        "permutation": lambda: tuple(draw(st.permutations(range(rank)))),
        "reverse": lambda: draw(st.booleans()),
        "shape": lambda: shape,
        "size": lambda: 2 if primitive.name == "wrap_index" else max(2 * shape[-2] - 2, 1) if rank > 1 else 1,
    }
    return {name: makers[name]() for name in primitive.attributes}


# Values --------------------------------------------------------------------------------------------------------------


def random_array(of: TensorType, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """An array of this type, rich in special values."""
    kind = of.dtype.kind
    with np.errstate(all="ignore"):
        if kind == "f":
            special = rng.choice(_SPECIAL_FLOATS, of.shape)
            return np.where(rng.random(of.shape) < 0.5, special, rng.normal(size=of.shape)).astype(of.dtype.numpy)
        if kind == "b":
            return rng.random(of.shape) < 0.5
        info = np.iinfo(of.dtype.numpy)
        chosen = rng.choice(np.array((0, 1, 2, 3, 5, info.max, info.min), of.dtype.numpy), of.shape)
        return np.asarray(chosen, of.dtype.numpy)


def random_inputs(graph: Graph, seed: int) -> list[np.ndarray[Any, Any]]:
    """Arrays for the graph's inputs."""
    rng = np.random.default_rng(seed)
    return [np.asarray(random_array(v.type, rng)) for v in graph.inputs]


def apply_meaning(op: Op, arrays: list[Any]) -> Any:
    """One op by its reference meaning, with bits that depend on the elements alone.

    NumPy's own loops for functions such as exp may give an element other bits in another position, and its sum begins
    with +0.0; generated code does neither.
    """
    primitive, attributes = op.primitive, op.attributes
    if primitive is reduction.sum and op.result.type.dtype.is_float:
        wide = np.float32 if dtypes.is_short(arrays[0].dtype) else arrays[0].dtype
        return np.sum(arrays[0], axis=attributes["axes"], dtype=wide, initial=-0.0).astype(arrays[0].dtype)
    if primitive.exact or primitive.family is not ew.ELEMENTWISE:
        return primitive.meaning(*arrays, **attributes)
    spread = [a.reshape(-1) for a in np.broadcast_arrays(*arrays)]
    parts = [primitive.meaning(*[a[i : i + 1] for a in spread], **attributes) for i in range(spread[0].size)]
    flat = np.concatenate(parts) if parts else np.empty(0, op.result.type.dtype.numpy)
    return flat.reshape(op.result.type.shape)


def evaluate(graph: Graph, inputs: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
    """The graph's outputs by the reference meanings; each result is checked to have the type that was inferred."""
    known: dict[Value, Any] = dict(zip(graph.inputs, inputs, strict=True))
    with np.errstate(all="ignore"):
        for op in graph.ops:
            result = apply_meaning(op, [known[v] for v in op.operands])
            if not op.results:
                continue
            array = np.array(result, order="C")  # one layout, since NumPy's reductions follow the strides
            assert tensor_type(dtypes.of(array.dtype), array.shape) == op.result.type, op
            known[op.result] = array
    return [known[v] for v in graph.outputs]


def assert_same_bits(found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Same dtypes, shapes and bits, except that any NaN equals any other."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        if a.dtype.kind in dtypes.FLOATS:
            with np.errstate(invalid="ignore"):  # NaNs of bfloat16 that signal
                nan = np.isnan(a)
                assert np.array_equal(nan, np.isnan(b)), (a, b)
            a, b = np.array(a), np.array(b)
            a[nan] = b[nan] = 0
        assert a.astype(a.dtype, order="C").tobytes() == b.astype(b.dtype, order="C").tobytes(), (a, b)


def structure(graph: Graph, *, locations: bool = True) -> tuple[Any, ...]:
    """All that a graph is, in a form that compares equal for equal graphs."""
    number = {value: i for i, value in enumerate(_values(graph))}
    ops = [
        (
            op.primitive.name,
            [number[v] for v in op.operands],
            attributes_key(op.attributes),
            [v.type for v in op.results],
            op.phase,
            op.location if locations else None,
            [structure(region, locations=locations) for region in op.regions],
        )
        for op in graph.ops
    ]
    return graph.name, [v.type for v in graph.inputs], ops, [number[v] for v in graph.outputs]
