"""Which elements of the results of loops and branches depend on which elements of their operands.

A region is gone through once, by itself; what it relates is then composed with the sets of the operands. A loop's
carries have the sets that any number of rounds up to its length (rounded up to a power of 2) can give them, found by
repeated squaring: a superset, exact for bodies that work elementwise. Slices of xs are told apart where ys depend on
them at once, and not where they do through carries.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tapec.ir.graph import Graph, Op, Value
from tapec.ops import control
from tapec.passes.index_sets import IndexSets, compose, empty, gather, identity, merge, same, stack, union

if TYPE_CHECKING:
    from tapec.passes.sparsity import Known, Propagation


def control_sets(outside: Propagation, op: Op, operands: Sequence[IndexSets | None]) -> list[IndexSets]:
    """The sets of all results of an op with regions; empty ones for those without derivatives.

    Args:
        outside: of the graph that the op is in.
        op: the op.
        operands: their sets; None for those that do not depend on anything.
    """
    if op.primitive is control.cond:
        regions = [_region(outside, region, op.operands[1:], operands[1:], len(op.operands)) for region in op.regions]
        branches = [region.results(range(len(op.results))) for region in regions]
        found = zip(*branches, strict=True)
        return [outside.total(list(parts), v.type.size) for parts, v in zip(found, op.results, strict=True)]
    consts = int(op.attributes["consts"])  # type: ignore[arg-type]
    if op.primitive is control.scan:
        return _scan(outside, op, operands, consts, int(op.attributes["carries"]))  # type: ignore[arg-type]
    carries = len(op.operands) - consts
    loop = _region(outside, op.regions[1], op.operands, operands, consts)
    final = loop.rounds(consts, carries, None)
    return [*final, empty(1, outside.width)]  # the number of rounds has no derivative


def _scan(
    outside: Propagation, op: Op, operands: Sequence[IndexSets | None], consts: int, carries: int
) -> list[IndexSets]:
    length = int(op.attributes["length"])  # type: ignore[arg-type]
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
        reach = union(step, identity(step.shape[0], step.shape[0], 0))
        done = 1
        while length is None or done < length:
            further = compose(reach, reach)
            if same(further, reach):
                break
            reach, done = further, 2 * done
        return reach


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
