"""Fourier transforms: calls of the loops of NumPy's generalised ufuncs, which do all lines in turn."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from tapec.ops import transform
from tapec.passes.library.lines import address
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import i64
from tapec.passes.places import Surroundings
from tapec.passes.steps import LibraryStep
from tapec.passes.transform_names import DATA, loop_symbol, ufunc_name


def fourier(f: FunctionText, step: LibraryStep, around: Surroundings) -> None:
    """`void loop(char **args, npy_intp *dimensions, npy_intp *steps, void *data)`: input, factor and output; the number
    of lines and the length of the input's and output's; steps in bytes from line to line, then along a line.
    """
    (x,) = step.operands
    assert step.result is not None
    dtype = x.buffer.dtype
    real, pair = dtype.itemsize, 2 * dtype.itemsize
    if step.primitive is transform.rfft:
        length, points, read, write = x.shape[-1], step.shape[-2], real, pair
    elif step.primitive is transform.irfft:
        length, points, read, write = x.shape[-2], step.shape[-1], pair, real
    else:
        length, points, read, write = x.shape[-2], x.shape[-2], pair, pair
    ufunc = ufunc_name(step.primitive, x.shape, step.attributes)
    factor = f.alloca(memory_element(dtype), 1)
    f.store(f.number(1.0, memory_element(dtype)), factor)
    lines = prod(x.shape) * real // (length * read)
    operands = _table(f, [address(f, x, around), factor, around.pointer(step.result)])
    dimensions = _table(f, [i64(n) for n in (lines, length, points)])
    steps = _table(f, [i64(n) for n in (length * read, 0, points * write, read, write)])
    data = Reg("null", "ptr")
    if step.primitive is transform.fft:
        data = Reg(f"@{DATA}{ufunc}", "ptr")
        f.declarations.add(f"declare void {data.text}()")  # an address is all that it is to LLVM
    f.call(loop_symbol(ufunc, dtype), "void", operands, dimensions, steps, data)


def _table(f: FunctionText, values: Sequence[Reg]) -> Reg:
    """Address of an array in stack memory."""
    element = values[0].element
    table = f.alloca(element, len(values))
    for i, value in enumerate(values):
        f.store(value, f.element_pointer(table, i64(i), element))
    return table
