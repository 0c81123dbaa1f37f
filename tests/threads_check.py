"""The program of `runtime/test_numba_threads.py`: in a process of its own, which has its own number of threads.

Compiles nests with the smallest grain there is, so that everything that can be cut is cut, and compares every number of
threads with the code that is not cut. Prints how many programs were compared and how many nests were cut.
"""

import sys
import threading
from itertools import product

import numba
import numpy as np
from graph_making import graph_of

from tapec.ir import dtypes
from tapec.ops import elementwise as ew
from tapec.ops import movement, reduction
from tapec.ops.symbolic import apply, broadcast, cast, reduce_sum, take, transpose
from tapec.passes import row_streams, splitting, strip_choice, tiles
from tapec.passes.threads_names import PARALLEL
from tapec.runtime import threads
from tapec.runtime.driver import Executable, compile_graph

COUNTS = (1, 2, 3, 4, 8)
SHAPES = [
    (130,), (257,), (4099,), (70_001,), (3, 5000), (5000, 3), (65, 300), (300, 65), (2, 70, 90), (70, 2, 90),
    (9, 8, 7, 6), (400, 260), (1, 4000), (100_000, 2), (7, 129), (129, 70),
]  # fmt: skip


def compiled(function, arrays, grain):
    """With small tiles, columns in strips and rows at several places where nests are cut, none where they are not."""
    splitting.GRAIN = grain
    least = 0 if grain == 1 else float("inf")
    tiles.SEED_BYTES = tiles.LEAST_BYTES = strip_choice.LEAST_BYTES = row_streams.BYTES = least
    tiles.TILE_BYTES = 1 << 11
    return compile_graph(graph_of(function, *arrays))


def bits(executable: Executable, arrays):
    status, outputs, _ = executable.run(arrays)
    return status, [o.tobytes() for o in outputs]


def compare(function, arrays):
    """Nests cut; after a comparison of every number of threads with the uncut code."""
    alone = compiled(function, arrays, float("inf"))
    assert PARALLEL not in alone.text
    expected = bits(alone, arrays)
    cut = compiled(function, arrays, 1)
    for count in COUNTS:
        numba.set_num_threads(count)
        found = bits(cut, arrays)
        assert found == expected, (count, [a.shape for a in arrays], str(cut.recorded))
        assert numba.get_num_threads() == count
    return cut.text.count(f"call void @{PARALLEL}")


def random_function(rng, shape):
    """A function of an array of `shape`, one along its last axis, and one of its first element's shape (0-d)."""
    unary = [ew.sin, ew.exp, ew.tanh, ew.neg, ew.abs, ew.sqrt]
    binary = [ew.add, ew.mul, ew.sub, ew.maximum]
    seeds = rng.integers(0, 2**31, 40).tolist()

    def f(x, w, s):
        draw = np.random.default_rng(seeds)
        values = [x, broadcast(w, shape), broadcast(s, shape)]
        outs = []
        for _ in range(draw.integers(2, 7)):
            a = values[draw.integers(len(values))]
            b = values[draw.integers(len(values))]
            kind = draw.integers(6)
            if kind < 2:
                values.append(apply(unary[draw.integers(len(unary))], a))
            elif kind < 4:
                values.append(apply(binary[draw.integers(len(binary))], a, b))
            else:
                axes = tuple(sorted(draw.choice(len(shape), draw.integers(1, len(shape) + 1), replace=False).tolist()))
                primitive = (reduction.sum, reduction.sum, reduction.max, reduction.prod)[draw.integers(4)]
                total = apply(primitive, a, axes=axes)
                outs.append(total)
                if kind == 5:
                    kept = tuple([1 if i in axes else n for i, n in enumerate(shape)])
                    total = apply(movement.reshape, total, shape=kept)
                    values.append(broadcast(total, shape))
        return (*outs, values[-1], transpose(values[-2], tuple(range(len(shape)))[::-1]))

    return f


def fixed():
    """Reductions over every choice of axes, alone and with a map beside them; types; faults; windows."""
    rng = np.random.default_rng(1)
    for shape in SHAPES:
        x, w = rng.normal(size=shape), rng.normal(size=shape[-1:])
        subsets = [a for a in product((False, True), repeat=len(shape)) if any(a)]
        for chosen in subsets[:8]:
            axes = tuple([i for i, one in enumerate(chosen) if one])
            yield (
                (lambda s, t, axes=axes: (reduce_sum(s, axes), apply(reduction.max, s * t, axes=axes), s * 2.0)),
                [x, w],
            )
    for dtype in (np.float32, np.int32, np.uint8, np.bool_):
        x = rng.integers(0, 2, (300, 70)).astype(dtype)
        for axes in ((0,), (1,), (0, 1)):
            yield (lambda s, axes=axes: apply(reduction.max, s, axes=axes)), [x]
    x, indices = rng.normal(size=4000), rng.integers(-4000, 4000, 5000)
    yield (
        (lambda s, i: apply(ew.sin, take(s, i, 0)) + cast(apply(ew.wrap_index, i, size=4000), dtypes.F64)),
        [x, indices],
    )
    bad = indices.copy()
    bad[[17, 4900]] = 4000
    yield (lambda s, i: s * cast(apply(ew.wrap_index, i, size=4000), dtypes.F64)), [rng.normal(size=5000), bad]
    yield (
        (lambda s: apply(movement.unslice, s, start=(3, 0), step=(1, 2), shape=(200, 300)) + 1.0),
        [rng.normal(size=(190, 150))],
    )
    yield (
        (lambda s: apply(movement.slice_, s, start=(199, 1), size=(200, 150), step=(-1, 2)) * 3.0),
        [rng.normal(size=(200, 301))],
    )
    yield (lambda s: apply(movement.concat, s, s * 2.0, axis=1)), [rng.normal(size=(90, 70))]


def at_once():
    """Python threads that run cut code at the same time, each with results of its own."""
    rng = np.random.default_rng(5)
    arrays = [rng.normal(size=70_000) + i for i in range(8)]

    def f(s):
        y = apply(ew.exp, s) * s
        return reduce_sum(y, (0,)), y

    numba.set_num_threads(2)
    cut = compiled(f, arrays[:1], 1)
    expected = [bits(compiled(f, [a], float("inf")), [a]) for a in arrays]
    wrong = []
    barrier = threading.Barrier(8)

    def work(i):
        barrier.wait()
        wrong.extend(i for _ in range(20) if bits(cut, [arrays[i]]) != expected[i])

    running = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert wrong == []


def main() -> None:
    threads._ALWAYS = True
    layer = sys.argv[1]
    rng = np.random.default_rng(0)
    programs = nests = 0
    cases = list(fixed())
    for i in range(40):
        shape = SHAPES[i % len(SHAPES)]
        arrays = [rng.normal(size=shape), rng.normal(size=shape[-1:]), rng.normal(size=())]
        cases.append((random_function(rng, shape), arrays))
    if layer == "workqueue":
        cases = cases[::8]
    for function, arrays in cases:
        nests += compare(function, arrays)
        programs += 1
    at_once()
    assert threads.layer().name == layer
    print(programs, nests)


if __name__ == "__main__":
    main()
