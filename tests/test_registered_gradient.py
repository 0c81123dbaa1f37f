"""Gradients for ops that are declared without one: eager, compiled, both modes, second order; and what is refused."""

import numpy as np
import pytest

import tapec as tp
from tapec import recorded_structure, tape_derivatives, tape_recorder
from tapec.errors import BodyValueError, NotDifferentiableError, RegistrationError, ShapeError
from tapec.ops import sampling
from tapec.passes.derivatives import DERIVATIVES

RNG = np.random.default_rng(0)
IMAGE, FACTOR = RNG.uniform(size=(2, 3, 1)), 0.3
AXES = (-3, -2)


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.setitem(DERIVATIVES, sampling.adjust_contrast, DERIVATIVES[sampling.adjust_contrast])
    # A registration is for good, so that what was made with one is kept; here each test has its own.
    monkeypatch.setattr(tape_derivatives, "_PLANS", {})
    monkeypatch.setattr(tape_recorder, "_NEEDED", {})
    monkeypatch.setattr(recorded_structure, "_TREE", recorded_structure._Tree())


def op(image, factor):
    return np.sum(tp.image.adjust_contrast(image, factor) ** 2)


def formula(image, factor):
    mean = np.mean(image, axis=AXES, keepdims=True)
    return np.sum(((image - mean) * factor + mean) ** 2)


def contrast_gradient(op, grad):
    image, factor, _ = op.inputs
    mean = np.mean(image, axis=AXES, keepdims=True)
    grad_mean = np.mean(grad, axis=AXES, keepdims=True)
    return (grad - grad_mean) * factor + grad_mean, np.sum(grad * (image - mean)), None


def register(function=contrast_gradient):
    return tp.RegisterGradient("adjust_contrast")(function)


def test_the_decorator_returns_the_function():
    assert register() is contrast_gradient


def test_tapes():
    register()
    image, factor = tp.Variable(IMAGE), tp.Variable(FACTOR)
    with tp.GradientTape() as tape:
        y = op(image, factor)
    for found, expected in zip(
        tape.gradient(y, [image, factor]), tp.grad(formula, argnums=(0, 1))(IMAGE, FACTOR), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_was_recorded_before_the_registration():
    image = tp.Variable(IMAGE)
    with tp.GradientTape(persistent=True) as tape:
        y = op(image, FACTOR)
    with pytest.raises(NotDifferentiableError, match=r"tp\.RegisterGradient"):
        tape.gradient(y, image)
    register()
    np.testing.assert_allclose(tape.gradient(y, image), tp.grad(formula)(IMAGE, FACTOR), rtol=1e-12)


def test_compiled_is_eager():
    register()
    compiled = tp.value_and_grad(op, argnums=(0, 1))
    expected = tp.value_and_grad(formula, argnums=(0, 1))(IMAGE, FACTOR)
    for _ in range(2):
        value, gradients = compiled(IMAGE, FACTOR)
        np.testing.assert_allclose(value, expected[0], rtol=1e-12)
        for found, wanted in zip(gradients, expected[1], strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert compiled.compiles == 1


@pytest.mark.parametrize("argnums", [0, 1])
def test_second_order(argnums):
    register()
    found, expected = (tp.hessian(f, argnums=argnums)(IMAGE, FACTOR) for f in (op, formula))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_forward_mode_is_the_transpose():
    register()
    direction = (RNG.normal(size=IMAGE.shape), 0.5)
    found, expected = (tp.jvp(f, (IMAGE, FACTOR), direction) for f in (op, formula))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_examples_at_once():
    register()
    images = RNG.uniform(size=(4, *IMAGE.shape))
    found, expected = (tp.vmap(lambda x, f=f: tp.grad(f)(x, FACTOR))(images) for f in (op, formula))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_an_input_without_a_gradient():
    register(lambda op, grad: (grad * op.inputs[1], None, None))
    image, factor = tp.Variable(IMAGE), tp.Variable(FACTOR)
    with tp.GradientTape() as tape:
        y = tp.image.adjust_contrast(image, factor)
    of_image, of_factor = tape.gradient(y, [image, factor])
    np.testing.assert_allclose(of_image, np.full(IMAGE.shape, FACTOR))
    assert of_factor is None
    assert not tp.jvp(lambda f: tp.image.adjust_contrast(IMAGE, f), (FACTOR,), (1.0,))[1].any()


def test_what_the_function_is_told():
    told = []

    def function(op, grad):
        told.append((op.type, [t.shape for t in op.inputs], op.outputs[0].shape, grad.shape))
        with pytest.raises(KeyError):
            op.get_attr("padding")
        return grad, None, None

    register(function)
    tp.grad(op)(IMAGE, FACTOR)
    assert set(map(str, told)) == {str(("adjust_contrast", [(2, 3, 1), (), (1, 1, 1)], (2, 3, 1), (2, 3, 1)))}


@pytest.mark.parametrize("register_again", [register, lambda: tp.no_gradient("adjust_contrast")])
def test_a_second_registration(register_again):
    register()
    with pytest.raises(RegistrationError, match="'adjust_contrast' has a gradient already"):
        register_again()


@pytest.mark.parametrize("declare", [tp.RegisterGradient, tp.no_gradient])
def test_unknown_ops(declare):
    with pytest.raises(RegistrationError, match="no op 'adjust_contrasts'; did you mean 'adjust_contrast'"):
        declare("adjust_contrasts")
    with pytest.raises(RegistrationError, match=r"no op 'qqqq'$"):
        declare("qqqq")
    with pytest.raises(LookupError, match="'exp' has a gradient already"):
        declare("exp")


def test_a_wrong_number_of_gradients():
    register(lambda _, grad: (grad, None))
    with pytest.raises(ShapeError, match="returned 2 gradients for 3 inputs"):
        tp.grad(op)(IMAGE, FACTOR)


def test_a_wrong_shape():
    register(lambda _, grad: (np.sum(grad), None, None))
    with pytest.raises(ShapeError, match=r"returned shape \(\) for input 0, which has shape \(2, 3, 1\)"):
        tp.grad(op)(IMAGE, FACTOR)


def test_a_function_that_reads_what_is_not_the_ops():
    outside = tp.Variable(2.0)
    register(lambda _, grad: (grad * outside, None, None))
    with pytest.raises(RegistrationError, match=r"none of the op's; compute with op\.inputs"):
        tp.grad(op)(IMAGE, FACTOR)


def test_a_function_that_asks_for_values():
    register(lambda op, grad: (grad if op.inputs[1] > 0 else -grad, None, None))
    with pytest.raises(BodyValueError, match="the gradient registered for 'adjust_contrast'"):
        tp.grad(op)(IMAGE, FACTOR)


def test_no_transpose_of_what_is_not_linear():
    register(lambda _, grad: (grad * grad, None, None))
    image = tp.Variable(IMAGE)
    with tp.GradientTape() as tape:
        y = tp.image.adjust_contrast(image, FACTOR)
    np.testing.assert_allclose(tape.gradient(y, image, output_gradients=2.0 * np.ones(IMAGE.shape)), 4.0)
    with pytest.raises(NotDifferentiableError, match="not linear in the gradient that it is given"):
        tp.jvp(lambda x: tp.image.adjust_contrast(x, FACTOR), (IMAGE,), (IMAGE,))


def test_no_gradient():
    tp.no_gradient("adjust_contrast")
    image = tp.Variable(IMAGE)
    with tp.GradientTape(persistent=True) as tape:
        y = op(image, FACTOR)
    assert tape.gradient(y, image) is None
    assert "tp.no_gradient says so" in str(tape.explain(y, image))
