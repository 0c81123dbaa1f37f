import numpy as np
import pytest
from matplotlib.image import imread

import tapec as tp
from tapec.demo.data import split
from tapec.demo.main import run
from tapec.demo.model import initial_parameters, initial_state, train_step


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    picture = tmp_path_factory.mktemp("demo") / "demo.png"
    return run(picture, quick=False, seed=0), picture


def test_it_reaches_97_percent_of_held_out_digits(demo):
    assert demo[0].held_out == 449
    assert demo[0].accuracy >= 0.97


def test_the_figures_are_those_of_a_whole_step(demo):
    figures = demo[0]
    assert figures.steps == 40 * (1348 // 64)
    assert 1 < figures.kernels < figures.recorded_ops
    assert 0 < figures.kept_pruned < figures.kept_plain
    assert 0 < figures.compile_s < 60
    assert figures.compiled_s > 0
    assert figures.eager_s > 0


def test_the_picture_is_there(demo):
    assert imread(demo[1]).shape[:2] == (672, 1560)


def test_steps_after_the_first_run_what_it_compiled(demo):
    before = train_step.compiles
    parameters = initial_parameters((64, 256, 128, 10), seed=1)
    images, labels = next(split(1)[0].batches(64, np.random.default_rng(1)))
    train_step(parameters, initial_state(parameters), images, labels, 0.5)
    assert train_step.compiles == before


def test_eager_and_compiled_steps_have_the_same_bits():
    parameters = initial_parameters((64, 16, 10), seed=0)
    state = initial_state(parameters)
    images, labels = next(split(0)[0].batches(32, np.random.default_rng(0)))
    for _ in range(3):
        with tp.eager():
            eager = train_step(parameters, state, images, labels, 0.01)
        parameters, state, loss = train_step(parameters, state, images, labels, 0.01)
        assert loss.tobytes() == eager[2].tobytes()
        for compiled_layer, eager_layer in zip(parameters, eager[0], strict=True):
            for name, value in compiled_layer.items():
                assert value.dtype == np.float32
                assert value.tobytes() == eager_layer[name].tobytes()


def test_the_gradient_is_that_of_the_loss():
    """Against central differences of the loss, taken in float64."""
    from tapec.demo.model import cross_entropy

    rng = np.random.default_rng(0)
    parameters = [
        {k: v.astype(np.float64) for k, v in layer.items()} for layer in initial_parameters((64, 8, 10), seed=0)
    ]
    images, labels = next(split(0)[0].batches(8, rng))
    images = images.astype(np.float64)
    _, gradient = tp.value_and_grad(cross_entropy)(parameters, images, labels)
    direction = [{k: rng.normal(size=v.shape) for k, v in layer.items()} for layer in parameters]

    def along(t):
        moved = [{k: v + t * d[k] for k, v in layer.items()} for layer, d in zip(parameters, direction, strict=True)]
        return cross_entropy(moved, images, labels)

    numeric = (along(1e-6) - along(-1e-6)) / 2e-6
    exact = sum(np.sum(g[k] * d[k]) for g, d in zip(gradient, direction, strict=True) for k in g)
    np.testing.assert_allclose(exact, numeric, rtol=1e-6)
