"""Programs for the NVIDIA target, and the check that the host's emulation gives the interpreter's bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from control_graphs import graph_with, region
from graph_making import graph_of
from random_graphs import assert_same_bits

from tapec.errors import TapecError
from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.ir.graph import Graph
from tapec.ir.types import TensorType, tensor_type
from tapec.ops import control, reduction, sampling
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, broadcast, cast, reduce_sum, reshape
from tapec.passes.cuda.kernel import SHARED_BYTES
from tapec.passes.cuda.plan import LaunchPlan
from tapec.passes.kernel_status import FINE
from tapec.passes.scalar.table import ROWS
from tapec.runtime.cuda.emulated_program import EmulatedProgram
from tapec.runtime.cuda.program import device_plan
from tapec.runtime.interpreter import interpret

Array = np.ndarray[Any, Any]
# Around warps and blocks of threads, vectors of 16 bytes and the blocks of reductions.
SIZES = (0, 1, 2, 3, 31, 32, 33, 255, 1025, 2047, 2049)


@dataclass(frozen=True)
class Case:
    """A function over `Sym` and the arrays that it takes."""

    function: Callable[..., Any]
    arrays: tuple[Array, ...]

    @property
    def graph(self) -> Graph:
        return graph_of(self.function, *self.arrays)


def check(case: Case) -> LaunchPlan:
    """Runs a case, with threads in either order, and compares every bit with the interpreter's."""
    return check_graph(case.graph, case.arrays)


def assert_apart(plan: LaunchPlan) -> None:
    """Blocks of threads of one kernel are at different steps at one time: its arrays share no byte of the arena."""
    for kernel in plan.kernels:
        places = sorted((plan.offsets[b], b.nbytes) for b in kernel.buffers if b in plan.offsets)
        if kernel.grid > 1:
            assert all(at + size <= after for (at, size), (after, _) in pairwise(places)), kernel.name


def check_graph(graph: Graph, arrays: Sequence[Array]) -> LaunchPlan:
    with np.errstate(all="ignore"):
        expected, guards = interpret(graph, list(arrays))
    program = EmulatedProgram(device_plan(graph))
    assert_apart(program.plan)
    for kernel in program.plan.kernels:  # what a driver refuses, and the emulation does not
        assert kernel.grid > 0, kernel.name
        assert kernel.shared_bytes <= SHARED_BYTES, kernel.name
    for backwards in (False, True):
        status, outputs, seen = program.run(arrays, backwards=backwards)
        assert (status, seen) == (FINE, guards)
        assert_same_bits(outputs, expected)
    return program.plan


def numbers(*shape: int, dtype: str = "f4", seed: int = 0) -> Array:
    """Random numbers, integers between -4 and 4."""
    rng = np.random.default_rng([seed, *shape])
    kind = np.dtype(dtype).kind
    if kind == "f":
        return rng.normal(size=shape).astype(dtype)
    return rng.integers(0 if kind in "bu" else -4, 2 if kind == "b" else 5, shape).astype(dtype)


# The floats of 16 bits, in which every family has its kernels.
SHORT = (dtypes.F16, dtypes.bfloat16())


def takes_single(arrays: Sequence[Array]) -> bool:
    """Whether a program takes float32, and so has a twin in 16 bits."""
    return any(a.dtype == np.float32 for a in arrays)


def shortened(arrays: Sequence[Array], dtype: DType) -> tuple[Array, ...]:
    """The operands with 16 bits in the place of float32."""
    return tuple([a.astype(dtype.numpy) if a.dtype == np.float32 else a for a in arrays])


def everything(*operands: Sym) -> tuple[Sym, ...]:
    """Every elementwise primitive that takes operands of this dtype."""
    found = []
    for primitive in ROWS:
        attributes: dict[str, Any] = {"exponent": 3, "dtype": "i32"}
        given = {name: attributes[name] for name in primitive.attributes}
        try:
            found.append(apply(primitive, *operands[: primitive.arity], **given))
        except TapecError:
            continue  # not for this dtype
    found.append(apply(ew.select, apply(ew.lt, operands[0], operands[1]), operands[1], operands[2]))
    return tuple(found)


def softmax(x: Sym) -> Sym:
    """Of the rows of a matrix."""
    top = apply(reduction.max, x, axes=(1,))
    e = apply(ew.exp, x - broadcast(reshape(top, (x.shape[0], 1)), x.shape))
    return e / broadcast(reshape(reduce_sum(e, (1,)), (x.shape[0], 1)), x.shape)


def normalised(x: Sym) -> Sym:
    """Rows with mean 0 and variance 1."""
    size = (x.shape[0], 1)
    centered = x - broadcast(reshape(reduce_sum(x, (1,)), size) / float(x.shape[1]), x.shape)
    variance = reduce_sum(centered * centered, (1,)) / float(x.shape[1])
    return centered / broadcast(reshape(apply(ew.sqrt, variance + 1e-5), size), x.shape)


def philox(counters: Sym) -> tuple[Sym, ...]:
    """Random bits, and numbers below 1 of them."""
    zero = counters * 0
    low, high = [apply(draw, counters, zero, zero + 7) for draw in (sampling.philox_low, sampling.philox_high)]
    return low, high, cast(low, dtypes.F32) * 2.0**-64


def scan_graph(
    carries: Sequence[TensorType],
    xs: Sequence[TensorType],
    body: Callable[..., Any],
    length: int,
    consts: Sequence[TensorType] = (),
    reverse: bool = False,
) -> Graph:
    """A scan whose body gets constants, carries and slices."""
    inner = [tensor_type(x.dtype, x.shape[1:]) for x in xs]
    attributes = {"consts": len(consts), "carries": len(carries), "length": length, "reverse": reverse}
    return graph_with(control.scan, [*consts, *carries, *xs], attributes, region([*consts, *carries, *inner], body))


def lorenz(x: Sym, y: Sym, z: Sym) -> tuple[Sym, Sym, Sym]:
    """One step of an integration of Lorenz' equations."""
    h = 0.01
    return x + (y - x) * 10.0 * h, y + (x * (28.0 - z) - y) * h, z + (x * y - z * (8 / 3)) * h
