"""Contrast, and the error that names an op without a gradient."""

import numpy as np
import pytest

import tapec as tp
from tapec.errors import DTypeError, NotDifferentiableError, ShapeError

IMAGES = np.random.default_rng(0).uniform(size=(2, 4, 5, 3))


def test_against_the_definition():
    mean = IMAGES.mean((1, 2), keepdims=True)
    found = tp.image.adjust_contrast(IMAGES, 1.7)
    np.testing.assert_allclose(found.numpy(), (IMAGES - mean) * 1.7 + mean, rtol=1e-13)
    assert tp.image.adjust_contrast(IMAGES.astype(np.float32), 2.0).dtype == np.float32
    assert tp.image.adjust_contrast(IMAGES.astype(np.float32), np.float64(2.0)).dtype == np.float32


def test_compiled_is_eager():
    eager = tp.image.adjust_contrast(IMAGES, 0.3).numpy()
    assert tp.function(tp.image.adjust_contrast)(IMAGES, 0.3).tobytes() == eager.tobytes()


@pytest.mark.parametrize("source", ["image", "factor"])
def test_the_gradient_is_an_error_that_names_the_op(source):
    image, factor = tp.Variable([[[0.5, 0.0, 0.0]]]), tp.Variable(0.1)
    with tp.GradientTape() as tape:
        new = tp.image.adjust_contrast(image, factor)
        assert new.shape == (1, 1, 3)
    message = r"'adjust_contrast' at .*test_image\.py:\d+ has no derivative rule"
    with pytest.raises(NotDifferentiableError, match=message) as caught:
        tape.gradient(new, image if source == "image" else factor)
    assert isinstance(caught.value, LookupError)


def test_the_error_comes_compiled_too():
    with pytest.raises(LookupError, match="adjust_contrast"):
        tp.grad(lambda x: np.sum(tp.image.adjust_contrast(x, 2.0)))(IMAGES)


def test_forward_mode_names_the_line_too():
    with pytest.raises(LookupError, match=r"'adjust_contrast' at .*test_image\.py:\d+ has no derivative rule"):
        tp.jvp(lambda x: tp.image.adjust_contrast(x, 2.0), IMAGES, IMAGES)


def test_where_no_derivative_is_asked_for_there_is_no_error():
    image, other = tp.Variable(IMAGES), tp.Variable(2.0)
    with tp.GradientTape() as tape:
        y = np.sum(tp.image.adjust_contrast(image, 2.0)) * other
    assert tape.gradient(y, other).item() == pytest.approx(IMAGES.sum())


def test_errors():
    with pytest.raises(ShapeError, match="height, width, channels"):
        tp.image.adjust_contrast(np.zeros((2, 2)), 1.0)
    with pytest.raises(DTypeError, match="int64"):
        tp.image.adjust_contrast(np.zeros((2, 2, 1), np.int64), 1.0)
    with pytest.raises(ShapeError, match="one factor"):
        tp.image.adjust_contrast(IMAGES, np.ones(2))
