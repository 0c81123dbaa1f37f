"""Large products: against NumPy, the same bits in every layout and on any threads, and all ways of reading operands."""

import ctypes
import subprocess
import sys
from itertools import product as every
from pathlib import Path

import numpy as np
import pytest
from on_threads import assert_threads_change_nothing

import tapec as tp
from tapec.ir import dtypes
from tapec.passes.llvm_text import module_text
from tapec.passes.product_names import BLOCK, COLUMNS, CUT_COLUMNS, FIELD, PREFIX
from tapec.passes.product_plan import Axes, Axis, layout, matrices
from tapec.passes.product_text import product_functions
from tapec.passes.product_tile import tile_function
from tapec.runtime import jit, matmul
from tapec.runtime.target import vector_bits

# Batch, then m, k, n: tiles that are cut off on either side, several blocks, one row, one column, batches.
SIZES = [
    ((), 128, 300, 96), ((), 2, 600, 100), ((), 33, 260, 101), ((), 400, 64, 29), ((2, 2), 60, 30, 50),
    ((), 1, 700, 601),
    ((), 601, 300, 1), ((2,), 1, 300, 80), ((), 5, 513, 17), ((), 1, 5, 100), ((10,), 40, 30, 41),
    ((), 400, 520, 1101),
]  # fmt: skip
POINTER = ctypes.c_void_p
ROUTINE = ctypes.CFUNCTYPE(ctypes.c_int64, *[POINTER] * 5)


def product(a, b, by_columns_a, by_columns_b):
    """`a @ b` where an operand may come transposed."""
    return (np.swapaxes(a, -1, -2) if by_columns_a else a) @ (np.swapaxes(b, -1, -2) if by_columns_b else b)


def operands(size, dtype, by_columns_a, by_columns_b):
    batch, m, k, n = size
    rng = np.random.default_rng(m)
    a, b = rng.normal(size=(*batch, m, k)).astype(dtype), rng.normal(size=(*batch, k, n)).astype(dtype)
    a = np.ascontiguousarray(np.swapaxes(a, -1, -2)) if by_columns_a else a
    b = np.ascontiguousarray(np.swapaxes(b, -1, -2)) if by_columns_b else b
    return a, b, by_columns_a, by_columns_b


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_against_numpy_and_bits_of_all_layouts(size, dtype):
    results = set()
    for by_columns_a, by_columns_b in every((False, True), repeat=2):
        args = operands(size, dtype, by_columns_a, by_columns_b)
        f = tp.function(product)
        with tp.eager():
            eager = f(*args)
        assert PREFIX in f.inspect(*args).llvm_ir
        results.add(eager.tobytes())
        for _ in range(3):
            results.add(f(*args).tobytes())
        exact = product(args[0].astype(np.float64), args[1].astype(np.float64), *args[2:])
        bound = 40 * np.finfo(dtype).eps * np.sqrt(size[2])
        assert np.abs(eager - exact).max() < bound
    assert len(results) == 1


def test_a_long_inner_axis_is_summed_in_blocks():
    k = 5000
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(64, k)).astype(np.float32), rng.normal(size=(k, 64)).astype(np.float32)
    expected = np.zeros((64, 64), np.float32)
    for p in range(0, k, 256):
        block = tp.function(lambda x, y: x @ y)(a[:, p : p + 256], b[p : p + 256])
        expected = block if p == 0 else expected + block
    assert tp.function(lambda x, y: x @ y)(a, b).tobytes() == expected.tobytes()


def run(axes, a, b, shape, at_a=0, at_b=0, replaced=None):
    """The routine on arrays whose first elements are at some offsets."""
    alone = list(layout(axes))
    alone[FIELD["parts"]] = 1
    address, words = matmul.large_product(dtypes.of(a.dtype), tuple(alone))
    for name, function in (replaced or {}).items():
        words[FIELD[name]] = function
    history = np.zeros(4, np.int64)
    out = np.full(shape, np.nan, a.dtype)
    size = a.itemsize
    status = ROUTINE(address)(
        history.ctypes.data, words.ctypes.data, a.ctypes.data + at_a * size, b.ctypes.data + at_b * size,
        out.ctypes.data,
    )  # fmt: skip
    assert status == 0
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_operands_of_several_axes(dtype):
    """Windows of images times filters, as `einsum` has them: no operand is a matrix in memory."""
    rng = np.random.default_rng(3)
    for images, size, channels, window, filters in ((3, 9, 5, 3, 7), (2, 20, 16, 4, 33), (1, 30, 70, 2, 6)):
        x = rng.normal(size=(images, size, size, channels)).astype(dtype)
        w = rng.normal(size=(filters, window, window, channels)).astype(dtype)
        count = size - window + 1
        s, t = [v // x.itemsize for v in x.strides], [v // w.itemsize for v in w.strides]
        rows = (Axis(images, s[0], 0), Axis(count, s[1], 0), Axis(count, s[2], 0))
        inner = (Axis(window, s[1], t[1]), Axis(window, s[2], t[2]), Axis(channels, 1, 1))
        out = run(Axes((), rows, (Axis(filters, 0, t[0]),), inner), x, w, (images, count, count, filters))
        seen = np.lib.stride_tricks.sliding_window_view(x, (window, window), (1, 2)).astype(np.float64)
        exact = np.einsum("bijcpq,fpqc->bijf", seen, w.astype(np.float64))
        assert np.abs(out - exact).max() < 100 * np.finfo(dtype).eps * np.sqrt(window * window * channels)
        # The same with the roles turned, which packs the windows as the right operand.
        turned = Axes(
            (), (Axis(filters, t[0], 0),), tuple(Axis(n, 0, s) for n, s, _ in rows),
            tuple(Axis(n, b, a) for n, a, b in inner),
        )  # fmt: skip
        assert run(turned, w, x, (filters, images * count * count)).T.tobytes() == out.tobytes()


def test_panels_that_no_memory_is_left_for_are_copied_for_each_block():
    """Several blocks of rows, several blocks of the inner index, and more columns than panels are kept of."""
    axes = Axes((), (Axis(400, 300, 0),), (Axis(1100, 0, 1),), (Axis(300, 1, 1100),))
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=(400, 300)).astype(np.float32), rng.normal(size=(300, 1100)).astype(np.float32)
    asked = []
    allocate = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(lambda _, size: asked.append(size))
    part = f"{PREFIX}part_f32"
    text = module_text(product_functions([part], vector_bits())).replace("@aligned_alloc", "@no_memory")
    library = jit.compile_module(text, symbols={"no_memory": ctypes.cast(allocate, POINTER).value})
    out = run(axes, a, b, (400, 1100), replaced={"part": library.address(part)})
    assert asked == [1024 * 256 * 4]
    assert out.tobytes() == run(axes, a, b, (400, 1100)).tobytes()


def test_results_of_earlier_blocks_come_while_a_later_block_is_computed():
    """And none are asked for in a first block: nothing is read that has not been written."""
    tile = tile_function("tile", dtypes.F32, 6, 16, 16).text()
    before, asking = tile.split("br i1 %fresh", 1)[0], tile.count("@llvm.prefetch")
    assert asking == 2  # of each row
    assert before.count("@llvm.prefetch") == asking
    assert before.index("icmp eq i1 %fresh, false") < before.index("@llvm.prefetch") < before.index("@llvm.fma")


def test_reversed_and_repeated_operands():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(30, 50)), rng.normal(size=(50, 40))
    axes = Axes((Axis(3, 0, 0),), (Axis(30, -50, 0),), (Axis(40, 0, -1),), (Axis(50, 1, 40),))
    out = run(axes, a, b, (3, 30, 40), 29 * 50, 39)
    np.testing.assert_allclose(out, np.broadcast_to(a[::-1] @ b[:, ::-1], out.shape), rtol=1e-12, atol=1e-12)


def test_layouts_name_what_they_say():
    words = matrices((1, 300, 200, 100), (0, 100, 1), (0, 200, 1))
    assert (words[FIELD["m"]], words[FIELD["n"]], words[FIELD["k"]], words[FIELD["swapped"]]) == (300, 200, 100, 0)
    column = matrices((1, 300, 1, 100), (0, 100, 1), (0, 1, 1))
    assert (column[FIELD["m"]], column[FIELD["n"]], column[FIELD["swapped"]]) == (1, 300, 1)
    assert words[FIELD["parts"]] > 1
    assert matrices((1, 40, 40, 40), (0, 40, 1), (0, 40, 1))[FIELD["parts"]] == 1


def test_one_row_is_cut_where_threads_get_long_runs_of_memory():
    """Columns one behind the other are; of a hundred neighbours each thread would get a part of every line."""
    tall = matrices((1, 100_000, 1, 100), (0, 100, 1), (0, 1, 1))
    assert (tall[FIELD["cut"]], tall[FIELD["unit"]]) == (CUT_COLUMNS, COLUMNS)
    assert tall[FIELD["parts"]] > 1
    assert matrices((1, 1, 100, 100_000), (0, 100_000, 1), (0, 100, 1))[FIELD["parts"]] == 1
    assert matrices((1, 1, 2_000, 2_000), (0, 2_000, 1), (0, 2_000, 1))[FIELD["parts"]] > 1


def test_memory_is_asked_for_in_order_where_short_columns_lie_one_behind_the_other():
    def ahead(k, stride):
        return matrices((1, 1000, 1, k), (0, stride, 1), (0, 1, 1))[FIELD["ahead"]]

    assert ahead(100, 100) > 0
    assert ahead(100, 101) == ahead(2 * BLOCK, 2 * BLOCK) == 0


SCRIPT = """
import numpy as np
from test_large_products import SIZES, operands, product
import tapec as tp
from tapec.passes import product_plan
from tapec.runtime import threads
threads._ALWAYS = True
product_plan.GRAIN = product_plan.ROW_GRAIN = 1000
f = tp.function(product)
for size in SIZES[:7]:
    args = operands(size, np.float32, False, True)
    print(f(*args).tobytes().hex())
"""


def test_bits_do_not_depend_on_threads():
    assert_threads_change_nothing(Path(__file__).parent, SCRIPT)


def test_what_is_there_is_not_compiled_again(monkeypatch):
    made = []
    monkeypatch.setattr(matmul, "_LIBRARIES", {})
    monkeypatch.setattr(matmul, "_large", lambda names, large=matmul._large: made.append(names) or large(names))
    one, two, three = (f"{PREFIX}{what}_f64" for what in ("right_group", "right_by_columns", "right_by_element"))
    first = matmul.functions([two, one])
    assert matmul.functions([one]) == {one: first[one]}
    assert matmul.functions([three, two])[two] == first[two]
    assert made == [sorted([one, two]), [three]]


def test_small_products_are_not_large():
    x = np.ones((20, 20))
    text = tp.function(lambda x: x @ x).inspect(x).llvm_ir
    assert PREFIX not in text


def test_products_of_one_part_look_for_no_threads():
    code = (
        "import numpy as np, tapec as tp\nfrom tapec.runtime import threads\nx = np.ones((50, 50))\n"
        "f = tp.function(lambda x: x @ x)\nf(x), f(x)\nassert not threads._libraries\n"
        "y = np.ones((300, 300))\nf(y)\nassert threads._libraries\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("shape", [(1, 200, 3), (4, 129, 4), (3, 5000, 2), (2, 300, 1)], ids=str)
@pytest.mark.parametrize("batch", [(), (5,)], ids=str)
def test_products_of_a_few_long_vectors_are_sums(shape, batch):
    """Each element is the sum of an elementwise product, in both modes and any layout."""
    rows, inner, columns = shape
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(*batch, rows, inner)), rng.normal(size=(*batch, columns, inner))
    f = tp.function(lambda x, y: np.exp(x) @ np.swapaxes(y, -1, -2))
    found = f(x, y)
    assert "matmul" not in f.inspect(x, y).loops
    with tp.eager():
        assert np.array_equal(f(x, y), found)
        assert np.array_equal(f(x, y)[..., 0, 0], np.sum(np.exp(tp.constant(x))[..., 0, :] * y[..., 0, :], -1))
    assert np.allclose(found, np.exp(x) @ np.swapaxes(y, -1, -2), rtol=1e-12)


def test_dot_of_long_vectors_is_a_sum():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=3000), rng.normal(size=3000)
    f = tp.function(lambda x, y: np.exp(x) @ (y * 2))
    assert "matmul" not in f.inspect(x, y).llvm_ir
    with tp.eager():
        eager = f(x, y)
    assert np.asarray(f(x, y)).tobytes() == np.asarray(eager).tobytes()
    np.testing.assert_allclose(eager, np.exp(x) @ (y * 2), rtol=1e-12)
