"""Which elements of the results of ops with regions depend on which elements of their operands: loops and branches, and
functions with derivative rules of their own.

A region is gone through once, by itself; what it relates is then composed with the sets of the operands. A loop's
carries have the sets that any number of rounds up to its length can give them, found by repeated squaring: a superset,
exact for bodies whose carries depend on themselves. Slices of xs are told apart where ys depend on
them at once, and not where they do through carries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tapec.ir.graph import Graph, Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import control, custom
from tapec.passes.index_sets import IndexSets, compose, empty, gather, identity, merge, same, stack, union

if TYPE_CHECKING:
    from tapec.passes.sparsity import Known, Propagation


def control_sets(outside: Propagation, op: Op, operands: Sequence[IndexSets | None]) -> list[IndexSets]:
    """The sets of all results of an op with regions that `has_rule`; empty ones for those without derivatives.

    Args:
        outside: of the graph that the op is in.
        op: the op.
        operands: their sets; None for those that do not depend on anything.
    """
    return _RULES[op.primitive](outside, op, operands)


def has_rule(primitive: Primitive) -> bool:
    """Whether `control_sets` knows the primitive; of others with regions everything depends on everything."""
    return primitive in _RULES


def _cond(outside: Propagation, op: Op, operands: Sequence[IndexSets | None]) -> list[IndexSets]:
    regions = [_region(outside, region, op.operands[1:], operands[1:], len(op.operands)) for region in op.regions]
    found = zip(*[region.results(range(len(op.results))) for region in regions], strict=True)
    return [outside.total(list(parts), value.type.size) for parts, value in zip(found, op.results, strict=True)]


def _while_loop(outside: Propagation, op: Op, operands: Sequence[IndexSets | None]) -> list[IndexSets]:
    consts: Any = op.attributes["consts"]
    loop = _region(outside, op.regions[1], op.operands, operands, consts)
    final = loop.rounds(consts, len(op.operands) - consts, None)
    return [*final, empty(1, outside.width)]  # the number of rounds has no derivative


def _sweeps(outside: Propagation, op: Op, operands: Sequence[IndexSets | None]) -> list[IndexSets]:
    """A row that a sweep stores counts as having what any round's has."""
    parts = control.sweep_parts(op.attributes, op.regions)
    consts, found, rows = parts.consts, list[IndexSets](), list[IndexSets]()
    for number, region in enumerate(op.regions):
        first, carries = parts.operand(number), parts.carries[number]
        values = [*op.operands[:consts], *op.operands[first : first + carries], *region.inputs[consts + carries :]]
        sets = [*operands[:consts], *operands[first : first + carries], *rows]
        sweep = _region(outside, region, values, sets, consts)
        found += sweep.rounds(consts, carries, None)
        rows += sweep.results(range(carries, len(region.outputs)))
    return found


def _custom_rule(outside: Propagation, op: Op, operands: Sequence[IndexSets | None]) -> list[IndexSets]:
    """What the rule's pushforward relates, or its pullback if it has no pushforward."""
    a: Any = op.attributes
    args = [i for i in range(a["results"], a["results"] + a["args"]) if op.operands[i].type.dtype.is_float]
    results = [i for i, value in enumerate(op.results) if value.type.dtype.is_float]
    pull, push = op.regions
    region = push if push.outputs else pull
    rest = op.operands[a["results"] + a["args"] :]
    known = {v: k for v, value in zip(region.inputs, rest, strict=False) if (k := outside.known(value)) is not None}
    given = region.inputs[len(rest) :]
    inside = outside.inside(region, given, known)
    inner = [(v.type.size, inside.sets.get(v)) for v in region.outputs]
    links = stack([empty(size, inside.width) if sets is None else sets for size, sets in inner])
    if region is pull:
        links = links.T.tocsr()
    moving = [operands[i] for i in args]
    sizes = [op.operands[i].type.size for i in args]
    arguments = stack([empty(n, outside.width) if s is None else s for n, s in zip(sizes, moving, strict=True)])
    found = compose(links, arguments)
    sets, first = [empty(value.type.size, outside.width) for value in op.results], 0
    for i in results:
        sets[i] = found[first : first + op.results[i].type.size]
        first += op.results[i].type.size
    return sets


def _scan(outside: Propagation, op: Op, operands: Sequence[IndexSets | None]) -> list[IndexSets]:
    a: Any = op.attributes
    consts, carries, length = a["consts"], a["carries"], a["length"]
    first, slices = consts + carries, list(operands)
    for i, x in enumerate(op.operands[first:], first):
        sets = operands[i]
        if sets is not None:
            size = op.regions[0].inputs[i].type.size
            slices[i] = merge(sets, np.tile(np.arange(size), length), size) if length else empty(size, outside.width)
            assert x.type.size == size * length
    loop = _region(outside, op.regions[0], op.operands, slices, consts)
    final = loop.rounds(consts, carries, length)
    ys = []
    for y in range(carries, len(op.results)):
        size = loop.region.outputs[y].type.size
        every = loop.result(y, [i for i in range(len(operands)) if i < first])
        parts = [gather(every, np.tile(np.arange(size), length))]
        xs = [i for i in range(first, len(operands)) if operands[i] is not None]
        parts += [compose(_repeated(loop.links(y, i), length), operands[i]) for i in xs]
        ys.append(outside.total(parts, size * length))
    return [*final, *ys]


def _repeated(links: IndexSets, length: int) -> IndexSets:
    """The relation of all slices of ys with those of xs, from that of one slice of each."""
    from scipy.sparse import eye_array, kron

    return kron(eye_array(length, dtype=bool), links, format="csr").astype(bool)


class _Region:
    """A region's own relation, and the sets of its inputs."""

    def __init__(self, outside: Propagation, region: Graph, inside: Propagation, sets: list[IndexSets | None]) -> None:
        self.region = region
        self._outside = outside
        self._inside = inside
        self._sets = sets
        self._starts = np.cumsum([0] + [v.type.size if v.type.dtype.is_float else 0 for v in region.inputs])

    def links(self, output: int, argument: int) -> IndexSets:
        """Which elements of an input each element of an output depends on."""
        value = self.region.outputs[output]
        found = self._inside.sets.get(value)
        start, stop = self._starts[argument], self._starts[argument + 1]
        return empty(value.type.size, int(stop - start)) if found is None else found[:, start:stop]

    def result(self, output: int, arguments: Sequence[int]) -> IndexSets:
        """The sets of an output, as far as they come from these inputs."""
        size = self.region.outputs[output].type.size
        parts = [compose(self.links(output, i), s) for i in arguments if (s := self._sets[i]) is not None]
        return self._outside.total(parts, size)

    def results(self, outputs: Sequence[int]) -> list[IndexSets]:
        """The sets of outputs."""
        return [self.result(i, range(len(self._sets))) for i in outputs]

    def rounds(self, consts: int, carries: int, length: int | None) -> list[IndexSets]:
        """The sets of the carries after up to `length` rounds, or any number; they become those of these inputs."""
        sizes = [v.type.size for v in self.region.inputs[consts : consts + carries]]
        floats = [v.type.dtype.is_float for v in self.region.inputs[consts : consts + carries]]
        moving = [i for i in range(carries) if floats[i]]
        width = self._outside.width
        start = [self._sets[consts + i] for i in moving]
        initial = [empty(sizes[i], width) if s is None else s for i, s in zip(moving, start, strict=True)]
        if moving and length != 0:
            others = [i for i in range(len(self._sets)) if not consts <= i < consts + carries]
            driven = [union(self.result(i, others), s) for i, s in zip(moving, initial, strict=True)]
            reach = self._closure([consts + i for i in moving], moving, length)
            reached = compose(reach, stack(driven))
            ends = np.cumsum([0] + [sizes[i] for i in moving])
            initial = [reached[a:b] for a, b in pairwise(ends)]
        final = [empty(size, width) for size in sizes]
        for i, sets in zip(moving, initial, strict=True):
            final[i] = self._sets[consts + i] = sets
        return final

    def _closure(self, inputs: list[int], outputs: list[int], length: int | None) -> IndexSets:
        """Which elements of the carries those after some rounds depend on."""
        from scipy.sparse import hstack

        rows = [hstack([self.links(o, i) for i in inputs], format="csr") for o in outputs]
        step = stack(rows)
        power = union(step, identity(step.shape[0], step.shape[0], 0))
        reach, left = None, length
        while True:
            if left is None or left & 1:
                reach = power if reach is None else compose(power, reach)
            if left is not None:
                left >>= 1
                if left == 0:
                    return reach
            further = compose(power, power)
            if same(further, power):  # as far as any number of rounds reaches
                return power
            power = further


def _region(
    outside: Propagation, region: Graph, values: Sequence[Value], sets: Sequence[IndexSets | None], constant: int
) -> _Region:
    """A region whose inputs stand for `values`; the first `constant` of them are the same in all rounds."""
    known: dict[Value, Known] = {}
    for i, (argument, value) in enumerate(zip(region.inputs, values, strict=True)):
        elements = outside.known(value) if i < constant else None
        if elements is not None:
            known[argument] = elements
    inside = outside.inside(region, [v for v in region.inputs if v.type.dtype.is_float], known)
    return _Region(outside, region, inside, list(sets))


_RULES: dict[Primitive, Callable[[Propagation, Op, Sequence[IndexSets | None]], list[IndexSets]]] = {
    control.scan: _scan,
    control.cond: _cond,
    control.while_loop: _while_loop,
    control.sweeps: _sweeps,
    custom.rule: _custom_rule,
}
