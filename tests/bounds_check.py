"""The program of `passes/cuda/test_cuda_bounds.py`: kernels run on arrays that end, or begin, at a page that may not be
touched, so that one element read or written outside ends this process. Prints how many runs there were.
"""

import ctypes
import mmap

import numpy as np
from control_graphs import arrays_for, f64
from cuda_programs import Case, everything, lorenz, numbers, scan_graph, softmax

from tapec.ops import elementwise as ew
from tapec.ops import indexing, movement, ordering, reduction, update
from tapec.ops.symbolic import apply, matmul, reduce_sum, take, transpose
from tapec.passes.cuda import scatters
from tapec.passes.cuda.kernel import ALIGNMENT
from tapec.runtime.cuda.emulated_memory import EmulatedMemory
from tapec.runtime.cuda.emulated_program import EmulatedBackend
from tapec.runtime.cuda.emulation import EmulatedKernels
from tapec.runtime.cuda.executor import Executor
from tapec.runtime.cuda.program import device_plan

PAGE = mmap.PAGESIZE
LIBC = ctypes.CDLL(None, use_errno=True)


class Fenced(EmulatedMemory):
    """Memory between two pages that may not be touched; at the end of the room between them, or at its beginning."""

    def __init__(self, at_end):
        super().__init__()
        self.at_end = at_end
        self.maps = {}

    def allocate(self, nbytes):
        room = -(-max(nbytes, 1) // PAGE) * PAGE
        pages = mmap.mmap(-1, room + 2 * PAGE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
        for fence in (start, start + PAGE + room):
            assert LIBC.mprotect(ctypes.c_void_p(fence), ctypes.c_size_t(PAGE), 0) == 0
        address = start + PAGE + ((room - nbytes) // ALIGNMENT * ALIGNMENT if self.at_end else 0)
        self.maps[address] = pages
        return address

    def free(self, address):
        pass  # with the process

    def check(self, kernel, addresses):
        pass  # a page that may not be touched says so itself


def chosen(x):
    return transpose(x, (1, 0)) * 2.0, apply(movement.slice_, x, start=(1, 2), step=(2, 3), size=(4, 2)) + 1.0


def reductions(x):
    every = [(r, axes) for r in (reduction.sum, reduction.max) for axes in ((0,), (1,), (0, 1))]
    return tuple([apply(r, apply(ew.exp, x), axes=axes) for r, axes in every])


def put(x, i, u):
    return apply(indexing.put, x * 2.0, i, u, axis=0, distinct=False)


def cases():
    for n in (1, 3, 31, 33, 1025, 2049):
        yield Case(lambda x, y: (apply(ew.exp, x) * y, x + 1.0), (numbers(n), numbers(n, seed=1)))
        yield Case(lambda x: reduce_sum(x, (0,)), (numbers(n),))
        yield Case(lambda x: apply(ordering.argsort, x, axis=0), (numbers(n),))
        where = np.arange(n) * 7 % 5
        yield Case(lambda x, i: take(x, i, 0), (numbers(5, 3), where))
        yield Case(lambda x, i, u: apply(indexing.scatter_add, x, i, u, axis=0), (numbers(5), where, numbers(n)))
        yield Case(put, (numbers(5, 4), where, numbers(n, 4)))
        wrong = where * 1000 - 500  # most of them out of range
        yield Case(lambda x, i: take(x, i, 0), (numbers(5), wrong))
        yield Case(put, (numbers(5), wrong, numbers(n)))
        yield Case(lambda x, i, u: apply(indexing.scatter_add, x * 2.0, i, u, axis=0), (numbers(5), wrong, numbers(n)))
        window = {"start": (n + 3,), "step": (-1,)}
        yield Case(lambda x, u, w=window: apply(update.slice_set, x * 2.0, u, **w), (numbers(n + 4), numbers(n)))
        yield Case(lambda x, u, w=window: apply(update.slice_add, x, u, **w), (numbers(n + 4), numbers(n)))
    for shape in ((9, 8), (33, 65), (300, 33), (33, 300)):
        for dtype in ("f4", "f8"):
            x = numbers(*shape, dtype=dtype)
            yield Case(chosen, (x,))
            yield Case(reductions, (x,))
            yield Case(softmax, (x,))
            yield Case(lambda x: matmul(x, transpose(x, (1, 0))), (x,))
    yield Case(everything, tuple(numbers(37, seed=s) for s in range(3)))


def main():
    graphs = [(case.graph, case.arrays) for case in cases()]
    loops = [scan_graph([f64(n)] * 3, [], lorenz, 3) for n in (1, 33, 300)]
    graphs += [(graph, arrays_for(graph)) for graph in loops]
    runs = 0
    for looks in (True, False):
        scatters._looks = lambda _, looks=looks: looks
        for graph, arrays in graphs:
            plan = device_plan(graph)
            kernels = EmulatedKernels(plan.kernels)
            for at_end in (True, False):
                Executor(plan, EmulatedBackend(kernels, Fenced(at_end), backwards=False), arrays).run()
                runs += 1
    print(runs)


if __name__ == "__main__":
    main()
