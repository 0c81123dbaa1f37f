"""A convolutional network on 28 × 28 images, float32: value and gradient by all eight parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.workload import Call, Cost, Workload, gradients
from bench.workloads.networks import CLASSES, prepared

SIDE, FIRST, SECOND, HIDDEN = 28, 16, 32, 128
POOLED = SIDE // 4


def parameters() -> list[np.ndarray]:
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) * np.sqrt(2.0 / np.prod(shape[:-1]))).astype(np.float32)

    weights = (
        normal(3, 3, 1, FIRST),
        normal(3, 3, FIRST, SECOND),
        normal(POOLED * POOLED * SECOND, HIDDEN),
        normal(HIDDEN, CLASSES),
    )
    return [p for w in weights for p in (w, np.zeros(w.shape[-1], np.float32))]


def batch(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.random((n, SIDE, SIDE, 1), dtype=np.float32), rng.integers(0, CLASSES, n)


def inputs(n: int) -> tuple[Any, ...]:
    return (parameters(), *batch(n))


def tapec(_: Any, n: int) -> Call:
    import tapec as tp

    layers = tp.layers
    model = layers.Sequential(
        [
            layers.Conv2D(FIRST, 3, padding="same", activation="relu"),
            layers.MaxPool2D(2),
            layers.Conv2D(SECOND, 3, padding="same", activation="relu"),
            layers.MaxPool2D(2),
            layers.Flatten(),
            layers.Dense(HIDDEN, activation="relu"),
            layers.Dense(CLASSES),
        ]
    )
    images, onehot = prepared(model, parameters(), *batch(n))

    @tp.function
    def differentiated(images: Any, onehot: Any) -> Any:
        with tp.GradientTape() as tape:
            loss = np.mean(tp.nn.softmax_cross_entropy(model(images), onehot))
        return loss, tape.gradient(loss, model.trainable_variables)

    return Call(differentiated, (images, onehot))


def jax(jnp: Any, p: Any, images: Any, labels: Any) -> Any:
    import jax

    def layer(x: Any, w: Any, b: Any) -> Any:
        x = jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + b)
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    x = layer(layer(images, p[0], p[1]), p[2], p[3])
    z = jax.nn.relu(x.reshape(x.shape[0], -1) @ p[4] + p[5]) @ p[6] + p[7]
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), labels[:, None], axis=1))


def torch_loss(torch: Any, p: Any, images: Any, labels: Any) -> Any:
    f = torch.nn.functional
    x = f.max_pool2d(f.relu(f.conv2d(images, p[0], p[1], padding="same")), 2)
    x = f.max_pool2d(f.relu(f.conv2d(x, p[2], p[3], padding="same")), 2)
    z = f.linear(f.relu(f.linear(x.flatten(1), p[4], p[5])), p[6], p[7])
    return f.cross_entropy(z, labels)


def channels_first(tree: list[np.ndarray]) -> list[np.ndarray]:
    """PyTorch's shapes of the same parameters."""
    dense = tree[4].reshape(POOLED, POOLED, SECOND, HIDDEN).transpose(3, 2, 0, 1).reshape(HIDDEN, -1)
    return [tree[0].transpose(3, 2, 0, 1), tree[1], tree[2].transpose(3, 2, 0, 1), tree[3], dense, tree[5],
            tree[6].T, tree[7]]  # fmt: skip


def channels_last(tree: list[np.ndarray]) -> list[np.ndarray]:
    """Back again."""
    dense = tree[4].reshape(HIDDEN, SECOND, POOLED, POOLED).transpose(2, 3, 1, 0).reshape(-1, HIDDEN)
    return [tree[0].transpose(2, 3, 1, 0), tree[1], tree[2].transpose(2, 3, 1, 0), tree[3], dense, tree[5],
            tree[6].T, tree[7]]  # fmt: skip


def torch(peer: Any, n: int) -> Call:
    images, labels = batch(n)
    call = peer.value_and_grad(
        torch_loss, (channels_first(parameters()), images.transpose(0, 3, 1, 2), labels), (0,), False
    )

    def answer(result: Any) -> Any:
        return peer.numpy(result[0]), channels_last([peer.numpy(g) for g in result[1]])

    return Call(call.function, call.arguments, answer)


def tensorflow(tf: Any, p: Any, images: Any, labels: Any) -> Any:
    x = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(images, p[0], 1, "SAME") + p[1]), 2, 2, "VALID")
    x = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, p[2], 1, "SAME") + p[3]), 2, 2, "VALID")
    z = tf.nn.relu(tf.reshape(x, (x.shape[0], -1)) @ p[4] + p[5]) @ p[6] + p[7]
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, z))


def cost(n: int) -> Cost:
    convolutions = 9 * FIRST * (2 * SIDE**2 + 3 * SECOND * (SIDE // 2) ** 2)
    dense = 3 * HIDDEN * (POOLED**2 * SECOND + CLASSES)
    return Cost(bytes=4 * n * SIDE**2 * (1 + FIRST), flops=2 * n * (convolutions + dense))


WORKLOADS = (
    Workload(
        "cnn",
        "Convolutional network of 4 layers, 28 × 28, float32, batch of {n}",
        gradients(inputs, jax=jax, tensorflow=tensorflow) | {"tapec": tapec, "torch": torch},
        sizes=(64,),
        quick=2,
        unit="batch",
        dtype="float32",
        tolerance=1e-3,
        cost=cost,
        threaded=True,
        binds="convolutions: matrix products over windows of 9 pixels",
    ),
)
