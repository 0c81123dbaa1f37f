"""`tp.function`: specialisations, arguments, results, nesting, and errors."""

import functools
import inspect
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
from function_bits import bits, same_everywhere

import tapec as tp
from tapec.recording import ACTIVE


@dataclass
class Layer:
    w: object
    b: object
    activation: str = "tanh"


class Pair(NamedTuple):
    first: object
    second: object


X = np.linspace(-2.0, 2.0, 12).reshape(3, 4)


# Arguments and results ------------------------------------------------------------------------------------------------


def test_numpy_in_numpy_out_and_0d_results_are_numpy_scalars():
    y, total = same_everywhere(lambda x: (np.sin(x) * 2, np.sum(x)), X)
    assert type(y) is np.ndarray
    assert y.flags.writeable
    assert type(total) is np.float64


def test_tensors_in_tensors_out():
    y = same_everywhere(lambda x, k: np.sin(x) * k, tp.constant(X), X)
    assert type(y) is tp.Tensor


def test_nested_arguments_and_results():
    def step(layer, batch, options):
        z = batch["x"] @ layer.w + layer.b
        y = np.tanh(z) if layer.activation == "tanh" else z
        return {"out": [y, None, "text"], "pair": Pair(np.sum(z), options), "layer": Layer(layer.w * 2, 0, "id")}

    args = Layer(X.T.copy(), np.ones(3)), {"x": X}, (None, "static", True, len)
    f = tp.function(step)
    first, second = f(*args), f(*args)
    with tp.eager():
        third = f(*args)
    assert f.recordings == 1
    for result in (first, second, third):
        assert result["out"][1:] == [None, "text"]
        assert result["pair"].second == (None, "static", True, len)
        assert type(result["layer"]) is Layer
        assert result["layer"].activation == "id"
        np.testing.assert_array_equal(result["layer"].w, X.T * 2)
        assert bits(result["out"]) == bits(first["out"])
        assert bits(result["pair"]) == bits(first["pair"])


def test_python_numbers_are_inputs():
    f = tp.function(lambda x, a, n: x * a + n)
    for a in (0.5, -3.0, 1e300):
        for n in (0, 7, -(2**62)):
            np.testing.assert_array_equal(f(X, a, n), X * a + n)
    assert f.recordings == 1


def test_python_numbers_do_not_widen():
    x = X.astype(np.float32)
    assert same_everywhere(lambda x, a, n: x * a + n, x, 0.1, 3).dtype == np.float32
    assert same_everywhere(lambda x, n: x + n, np.arange(3, dtype=np.int8), 3).dtype == np.int8
    assert same_everywhere(lambda a: a * 2, 3.0).dtype == np.float64


@pytest.mark.parametrize(
    "values", [("a", "b"), (None, "a"), (True, False, None), (np.sin, np.cos), (np.float32, np.float64), (2**70, 2**71)]
)
def test_static_arguments_specialise(values):
    f = tp.function(lambda x, how: (x + 1.0, how))
    for _ in range(2):
        for value in values:
            assert f(X, value)[1] is value
    assert f.recordings == len(values)


def test_static_values_that_are_equal_but_of_other_types_differ():
    f = tp.function(lambda x, how: x * (2.0 if how is True else 3.0))
    assert f(1.0, True) == 2.0
    assert f(1.0, frozenset({1})) == 3.0
    assert f(1.0, 1) == 3.0
    assert f.recordings == 3


def test_a_function_that_walks_its_dict_sees_the_order_of_each_call():
    f = tp.function(lambda d: (list(d), [value * 1.0 for value in d.values()]))
    for _ in range(3):
        for d in ({"a": 1.0, "b": 2.0}, {"b": 2.0, "a": 1.0}):
            assert f(d) == (list(d), list(d.values()))
    assert f.recordings == 2
    gradient = tp.grad(lambda d: d["a"] * d["b"])
    for _ in range(3):
        assert list(gradient({"b": 2.0, "a": 1.0})) == ["b", "a"]


def test_shape_dtype_structure_and_kind_specialise():
    f = tp.function(lambda x: x["v"][0] + x["v"][0])
    calls = [
        {"v": [X]},
        {"v": (X,)},
        {"v": [X[:2]]},
        {"v": [X.astype(np.float32)]},
        {"v": [tp.constant(X)]},
        {"v": [1.0]},
        {"v": [1]},
        {"v": [np.float64(1.0)]},
        {"v": [X], "w": 1.0},
    ]
    for expected, call in enumerate(calls, 1):
        f(call)
        assert f.recordings == expected
    for call in calls:
        f(call)
    assert f.recordings == len(calls)


@pytest.mark.parametrize(
    "array",
    [
        X[::2, ::-1],
        X.T,
        X.astype(">f8"),
        np.frombuffer(b"\0" + X.tobytes(), np.uint8)[1:].view(np.float64).reshape(3, 4),
        np.broadcast_to(X[0], (3, 4)),
        np.asfortranarray(X),
        np.float32(2.5),
        np.array(2.5),
        np.zeros((0, 3)),
        np.rec.array(X),
    ],
    ids=["strided", "transposed", "swapped", "unaligned", "broadcast", "fortran", "scalar", "0d", "empty", "subclass"],
)
def test_arrays_of_any_layout(array):
    np.testing.assert_array_equal(same_everywhere(lambda x: x * 2 + 1, array), np.asarray(array) * 2 + 1)


def test_layout_is_not_a_reason_to_record():
    f = tp.function(lambda x: x + 1)
    for x in (X, X[::-1], np.asfortranarray(X), X.astype(">f8")):
        np.testing.assert_array_equal(f(x), x + 1)
    assert f.recordings == 1


def test_arguments_by_keyword_and_defaults():
    @tp.function
    def f(x, scale=2.0, *rest, shift=1.0, **more):
        return x * scale + shift + sum(rest) + more.get("extra", 0.0)

    assert f(1.0) == 3.0
    assert f(1.0, 3.0) == f(x=1.0, scale=3.0) == f(1.0, scale=3.0) == 4.0
    assert f.recordings == 2
    assert f(1.0, shift=5.0) == 7.0
    assert f(1.0, 3.0, 4.0, 5.0, shift=0.0, extra=100.0) == 112.0
    with pytest.raises(TypeError, match=r"unexpected keyword|missing a required"):
        tp.function(lambda x: x)(y=1.0)


def test_metadata_of_the_function():
    def area(radius, unit="m"):
        """Area of a disc."""

    f = tp.function(area)
    assert f.__name__ == "area"
    assert f.__doc__ == "Area of a disc."
    assert f.__wrapped__ is area
    assert str(inspect.signature(f)) == "(radius, unit='m')"
    assert repr(f) == "<tapec function area: 0 recordings, 0 compiled>"


def test_methods_bind():
    class Model:
        def __init__(self, k):
            self.k = k

        @tp.function
        def scale(self, x):
            return x * self.k

    a, b = Model(2.0), Model(3.0)
    assert a.scale(5.0) == a.scale(x=5.0) == 10.0
    assert b.scale(5.0) == 15.0
    assert Model.scale(a, 1.0) == 2.0
    assert Model.scale.recordings == 2


def test_partial_and_callable_objects():
    f = tp.function(functools.partial(np.add, 1.0))
    assert f(2.0) == f(2.0) == 3.0


def test_results_share_no_memory():
    x = X.copy()
    f = tp.function(lambda x: (x, x, np.reshape(x, (12,)), x + 0.0))
    for _ in range(2):
        results = f(x)
        results[0][0, 0] = 99.0
        assert x[0, 0] == -2.0
        assert results[1][0, 0] == results[2][0] == results[3][0, 0] == -2.0


def test_constant_results():
    table = np.arange(3.0)
    f = tp.function(lambda x: (table, 3, 2.5, "s", np.float32(1.0), x))
    for _ in range(2):
        result = f(1.0)
        assert result[1:] == (3, 2.5, "s", np.float32(1.0), 1.0)
        np.testing.assert_array_equal(result[0], [0, 1, 2])
        result[0][:] = -1.0  # a copy each time


# Nesting and modes ----------------------------------------------------------------------------------------------------


def test_inner_functions_run_inline():
    inner = tp.function(lambda x, a: np.sin(x) * a)
    outer = tp.function(lambda x: inner(x, 2.0) + inner(X, 1.0))
    expected = np.sin(X)
    for _ in range(2):
        np.testing.assert_allclose(outer(X), expected * 2 + expected, rtol=1e-14)
    assert (outer.recordings, inner.recordings) == (1, 0)


def test_an_inner_function_without_tensor_arguments_is_recorded_too():
    v = tp.Variable(np.ones(3))
    inner = tp.function(lambda x: np.exp(v) + x)
    outer = tp.function(lambda x: inner(X[0, :3]) * x)
    first = outer(1.0)
    with tp.eager():
        eager = outer(1.0)
    assert bits(first) == bits(outer(1.0)) == bits(eager)
    assert type(inner(X[0, :3])) is np.ndarray
    v.assign(np.zeros(3))
    np.testing.assert_array_equal(outer(2.0), 2.0 * (1.0 + X[0, :3]))


def test_a_tape_records_through_a_compiled_function():
    f = tp.function(lambda x: np.sum(x**2))
    x = tp.constant(np.arange(3.0))
    for _ in range(2):
        f(x)
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        np.testing.assert_array_equal(tape.gradient(y, x).numpy(), [0, 2, 4])


def test_recursion_is_inline():
    @tp.function
    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    assert power(3.0, 4) == power(3.0, 4) == 81.0


def test_eager_mode_records_nothing_and_ends():
    f = tp.function(lambda x: x + 1.0)
    with tp.eager():
        assert f(1.0) == 2.0
        with pytest.raises(ZeroDivisionError), tp.eager():
            1 / 0
        assert f(1.0) == 2.0
    assert f.recordings == 0
    assert ACTIVE.recorders == []
    f(1.0)
    assert f.recordings == 1


# Errors ---------------------------------------------------------------------------------------------------------------


def test_an_exception_leaves_nothing_behind():
    @tp.function
    def f(x, fail):
        with tp.GradientTape() as tape:
            tape.watch(x)
            y = x * 2.0
            tape.__enter__ if fail else None
            if fail:
                raise RuntimeError("mine")
        return y

    with pytest.raises(RuntimeError, match="mine"):
        f(1.0, True)
    assert ACTIVE.recorders == []
    assert (f.recordings, f.compiles) == (0, 0)
    assert f(1.0, False) == 2.0


def test_errors_in_compiled_code_are_those_of_python():
    f = tp.function(lambda x, i: np.take(x, i, axis=0) * 2.0)
    x = np.arange(3.0)
    np.testing.assert_array_equal(f(x, np.array([0, 2])), [0, 4])
    with pytest.raises(tp.errors.IndexOutOfRangeError, match="3"):
        f(x, np.array([0, 3]))
    with pytest.raises(IndexError):
        f(x, np.array([-4, 0]))
    np.testing.assert_array_equal(f(x, np.array([-1, 1])), [4, 2])
    assert f.recordings == 1


def test_shape_errors_name_the_users_line():
    def python(a, b):
        return a + b

    with pytest.raises(tp.errors.ShapeError, match=rf"{__file__}:{python.__code__.co_firstlineno + 1}"):
        tp.function(python)(np.ones(2), np.ones(3))


def test_arguments_that_are_neither_inputs_nor_hashable():
    f = tp.function(lambda _: 1.0)
    with pytest.raises(tp.errors.ArgumentError, match=r"argument 0\['k'\]\[0\] is a set"):
        f({"k": [{1, 2}]})
    with pytest.raises(tp.errors.DTypeError, match=r"argument 0: arrays of dtype complex128.*ComplexTensor"):
        f(np.array([1j]))
    with pytest.raises(tp.errors.ArgumentError, match="masked"):
        f(np.ma.array([1.0], mask=[True]))


def test_arguments_changed_in_place_are_an_error():
    def replaces(params):
        params["w"] = params["w"] * 2.0
        return params["w"]

    def appends(items):
        items.append(1.0)
        return items[0]

    with pytest.raises(tp.errors.ArgumentError, match=r"argument 0\['w'\]"):
        tp.function(replaces)({"w": X})
    with pytest.raises(tp.errors.ArgumentError, match="added to or removed from"):
        tp.function(appends)([X])
    with tp.eager(), pytest.raises(tp.errors.ArgumentError):
        tp.function(appends)([X])


def test_max_paths_must_be_positive():
    with pytest.raises(ValueError, match="max_paths"):
        tp.function(max_paths=0)(len)
