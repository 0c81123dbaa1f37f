"""Training a small network: eagerly with the tape, and as one compiled step, with the same bits."""

import numpy as np
import pytest

import tapec as tp
from tapec.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, LayerNorm, MaxPool2D, Sequential

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(12, 6, 6, 1)).astype(np.float32)
LABELS = RNG.integers(0, 3, 12)
STEPS = 8


def network():
    return Sequential([
        Conv2D(4, 3, padding="same", activation="relu"), MaxPool2D(2), BatchNorm(), Flatten(), Dropout(0.2),
        Dense(8, activation="relu"), LayerNorm(), Dense(3),
    ])  # fmt: skip


def trained(optimizer, *, compiled):
    tp.random.seed(42)
    model = network()

    def step(images, labels):
        with tp.GradientTape() as tape:
            logits = model(images, training=True)
            loss = np.mean(tp.nn.softmax_cross_entropy(logits, tp.nn.one_hot(labels, 3)))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    run = tp.function(step) if compiled else step
    losses = [float(run(IMAGES, LABELS)) for _ in range(STEPS)]
    if compiled:
        assert run.recordings == 1
    return model, losses


@pytest.mark.parametrize(
    "make",
    [
        lambda: tp.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        lambda: tp.optimizers.Adam(0.01),
        lambda: tp.optimizers.AdamW(lambda step: 0.01 / (1 + step)),
        lambda: tp.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    ],
    ids=["sgd", "adam", "adamw", "rmsprop"],
)
def test_eager_and_compiled_steps_give_the_same_bits(make):
    one, other = make(), make()
    eager, losses = trained(one, compiled=False)
    compiled, again = trained(other, compiled=True)
    assert losses == again
    assert losses[-1] < losses[0]
    for mine, other_module in ((eager, compiled), (one, other)):
        assert [v.numpy().tobytes() for v in mine.variables] == [v.numpy().tobytes() for v in other_module.variables]
    assert one.iterations.item() == STEPS
