"""Products of reshaped views: which become `contract`, what they compute, and that nothing is copied."""

import numpy as np
import pytest
from graph_making import graph_of

import tapec as tp
from tapec.ops import contraction
from tapec.ops.symbolic import matmul, reshape, transpose
from tapec.passes.dce import DeadCodeElimination
from tapec.passes.product_plan import Axes, Axis, axes_of, common, merged
from tapec.passes.product_views import ProductViews

RNG = np.random.default_rng(0)


def after(function, *shapes):
    graph = graph_of(function, *(np.zeros(s) for s in shapes))
    return DeadCodeElimination().run(ProductViews().run(graph))


def names(graph):
    return [op.primitive.name for op in graph.ops]


def test_heads_that_are_merged_are_axes_of_the_product():
    graph = after(lambda x, w: matmul(reshape(transpose(x, (0, 2, 1, 3)), (512, 128)), w), (8, 4, 64, 32), (128, 40))
    assert names(graph) == ["transpose", "contract", "reshape"]
    (op,) = [op for op in graph.ops if op.primitive is contraction.contract]
    assert op.attributes == {"a_axes": (0, 2, 2), "b_axes": (0, 1, 1)}


def test_transposed_after_the_reshape_too():
    def f(x):
        flat = reshape(transpose(x, (0, 2, 1, 3)), (512, 128))
        return matmul(transpose(flat, (1, 0)), flat)

    assert names(after(f, (8, 4, 64, 32))) == ["transpose", "transpose", "contract", "reshape"]


def test_what_the_plain_routine_walks_stays():
    def plain(x, w):
        return matmul(transpose(reshape(x, (64, 96)), (1, 0)), w)

    assert "matmul" in names(after(plain, (8, 8, 96), (64, 50)))

    def small(x, w):
        return matmul(reshape(transpose(x, (1, 0, 2)), (6, 4)), w)

    assert "matmul" in names(after(small, (2, 3, 4), (4, 2)))


def test_axes_that_do_not_divide_each_other_are_copied():
    def f(x, w):
        return matmul(reshape(transpose(x, (1, 0)), (60, 48)), w)

    assert "matmul" in names(after(f, (64, 45), (48, 50)))


def test_common_axes():
    assert common(((6, 4), (100, 1)), ((24,), (3,))) == (Axis(6, 100, 12), Axis(4, 1, 3))
    assert common(((3, 8), (8, 1)), ((6, 4), (4, 1))) == (Axis(3, 8, 8), Axis(2, 4, 4), Axis(4, 1, 1))
    assert common(((4, 9), (9, 1)), ((6, 6), (6, 1))) is None
    assert common(((1, 5, 1), (7, 1, 7)), ((5,), (2,))) == (Axis(5, 1, 2),)
    assert merged((Axis(3, 8, 8), Axis(2, 4, 4), Axis(4, 1, 1))) == (Axis(24, 1, 1),)


def test_axes_beyond_what_the_routine_walks():
    a = ((2, 3, 4, 5, 6), (1000, 200, 40, 7, 1))
    assert axes_of(a, (0, 4, 1), ((6, 2), (2, 1)), (0, 1, 1)) is None
    few = axes_of(a, (0, 3, 2), ((5, 6, 2), (12, 2, 1)), (0, 2, 1))
    assert isinstance(few, Axes)
    assert len(few.row) == 3


USERS = {
    "attention": (
        lambda q, k: np.transpose(q, (0, 2, 1, 3)) @ np.transpose(k, (0, 2, 3, 1)), [(3, 40, 2, 24), (3, 40, 2, 24)],
    ),
    "heads": (lambda x, w: np.transpose(x, (0, 2, 1, 3)).reshape(120, 48) @ w, [(3, 2, 40, 24), (48, 33)]),
    "einsum": (lambda x, w: np.einsum("bhtd,hdf->btf", x, w), [(3, 2, 40, 24), (2, 24, 33)]),
    "slices": (lambda x, y: x[:, ::2, ::-1].reshape(60, 50) @ y[::2, 1:], [(6, 20, 50), (100, 42)]),
    "one column": (lambda x, w: np.transpose(x, (1, 0, 2)).reshape(120, 60) @ w, [(5, 120, 12), (60, 1)]),
    "broadcast": (lambda x, w: np.broadcast_to(x[:, None], (50, 4, 30)).reshape(200, 30) @ w, [(50, 30), (30, 40)]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", USERS)
def test_bits_and_values(case, dtype):
    function, shapes = USERS[case]
    args = [RNG.normal(size=s).astype(dtype) for s in shapes]
    f = tp.function(function)
    with tp.eager():
        eager = f(*args)
    f(*args)
    assert f(*args).tobytes() == eager.tobytes()
    assert np.abs(eager - function(*args)).max() < 300 * np.finfo(dtype).eps
    assert ("contract" in str(f.inspect(*args))) == (case != "slices")


def test_in_a_loop():
    x, w = RNG.normal(size=(4, 3, 2, 40, 24)), RNG.normal(size=(48, 33))

    def f(x, w):
        return tp.scan(
            lambda c, a: (c + np.transpose(a, (1, 0, 2)).reshape(40, 48) @ w, a[0, 0]), np.zeros((40, 33)), x[:, 0]
        )[0]

    g = tp.function(f)
    with tp.eager():
        eager = g(x, w)
    assert g(x, w).tobytes() == eager.tobytes()
    assert "contract" in str(g.inspect(x, w))


@pytest.mark.parametrize(("strides", "padding"), [(1, "same"), (1, "valid"), (2, "same")])
def test_convolutions_write_no_windows_out(strides, padding):
    """Value and gradient in the kernel need less memory than the windows of the images have."""
    layer = tp.layers.Conv2D(24, 3, strides, padding, dtype=np.float32)
    x = RNG.normal(size=(4, 20, 20, 16)).astype(np.float32)
    rows = layer(x).shape[1]
    kernel = np.asarray(layer.kernel)

    def loss(kernel, x):
        windows = layer.windows.of(tp.constant(x) if isinstance(x, np.ndarray) else x, 0.0)
        y = windows.reshape((4 * rows * rows, 144)) @ kernel.reshape((144, 24))
        return np.sum(y * y)

    f = tp.value_and_grad(loss)
    with tp.eager():
        eager = f(kernel, x)
    compiled = f(kernel, x)
    assert np.asarray(compiled[1]).tobytes() == np.asarray(eager[1]).tobytes()
    (arena,) = [int(line.split()[1]) for line in str(f.inspect(kernel, x)).splitlines() if "arena:" in line]
    assert arena < 4 * rows * rows * 144 * 4
