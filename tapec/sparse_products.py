"""Products of a sparse derivative with the sums of its columns, or rows, of each colour."""

from __future__ import annotations

import numpy as np

from tapec.basis import reshaped
from tapec.derivative_graphs import for_many
from tapec.dispatch import apply, cast
from tapec.ir import dtypes
from tapec.ir.graph import Value
from tapec.ir.types import tensor_type
from tapec.ops import creation, movement
from tapec.ops import elementwise as ew
from tapec.passes.compression import Compression, LinearGraph, Seed
from tapec.passes.cut import Cut
from tapec.passes.tangent import tangent
from tapec.replay import Program
from tapec.spaces import zeros
from tapec.sparse_plan import Plan
from tapec.sparse_recording import SparseRecording
from tapec.tensor import Tensor, make


def products(recording: SparseRecording, plan: Plan) -> list[Tensor]:
    """The pieces of the plan's table, flat."""
    return _Products(recording, plan).pieces()


class _Products:
    def __init__(self, recording: SparseRecording, plan: Plan) -> None:
        self._recording = recording
        self._plan = plan
        self._cut: Cut = recording.whole if plan.whole else recording.separate
        self._compression: Compression = plan.compression
        self._side, self._other = self._compression.sides(self._cut)
        self._scales = self._derivatives_of_variables()

    def pieces(self) -> list[Tensor]:
        """See `products`."""
        if not self._compression.separate:
            found = self._all_at_once()
            return [self._piece(block, found, self._compression.count) for block, _ in self._plan.pieces]
        seeds = [self._compression.seeds(self._cut, color) for color in range(self._compression.count)]
        made = [self._compression.derivative(self._cut, of_one) for of_one in seeds]
        self._recording.tensors([self._origin(value) for one in made for value in one.residuals])
        by_color = [
            self._run(one, [self._seed(seed) for seed in of_one if seed.given])
            for one, of_one in zip(made, seeds, strict=True)
        ]
        return [self._piece(block, by_color[color], 1) for block, color in self._plan.pieces]

    def _all_at_once(self) -> list[Tensor | None]:
        """The results of all products, with an axis over these in front."""
        seeds, count = self._compression.every(self._cut), self._compression.count
        made = self._compression.derivative(self._cut, seeds)
        given = [self._seeds(seed, count) for seed in seeds]
        return self._run(made._replace(graph=for_many(made.graph, count, len(made.residuals))), given)

    def _run(self, made: LinearGraph, seeds: list[Tensor]) -> list[Tensor | None]:
        kept = self._recording.tensors([self._origin(value) for value in made.residuals])
        residuals = [_spread(x, value.shape) for x, value in zip(kept, made.residuals, strict=True)]
        found = iter(Program(made.graph).run(seeds + residuals))
        return [None if value is None else next(found) for value in made.results]

    def _origin(self, value: Value) -> Value:
        return self._cut.origins.get(value, value)

    def _seed(self, seed: Seed) -> Tensor:
        """At the elements of its colour 1, or the derivative of a scaled variable; else 0."""
        value = self._side.values[seed.position]
        if seed.lean is None:
            return self._scales[seed.position]
        ones = make(seed.lean.astype(value.type.dtype.numpy))
        if seed.scaled:
            return apply(ew.strong_mul, (_spread(ones, value.shape), self._scales[seed.position]))
        return _spread(ones, value.shape)

    def _seeds(self, seed: Seed, count: int) -> Tensor:
        """The seeds of all products, made by ops and not held as arrays, so that compiled code need not read them."""
        value = self._side.values[seed.position]
        colors = make(self._compression.colors[self._side.blocks[seed.position]].astype(np.int32).reshape(value.shape))
        numbers = apply(creation.iota, (), {"axis": 0, "shape": (count, *value.shape), "dtype": dtypes.I32.name})
        ones = apply(ew.cast, (apply(ew.eq, (numbers, colors)),), {"dtype": value.type.dtype.name})
        return apply(ew.strong_mul, (ones, self._scales[seed.position])) if seed.scaled else ones

    def _piece(self, block: int, results: list[Tensor | None], count: int) -> Tensor:
        """The sum of the results of a block's members, times what a scaled variable's derivative is."""
        total: Tensor | None = None
        members = self._other.members(block)
        for i in members:
            part = results[i]
            if part is not None:
                if self._compression.direction == "reverse" and self._cut.scaled[i]:
                    part = apply(ew.strong_mul, (part, self._scales[i]))
                part = reshaped(part, (part.size,))
                total = part if total is None else apply(ew.add, (total, part))
        if total is None:
            value = self._other.values[members[0]]
            return zeros(tensor_type(value.type.dtype, (count * value.type.size,)))
        return total

    def _derivatives_of_variables(self) -> dict[int, Tensor]:
        """By position, for variables that are scaled, the derivative of each element by the one it depends on."""
        scaled = [i for i, is_scaled in enumerate(self._cut.scaled) if is_scaled]
        if not scaled:
            return {}
        variables = [self._cut.variables.values[i] for i in scaled]
        wrt = self._recording.wrt
        origins = [self._cut.origins[v] for v in variables]
        made = tangent(self._recording.graph, origins, wrt, [False] * len(wrt))
        found = iter(Program(made.graph).run(self._recording.tensors(made.residuals)))
        scales = [zeros(v.type) if t is None else next(found) for t, v in zip(made.tangents, origins, strict=True)]
        return {i: _spread(scale, v.shape) for i, scale, v in zip(scaled, scales, variables, strict=True)}


def _spread(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """`x` repeated to a shape; `x` itself if it has it."""
    return x if x.shape == shape else apply(movement.broadcast, (x,), {"shape": shape})


def in_dtype(pieces: list[Tensor], dtype: np.dtype[np.floating]) -> list[Tensor]:
    """The pieces in the matrix's dtype."""
    return [cast(piece, dtype) for piece in pieces]
