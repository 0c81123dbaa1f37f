"""Loops and branches: ops whose bodies are regions. `tapec.runtime.control` runs them; they have no NumPy meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn, TypeVar

from tapec.errors import AttributeValueError, DTypeError, ShapeError, TapecError
from tapec.ir import dtypes
from tapec.ir.graph import Graph
from tapec.ir.primitive import Primitive, RegionFamily
from tapec.ir.types import TensorType, tensor_type
from tapec.ops.registry import define

_T = TypeVar("_T")


class Control(RegionFamily):
    """The regions say what goes in and out, and each primitive how often they run."""

    name = "control"

    def infer_regions(
        self,
        primitive: Primitive,
        operands: tuple[TensorType, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
    ) -> tuple[TensorType, ...]:
        """See `Family.infer_regions`."""
        if primitive is scan:
            return _infer_scan(operands, attributes, regions)
        if primitive is cond:
            return _infer_cond(operands, regions)
        if primitive is sweeps:
            return infer_sweeps("sweeps", tensor_type(dtypes.I64, ()), operands, attributes, regions)
        return infer_while(operands, attributes, regions)


def scan_parts(values: Sequence[_T], attributes: dict[str, Any]) -> tuple[list[_T], list[_T], list[_T]]:
    """What belongs to consts, carries and xs, among the operands of a scan or the inputs of its region."""
    consts, carries = attributes["consts"], attributes["carries"]
    return list(values[:consts]), list(values[consts : consts + carries]), list(values[consts + carries :])


class SweepParts(NamedTuple):
    """How the operands and results of `sweeps` belong to its regions.

    Attributes:
        consts: number of operands that every region takes.
        carries: for each region the number of its carries.
        reverse: for each region whether it goes from the last round to the first.
        rows: for each region the number of rows that it stores.
    """

    consts: int
    carries: tuple[int, ...]
    reverse: tuple[bool, ...]
    rows: tuple[int, ...]

    def first(self, number: int) -> int:
        """Position of the first carry of a region among the results."""
        return sum(self.carries[:number])

    def operand(self, number: int) -> int:
        """Position of the first carry of a region among the operands."""
        return self.consts + 1 + self.first(number)

    def row(self, number: int, earlier: int) -> int:
        """Position among the inputs of a region of the first row that an earlier one stored."""
        return self.consts + self.carries[number] + sum(self.rows[:earlier])


def sweep_parts(attributes: dict[str, Any], regions: Sequence[Graph]) -> SweepParts:
    """The parts of `sweeps`."""
    carries: tuple[int, ...] = attributes["carries"]
    rows = tuple([len(region.outputs) - count for region, count in zip(regions, carries, strict=True)])
    return SweepParts(attributes["consts"], carries, attributes["reverse"], rows)


def infer_sweeps(
    name: str,
    rounds: TensorType,
    operands: tuple[TensorType, ...],
    attributes: dict[str, Any],
    regions: tuple[Graph, ...],
    *,
    given: bool = False,
) -> tuple[TensorType, ...]:
    """Types of the results of sweeps.

    Args:
        name: of the primitive.
        rounds: type of the operand behind the consts, which says how many rounds there are.
        operands: types of its operands.
        attributes: its attributes.
        regions: its regions.
        given: whether rows are there before the first region; what they hold is what that one takes.
    """
    consts, counts = attributes["consts"], attributes["carries"]
    if not len(counts) == len(attributes["reverse"]) == len(regions):
        raise AttributeValueError(f"{name}: carries and reverse must have one entry for each of {len(regions)} regions")
    if consts < 0 or min(counts) < 0 or consts + 1 + sum(counts) != len(operands):
        raise AttributeValueError(f"{name}: {consts} consts, rounds, {counts} carries among {len(operands)} operands")
    _check(name, "the rounds", (operands[consts],), (rounds,))
    rows = types_of(regions[0].inputs[consts + counts[0] :]) if given else ()
    first = consts + 1
    for number, (count, region) in enumerate(zip(counts, regions, strict=True)):
        carries = operands[first : first + count]
        first += count
        _check(name, f"the inputs of region {number}", types_of(region.inputs), (*operands[:consts], *carries, *rows))
        outputs = types_of(region.outputs)
        _check(name, f"the carries of region {number}", outputs[:count], carries)
        rows += outputs[count:]
    return operands[consts + 1 :]


def _infer_scan(
    operands: tuple[TensorType, ...], attributes: dict[str, Any], regions: tuple[Graph, ...]
) -> tuple[TensorType, ...]:
    length, first = attributes["length"], attributes["consts"] + attributes["carries"]
    carries = _carries("scan", operands, attributes)
    if length < 0:
        raise AttributeValueError(f"scan: the length must not be negative, got {length}")
    slices = []
    for i, x in enumerate(operands[first:]):
        if x.rank == 0 or x.shape[0] != length:
            raise ShapeError(f"scan: xs {i} is {x!r}; its first extent must be the length, {length}")
        slices.append(tensor_type(x.dtype, x.shape[1:]))
    (body,) = regions
    _check("scan", "the body's inputs", types_of(body.inputs), (*operands[:first], *slices))
    outputs = types_of(body.outputs)
    _check("scan", "the body's carries", outputs[: len(carries)], carries)
    return (*carries, *[tensor_type(y.dtype, (length, *y.shape)) for y in outputs[len(carries) :]])


def _infer_cond(operands: tuple[TensorType, ...], regions: tuple[Graph, ...]) -> tuple[TensorType, ...]:
    index, *rest = operands
    if index.rank or index.dtype.is_float:
        raise DTypeError(f"cond: the index must be an integer or boolean scalar, got {index!r}")
    if index.dtype.kind == "b" and len(regions) != 2:
        raise ShapeError(f"cond: a boolean index chooses between 2 regions, got {len(regions)}")
    results = types_of(regions[0].outputs)
    for i, region in enumerate(regions):
        _check("cond", f"the inputs of region {i}", types_of(region.inputs), tuple(rest))
        _check("cond", f"the outputs of region {i}", types_of(region.outputs), results)
    return results


def infer_while(
    operands: tuple[TensorType, ...], attributes: dict[str, Any], regions: tuple[Graph, ...]
) -> tuple[TensorType, ...]:
    """Types of the results of a while loop."""
    carries = _carries("while_loop", operands, {**attributes, "carries": len(operands) - attributes["consts"]})
    condition, body = regions
    _check("while_loop", "the condition's inputs", types_of(condition.inputs), operands)
    _check("while_loop", "the condition's outputs", types_of(condition.outputs), (tensor_type(dtypes.BOOL, ()),))
    _check("while_loop", "the body's inputs", types_of(body.inputs), operands)
    _check("while_loop", "the body's carries", types_of(body.outputs), carries)
    return (*carries, tensor_type(dtypes.I64, ()))


def _carries(name: str, operands: tuple[TensorType, ...], attributes: dict[str, Any]) -> tuple[TensorType, ...]:
    consts, carries = attributes["consts"], attributes["carries"]
    if consts < 0 or carries < 0 or consts + carries > len(operands):
        raise AttributeValueError(f"{name}: {consts} consts and {carries} carries among {len(operands)} operands")
    return operands[consts : consts + carries]


def types_of(values: Sequence[Any]) -> tuple[TensorType, ...]:
    """Types of values."""
    return tuple([v.type for v in values])


def _check(name: str, what: str, found: tuple[TensorType, ...], expected: tuple[TensorType, ...]) -> None:
    if found == expected:
        return
    error: type[TapecError] = ShapeError
    if tuple([t.shape for t in found]) == tuple([t.shape for t in expected]):
        error = DTypeError
    raise error(f"{name}: {what} must be {expected}, got {found}")


def not_a_function(*operands: Any, **attributes: Any) -> NoReturn:
    """The meaning of primitives that have none in NumPy."""
    raise TypeError("control flow has no meaning apart from its regions; tapec.runtime runs it")


CONTROL = Control()

scan = define(
    Primitive("scan", CONTROL, -1, not_a_function,
              "A loop of known length: operands are consts, first carries and xs; the region takes consts, carries and "
              "one slice of each xs along axis 0, and gives new carries and ys; results are the last carries and the "
              "ys stacked along axis 0. With `reverse` the last slice comes first.",
              ("consts", "carries", "length", "reverse"), result="regions", regions=1, results=-1)
)  # fmt: skip
cond = define(
    Primitive("cond", CONTROL, -1, not_a_function,
              "The region that the first operand chooses (an integer, clamped into range; False is 0), applied to the "
              "others.", result="regions", regions=-1, results=-1)
)  # fmt: skip
while_loop = define(
    Primitive("while_loop", CONTROL, -1, not_a_function,
              "A loop that runs while the first region says so: operands are consts and first carries, which both "
              "regions take; the second gives new carries. Results are the last carries and the number of rounds.",
              ("consts",), result="regions", regions=2, results=-1)
)  # fmt: skip
sweeps = define(
    Primitive("sweeps", CONTROL, -1, not_a_function,
              "Loops one after the other, of as many rounds as one operand says: operands are consts, the number of "
              "rounds, and the first carries of each region in turn. A region takes consts, its carries, and of each "
              "earlier region the rows that it stored in the same round; it gives new carries and rows to store. One "
              "with `reverse` begins with the last round. Results are the last carries of each. The derivatives of "
              "while loops are made of it.",
              ("consts", "carries", "reverse"), result="regions", regions=-1, results=-1)
)  # fmt: skip
