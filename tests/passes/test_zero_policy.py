"""An exactly zero cotangent contributes zero through any partial; a genuine NaN or infinity is never hidden."""

import numpy as np
import pytest
from graph_text import graph_of

from tapec.dispatch import apply, lift
from tapec.ops import elementwise as ew
from tapec.ops import reduction
from tapec.passes.zero_policy import is_finite
from tapec.recording import active
from tapec.structure_recorder import StructureRecorder
from tapec.tape import GradientTape
from tapec.tape_derivatives import tangent_plan
from tapec.tensor import Tensor, make

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the primal ops run by NumPy, which warns


def op(primitive, *operands, **attributes):
    like = next(x for x in operands if isinstance(x, Tensor) and x.dtype.kind == "f")
    return apply(primitive, tuple([lift(x, like.dtype) for x in operands]), attributes)


def masked(f):
    return lambda x: op(ew.select, op(ew.gt, x, 0.0), f(x), 0.0)


def power(x, n):
    return op(ew.integer_pow, x, exponent=n)


def reverse(f, x):
    with GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x)


def forward(f, x):
    recorder = StructureRecorder(watch_accessed_variables=False)
    place = recorder.watch(x)
    with active(recorder):
        y = f(x)
    (t,) = tangent_plan(recorder, [recorder.place(y)], [place]).run(recorder, [make(np.ones(x.shape))], release=False)
    return t


def second(f, x):
    return reverse(lambda v: reverse(f, v), x)


MASKED = {
    "sqrt": lambda x: op(ew.sqrt, x),
    "x*log(x)": lambda x: op(ew.mul, x, op(ew.log, x)),
    "1/x": lambda x: op(ew.div, 1.0, x),
    "x**0.5": lambda x: op(ew.pow, x, 0.5),
    "x**x": lambda x: op(ew.pow, x, x),
    "x**-2": lambda x: power(x, -2),
    "sqrt(x)*sin(1/x)": lambda x: op(ew.mul, op(ew.sqrt, x), op(ew.sin, op(ew.div, 1.0, x))),
    "exp(1/x)": lambda x: op(ew.exp, op(ew.div, 1.0, x)),
}


@pytest.mark.parametrize("mode", [reverse, forward, second])
@pytest.mark.parametrize("name", MASKED)
def test_what_where_does_not_pick_contributes_nothing(name, mode):
    f = MASKED[name]
    x = make(np.array([0.0, -1.0, 4.0]))
    got = mode(masked(f), x).numpy()
    assert got[:2].tolist() == [0.0, 0.0]
    assert got[2] == mode(f, make(np.array([4.0]))).numpy()[0] != 0.0


def norm(x):
    return op(ew.sqrt, op(reduction.sum, op(ew.mul, x, x), axes=(0,)))


def test_norm_squared_at_zero():
    zero = make(np.zeros(2))
    assert reverse(lambda x: power(norm(x), 2), zero).numpy().tolist() == [0.0, 0.0]
    assert forward(lambda x: power(norm(x), 2), zero).numpy() == 0.0


def test_zero_cotangents_do_not_cut_second_derivatives():
    """The derivative of a contribution by its cotangent is the partial even where the cotangent is zero."""

    def f(x):
        return op(ew.mul, 0.5, power(op(ew.sin, x), 2))

    zero = make(np.array(0.0))
    assert second(f, zero).numpy() == 1.0
    assert forward(lambda x: reverse(f, x), zero).numpy() == 1.0
    assert reverse(lambda x: forward(f, x), zero).numpy() == 1.0


def test_third_derivative_of_a_cube_at_zero():
    def cube(x):
        return op(ew.mul, op(ew.mul, x, x), x)

    assert reverse(lambda x: second(cube, x), make(np.array(0.0))).numpy() == 6.0


@pytest.mark.parametrize(
    ("f", "at", "expected"),
    [
        (lambda x: op(ew.sqrt, x), 0.0, np.inf),
        (lambda x: op(ew.log, x), 0.0, np.inf),
        (lambda x: op(ew.sqrt, x), -1.0, np.nan),
        (lambda x: op(ew.div, x, 0.0), 1.0, np.inf),
        (lambda x: op(ew.mul, op(ew.sqrt, x), op(ew.sqrt, x)), -1.0, np.nan),
        (lambda x: op(ew.sin, x), np.inf, np.nan),
        (lambda x: op(ew.exp, x), np.nan, np.nan),
    ],
)
@pytest.mark.parametrize("mode", [reverse, forward])
def test_genuine_infinities_and_nans_show(f, at, expected, mode):
    np.testing.assert_equal(mode(f, make(np.array(at))).numpy(), expected)


def test_norm_at_zero():
    """An infinite cotangent times a zero partial is a genuine NaN; a zero tangent through an infinite partial is 0."""
    zero = make(np.zeros(2))
    assert np.isnan(reverse(norm, zero).numpy()).all()
    assert forward(norm, zero).numpy() == 0.0


def test_given_zero_cotangent():
    x = make(np.array([0.0, 1.0]))
    with GradientTape() as tape:
        tape.watch(x)
        y = op(ew.sqrt, x)
    assert tape.gradient(y, x, np.array([0.0, 2.0])).numpy().tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("given", "to", "finite"),
    [("i16", "f16", True), ("ui16", "f16", False), ("i64", "f16", False), ("i1", "f16", True), ("ui64", "f32", True),
     ("f32", "f64", False)],
)  # fmt: skip
def test_integers_may_be_beyond_float16(given, to, finite):
    text = f"""
^bb0(%arg0: tensor<3x{given}>):
  %0 = "tapec.cast"(%arg0) {{dtype = "{to}"}} : (tensor<3x{given}>) -> tensor<3x{to}>
  "tapec.return"(%0) : (tensor<3x{to}>) -> ()
"""
    assert is_finite(graph_of(text).outputs[0]) is finite
