"""Products of a sparse derivative with the sums of its columns, or rows, of each colour."""

from __future__ import annotations

import numpy as np

from tapec.basis import reshaped
from tapec.derivative_graphs import pullback, pushforward
from tapec.dispatch import apply, lift, promote
from tapec.ir import dtypes
from tapec.ir.types import tensor_type
from tapec.ops import creation, movement
from tapec.ops import elementwise as ew
from tapec.spaces import zeros
from tapec.sparse_plan import Plan
from tapec.sparse_recording import SparseRecording
from tapec.tensor import Tensor


def products(recording: SparseRecording, plan: Plan) -> Tensor:
    """All products one after another, as `plan.positions` counts them: one derivative, vectorized over the colours."""
    forward = plan.direction == "forward"
    parts = (_with_columns if forward else _with_rows)(recording, plan)
    rows = []
    for part, space in zip(parts, recording.targets if forward else recording.sources, strict=True):
        shape = (plan.count, space.size)
        rows.append(zeros(tensor_type(space.type.dtype, shape)) if part is None else reshaped(part, shape))
    rows = list(promote(*rows)) if rows else [zeros(tensor_type(dtypes.F64, (plan.count, 0)))]
    table = rows[0] if len(rows) == 1 else apply(movement.concat, tuple(rows), {"axis": 1})
    return reshaped(table, (table.size,))


def _with_columns(recording: SparseRecording, plan: Plan) -> list[Tensor | None]:
    """For each target its tangents along the sum of the columns of each colour; None for zeros."""
    places = [recording.recorder.place(target) for target in recording.targets]
    derivative = pushforward(recording.recorder, [p for p in places if p is not None], recording.places, plan.count)
    found = iter(derivative.run(_seeds(plan, recording.sources)))
    return [None if place is None else next(found) for place in places]


def _with_rows(recording: SparseRecording, plan: Plan) -> list[Tensor | None]:
    """For each source the cotangents from the sum of the rows of each colour; None for zeros."""
    places = [recording.recorder.place(target) for target in recording.targets]
    seeds = [seed for seed, p in zip(_seeds(plan, recording.targets), places, strict=True) if p is not None]
    derivative = pullback(recording.recorder, [p for p in places if p is not None], recording.places, plan.count)
    return derivative.run(seeds)


def _seeds(plan: Plan, spaces: list[Tensor]) -> list[Tensor]:
    """For each space, one direction for each colour: 1 at its elements, else 0."""
    seeds, first = [], 0
    for space in spaces:
        size = space.size
        colors = lift(plan.colors[first : first + size].astype(np.int32).reshape(space.shape))
        shape = (plan.count, *space.shape)
        numbers = apply(creation.iota, (), {"axis": 0, "shape": shape, "dtype": dtypes.I32.name})
        same = apply(ew.eq, (numbers, colors))
        seeds.append(apply(ew.cast, (same,), {"dtype": space.type.dtype.name}))
        first += size
    return seeds
