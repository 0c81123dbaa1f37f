"""PTX of every family of kernels, accepted by NVIDIA's assembler for every architecture that is promised."""

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from control_graphs import F64, I64, f64, graph_with, region
from cuda_programs import (
    SHORT,
    Case,
    everything,
    lorenz,
    normalised,
    numbers,
    philox,
    scan_graph,
    shortened,
    softmax,
    takes_single,
)
from ptxas import assemble, find_ptxas

from tapec.ir import dtypes
from tapec.ir.types import tensor_type
from tapec.ops import contraction, control, indexing, ordering, reduction, update
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import apply, matmul, reduce_sum, reshape, take, transpose
from tapec.passes.cuda.device_text import device_module
from tapec.passes.cuda.kernel import Kernel, phases
from tapec.passes.cuda.parts import copy_plan, put_plan
from tapec.runtime.cuda.program import device_plan
from tapec.runtime.cuda.ptx import ptx

ARCHITECTURES = ("sm_70", "sm_80", "sm_90", "sm_100")


def black_scholes(spot, strike, years):
    rate, volatility = 0.02, 0.3
    deviation = volatility * apply(ew.sqrt, years)
    d1 = (apply(ew.log, spot / strike) + (rate + volatility**2 / 2) * years) / deviation
    normal = [0.5 * (1.0 + apply(ew.erf, d * (1 / 2**0.5))) for d in (d1, d1 - deviation)]
    return spot * normal[0] - strike * apply(ew.exp, -rate * years) * normal[1]


def chain(x):
    return apply(ew.sin, x) * apply(ew.exp, -(x * x)) + apply(ew.tanh, x) / (1.0 + x * x)


def rows(x):
    return reduce_sum(apply(ew.exp, x), (1,))


def total(x):
    return reduce_sum(chain(x), (0,))


def columns(x):
    return reduce_sum(x * x, (0,))


# Kernels of which the benchmarks are made.
BENCHMARKS = {
    "chain_f4": Case(chain, (numbers(4096),)),
    "chain_f8": Case(chain, (numbers(4096, dtype="f8"),)),
    "black_scholes_f4": Case(black_scholes, tuple(np.abs(numbers(1024, seed=s)) for s in range(3))),
    "black_scholes_f8": Case(black_scholes, tuple(np.abs(numbers(1024, dtype="f8", seed=s)) for s in range(3))),
    "softmax_f4": Case(softmax, (numbers(64, 1000),)),
    "softmax_f8": Case(softmax, (numbers(64, 1000, dtype="f8"),)),
    "product_f4": Case(lambda x: matmul(x, x), (numbers(256, 256),)),
    "product_f8": Case(lambda x: matmul(x, x), (numbers(256, 256, dtype="f8"),)),
    "sum_f4": Case(total, (numbers(2048 * 600 + 4),)),
    "sum_f8": Case(total, (numbers(2048 * 600 + 4, dtype="f8"),)),
    "columns_f4": Case(columns, (numbers(5000, 64),)),
    "columns_f8": Case(columns, (numbers(5000, 64, dtype="f8"),)),
}
INDICES = np.arange(5000) % 100
FAMILIES = {
    "transpose": Case(lambda x: transpose(x, (1, 0)) * 2.0, (numbers(100, 70),)),
    "take": Case(lambda x, i: take(x, i, 0), (numbers(100, 8), INDICES)),
    "take_along": Case(lambda x, i: apply(indexing.take_along, x, i, axis=0), (numbers(100), INDICES)),
    "scatter_add": Case(
        lambda x, i, u: apply(indexing.scatter_add, x, i, u, axis=0), (numbers(100), INDICES, numbers(5000))
    ),
    "scatter_add_sorted": Case(
        lambda x, i, u: apply(indexing.scatter_add, x, i, u, axis=0),
        (numbers(100_000, 4), INDICES, numbers(5000, 4)),
    ),
    "scatter_add_few": Case(
        lambda x, i, u: apply(indexing.scatter_add, x, i, u, axis=0), (numbers(100, 4), INDICES[:3], numbers(3, 4))
    ),
    "put_one": Case(
        lambda x, i, u: apply(indexing.put, x, i, u, axis=0, distinct=True), (numbers(9), INDICES[:1], numbers(1))
    ),
    "put_look": Case(
        lambda x, i, u: apply(indexing.put, x, i, u, axis=0, distinct=False), (numbers(100), INDICES, numbers(5000))
    ),
    "put_sorted": Case(
        lambda x, i, u: apply(indexing.put, x, i, u, axis=0, distinct=False),
        (numbers(100_000, 4, dtype="f8"), INDICES, numbers(5000, 4, dtype="f8")),
    ),
    "slice_set": Case(
        lambda x, u: apply(update.slice_set, x, u, start=(3, 1), step=(2, -1)), (numbers(100, 70), numbers(9, 2))
    ),
    "slice_add": Case(
        lambda x, u: apply(update.slice_add, x, u, start=(3, 0), step=(1, 1)), (numbers(100, 72), numbers(9, 72))
    ),
    "scatter_add_along": Case(
        lambda x, i, u: apply(indexing.scatter_add_along, x, i, u, axis=0), (numbers(100), INDICES, numbers(5000))
    ),
    "argsort": Case(lambda x: apply(ordering.argsort, x, axis=0), (numbers(5000),)),
    "cumsum": Case(lambda x: apply(reduction.cumsum, x, axis=0, reverse=False), (numbers(40),)),
    "argmax": Case(lambda x: apply(reduction.argmax, x, axis=0), (numbers(40),)),
    "product": Case(lambda x: matmul(x, x), (numbers(16, 16, dtype="f8"),)),
    "batched_product": Case(lambda x, y: apply(contraction.matmul, x, y), (numbers(3, 40, 20), numbers(3, 20, 50))),
    "normalised": Case(normalised, (numbers(64, 300),)),
    "philox": Case(philox, (numbers(100, dtype="u8"),)),
    "short_rows": Case(rows, (numbers(100, 7),)),
    "rows_of_booleans": Case(lambda x: apply(reduction.max, x, axes=(1,)), (numbers(9, 37, dtype="?"),)),
    "everything_f4": Case(everything, tuple(numbers(37, seed=s) for s in range(3))),
}


def cell(w, h, x):
    new = apply(ew.tanh, matmul(h, w) + x)
    return new, reduce_sum(new, (0,))


def rise(x):
    return x + 1.0


def fall(x):
    return apply(ew.exp, -x)


def decay(n):
    types = [F64, f64(n)]
    test = region(types, lambda limit, x: apply(ew.lt, reduce_sum(x, (0,)), limit))
    return graph_with(control.while_loop, types, {"consts": 1}, test, region(types, lambda limit, x: x * 1.5 + limit))


def march(x, at, u):
    new = take(x, reshape(at, (1,)), 0) * 0.5 + reshape(u, (1,))
    return apply(indexing.put, x, reshape(at, (1,)) + 1, new, axis=0, distinct=True), at + 1


LOOPS = {
    "march": scan_graph([f64(100_000), I64], [f64(30)], march, 30),
    "lorenz": scan_graph([f64(100_000)] * 3, [], lorenz, 1000),
    "cell": scan_graph([f64(5, 8)], [f64(6, 5, 8)], cell, 6, consts=[f64(8, 8)]),
    "while": decay(40),
    "branch": graph_with(
        control.cond, [I64, f64(9)], {}, *[region([f64(9)], lambda x, i=i: x * i) for i in (1.0, 2.0)]
    ),
}
PARTS = {
    "read_row": copy_plan(dtypes.F32, (1, 300), (300, 1), None),
    "write_row": copy_plan(dtypes.F32, (1, 300), None, (300, 1)),
    "write_column": copy_plan(dtypes.F64, (40, 30), None, (31, 1)),
    "put": put_plan(f64(100, 4), tensor_type(dtypes.I64, (9,)), f64(9, 4), 0),
}
# Every program of float32 in 16 bits as well: `chain_f16` for `chain_f4`, `argsort_bf16` for `argsort`.
IN_SIXTEEN_BITS = {
    f"{name.removesuffix('_f4')}_{dtype}": replace(case, arrays=shortened(case.arrays, dtype))
    for name, case in {**BENCHMARKS, **FAMILIES}.items()
    if takes_single(case.arrays)
    for dtype in SHORT
}
GRAPHS = {**{name: case.graph for name, case in {**BENCHMARKS, **FAMILIES, **IN_SIXTEEN_BITS}.items()}, **LOOPS}


def kernels_of(names: Iterable[str]) -> list[Kernel]:
    """Kernels of some programs, each under a name of its own."""
    plans = {name: PARTS.get(name) or device_plan(GRAPHS[name]) for name in names}
    return [replace(k, name=f"{name}_{k.name}") for name, plan in plans.items() for k in plan.kernels]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_accepted_without_spills(architecture):
    ptxas = find_ptxas(architecture)
    if ptxas is None:
        pytest.skip(f"no ptxas for {architecture}: the extra `test` installs one")
    kernels = kernels_of([*GRAPHS, *PARTS])
    usage = assemble(ptx(kernels, architecture), architecture, ptxas)
    assert set(usage) == {k.name for k in kernels}
    assert not [name for name, used in usage.items() if used.spill_bytes]


def test_nothing_relaxes_floating_point():
    """Every operation rounds as IEEE 754 says: nothing is contracted, approximated or flushed to zero."""
    text = ptx(kernels_of([*BENCHMARKS, *IN_SIXTEEN_BITS]), "sm_80")
    for name in set(re.findall(r"\b((?:add|sub|mul|div|sqrt|fma)\.[a-z0-9.]*f(?:32|64))\b", text)):
        assert ".rn." in name
    assert not re.search(r"\.(approx|full|ftz)\b", text)


def test_sixteen_bytes_at_once():
    text = ptx(kernels_of(["chain_f4"]), "sm_80")
    assert "ld.global.nc.v4.b32" in text and "st.global.v4.b32" in text
    assert "v2.b64" in ptx(kernels_of(["chain_f8"]), "sm_80")


def test_what_others_write_is_read_behind_the_barrier():
    """LLVM would keep a value of a `noalias` array over a barrier: none is that if others may write it meanwhile."""
    text = device_module(kernels_of(["while", "chain_f4"]))
    heads = {name: re.search(rf"define ptx_kernel void @{name}\w*\((.*?)\) #0", text) for name in ("while", "chain_f4")}
    several, single = heads["while"][1], heads["chain_f4"][1]
    written = [p for p in several.split(", ") if "readonly" not in p]
    assert len(written) == 3
    assert not any("noalias" in p for p in written)
    assert single.count("noalias") == 2


def events(kernel: Kernel) -> list[str | int]:
    """What a thread does in order: phases by their labels, `|` for a barrier, a number for an exchange so far on."""
    labels = [p.label for p in phases(kernel.parts)]
    body = re.search(r"define ptx_kernel void @.*?^}", device_module([kernel]), re.DOTALL | re.MULTILINE)[0]
    found: list[str | int] = []
    calls = (
        r"call void @\w+_phase(\d+)\("
        r"|(barrier\.cta\.sync\.aligned\.all\()"
        r"|shfl\.sync\.down\.i32\(.*, i32 (\d+), i32 31\)"
    )
    for phase, barrier, distance in re.findall(calls, body):
        found.append("|" if barrier else labels[int(phase)] if phase else int(distance))
    return found


def test_barriers_and_exchanges():
    """What the emulation has no need of: threads wait between phases, but for those that touch nothing of others'."""
    (tiles,) = kernels_of(["transpose"])
    assert events(tiles) == ["read tiles", "|", "map"]
    (short,) = kernels_of(["short_rows"])
    lanes = [4, "halves", 2, "halves", 1, "halves"]
    assert events(short) == ["|", "elements", "|", "lanes", *lanes, "|", "store"]
    (product,) = kernels_of(["product_f4"])
    assert events(product) == ["begin", "|", "read", "|", "multiply", "store"]
    wide = kernels_of(["softmax_f8"])[0]  # 8 bytes take two exchanges each
    exchanged = [e for e in events(wide) if isinstance(e, int)]
    assert exchanged == [8, 8, 4, 4, 2, 2, 1, 1] * 2
