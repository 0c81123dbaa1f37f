"""One loop in the place of two that carry the same: what `merge_loops` and `store_rows` share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tapec.ir.graph import REGION, Graph, Op, Value
from tapec.ops import control
from tapec.passes.splice import splice

# What is done to a body that two loops share: its common subexpressions are found, among other things.
Clean = Callable[[Graph], Graph]


@dataclass(frozen=True, slots=True)
class LoopView:
    """What one loop does in each round.

    Attributes:
        consts: what every round takes.
        inits: the first carries.
        xs: arrays of which each round takes a slice.
        body: takes consts, carries and slices; gives new carries and what else there is.
        condition: whether there is a further round, of consts and carries; None for loops that count.
    """

    consts: Sequence[Value]
    inits: Sequence[Value]
    xs: Sequence[Value]
    body: Graph
    condition: Graph | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """A loop that does what two did.

    Attributes:
        view: the loop.
        positions: for each output of the first and of the second body the position of the output that it becomes.
    """

    view: LoopView
    positions: tuple[list[int], list[int]]


def view_of(op: Op) -> LoopView:
    """The view of a `scan` or a `while_loop`."""
    if op.primitive is control.scan:
        consts, inits, xs = control.scan_parts(op.operands, op.attributes)
        return LoopView(consts, inits, xs, op.regions[0])
    count = op.attributes["consts"]
    assert isinstance(count, int)
    return LoopView(op.operands[:count], op.operands[count:], (), op.regions[1], op.regions[0])


def moved_before(place: Mapping[Op, int], loop: Op, values: Iterable[Value]) -> list[Op] | None:
    """The ops behind `loop` that make `values`, and could stand before it; None if they need it, or have an effect.

    Args:
        place: the number of each op of the graph.
        loop: one of them.
        values: of the graph.
    """
    needed: set[Op] = set()
    waiting = [v.op for v in values]
    while waiting:
        op = waiting.pop()
        if op is None or op in needed or place[op] < place[loop]:
            continue
        if op is loop or "effect" in op.primitive.traits:
            return None
        needed.add(op)
        waiting += [v.op for v in op.operands]
    return sorted(needed, key=place.__getitem__)


def merged(first: LoopView, second: LoopView, clean: Clean) -> Merged | None:
    """One loop for both, if each carry of one of them is a carry of the other; None if not.

    Which carries are the same is found by assuming that all with the same first value are, and dropping the assumption
    for those whose next values then differ. Of loops without carries those are merged that share an op.
    """
    loops = (first, second)
    inits = [set(loop.inits) for loop in loops]
    if not (inits[0] <= inits[1] or inits[1] <= inits[0]):
        return None
    consts = list(dict.fromkeys([*first.consts, *second.consts]))
    xs = list(dict.fromkeys([*first.xs, *second.xs]))
    numbers = {v: n for n, v in enumerate(dict.fromkeys([*first.inits, *second.inits]))}
    classes = [[numbers[v] for v in loop.inits] for loop in loops]  # the class of each carry
    while True:
        count = len({c for found in classes for c in found})
        body = clean(_joined(loops, consts, classes, xs))
        outputs = iter(body.outputs)
        after = [[next(outputs) for _ in loop.body.outputs] for loop in loops]
        keys: dict[tuple[int, Value], int] = {}
        finer = [
            [keys.setdefault((c, v), len(keys)) for c, v in zip(found, values, strict=False)]
            for found, values in zip(classes, after, strict=True)
        ]
        if len(keys) == count:
            break
        classes = finer
    of = [set(found) for found in classes]
    if not (of[0] <= of[1] or of[1] <= of[0]):
        return None
    if not (of[0] and of[1]) and len(body.ops) == sum(len(loop.body.ops) for loop in loops):
        return None
    order = sorted(of[0] | of[1])
    condition, agree = _condition(loops, consts, classes, clean)
    if not agree:
        return None
    init_of: dict[int, Value] = {}
    next_of: dict[int, Value] = {}
    for loop, found, values in zip(loops, classes, after, strict=True):
        for init, c, following in zip(loop.inits, found, values, strict=False):
            init_of[c], next_of[c] = init, following
    ys = list(dict.fromkeys([v for found, values in zip(classes, after, strict=True) for v in values[len(found) :]]))
    region = Graph(REGION, body.inputs, body.ops, [*[next_of[c] for c in order], *ys])
    positions = []
    for found, values in zip(classes, after, strict=True):
        kept = [order.index(c) for c in found]
        positions.append([*kept, *[len(order) + ys.index(v) for v in values[len(found) :]]])
    view = LoopView(consts, [init_of[c] for c in order], xs, region, condition)
    return Merged(view, (positions[0], positions[1]))


def _joined(loops: Sequence[LoopView], consts: list[Value], classes: list[list[int]], xs: list[Value]) -> Graph:
    """Both bodies, one behind the other, over consts, one carry for each class, and xs."""
    body, inputs = _inputs(loops, consts, classes)
    slices: dict[Value, Value] = {}
    for loop in loops:
        inside = loop.body.inputs[len(loop.consts) + len(loop.inits) :]
        for v, like in zip(loop.xs, inside, strict=True):
            slices.setdefault(v, Value(like.type))
    body.inputs += [slices[v] for v in xs]
    for loop, given in zip(loops, inputs, strict=True):
        mapping = splice(loop.body, body, [*given, *[slices[v] for v in loop.xs]])
        body.outputs += [mapping[v] for v in loop.body.outputs]
    return body


def _condition(
    loops: Sequence[LoopView], consts: list[Value], classes: list[list[int]], clean: Clean
) -> tuple[Graph | None, bool]:
    """The condition of the loop for both, and whether those that have one have the same."""
    made, inputs = _inputs(loops, consts, classes)
    for loop, given in zip(loops, inputs, strict=True):
        if loop.condition is not None:
            mapping = splice(loop.condition, made, given)
            made.outputs += [mapping[v] for v in loop.condition.outputs]
    if not made.outputs:
        return None, True
    made = clean(made)
    agree = len(set(made.outputs)) == 1
    made.outputs = made.outputs[:1]
    return made, agree


def _inputs(
    loops: Sequence[LoopView], consts: list[Value], classes: list[list[int]]
) -> tuple[Graph, list[list[Value]]]:
    """A region over consts and one carry for each class; for each loop the inputs that are its consts and carries."""
    region = Graph(REGION)
    of_consts = {v: region.add_input(v.type) for v in consts}
    carries: dict[int, Value] = {}
    for loop, found in zip(loops, classes, strict=True):
        for init, c in zip(loop.inits, found, strict=True):
            carries.setdefault(c, Value(init.type))
    region.inputs += [carries[c] for c in sorted(carries)]
    given = [
        [*[of_consts[v] for v in loop.consts], *[carries[c] for c in found]]
        for loop, found in zip(loops, classes, strict=True)
    ]
    return region, given
