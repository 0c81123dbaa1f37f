"""A training step of a network of two layers with Adam: products that are small, and many small updates."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.workload import Call, Cost, Workload

INPUTS, HIDDEN, CLASSES = 784, 256, 10
RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


def parameters() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [
        (rng.normal(size=(INPUTS, HIDDEN)) * np.sqrt(2 / INPUTS)).astype(np.float32),
        np.zeros(HIDDEN, np.float32),
        (rng.normal(size=(HIDDEN, CLASSES)) * np.sqrt(2 / HIDDEN)).astype(np.float32),
        np.zeros(CLASSES, np.float32),
    ]


def batch(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.random((n, INPUTS), dtype=np.float32), rng.integers(0, CLASSES, n)


def training(step: Any, program: Any = None) -> Call:
    """Losses of the first four steps are the answer: they depend on three gradients and updates."""
    return Call(step, answer=lambda first: [first, step(), step(), step()], program=program)


def prepared(model: Any, values: list[np.ndarray], images: np.ndarray, labels: np.ndarray) -> tuple[Any, Any]:
    """Gives a model of tapec's layers these parameters; the images, and the labels as rows of zeros and a one."""
    model(images)
    for variable, value in zip(model.trainable_variables, values, strict=True):
        variable.assign(value)
    return images, np.eye(CLASSES, dtype=np.float32)[labels]


def tapec(_: Any, n: int) -> Call:
    import tapec as tp

    model = tp.layers.Sequential([tp.layers.Dense(HIDDEN, activation="relu"), tp.layers.Dense(CLASSES)])
    optimizer = tp.optimizers.Adam(learning_rate=RATE, beta_1=BETA1, beta_2=BETA2, epsilon=EPSILON)
    images, onehot = prepared(model, parameters(), *batch(n))

    @tp.function
    def step(images: Any, onehot: Any) -> Any:
        with tp.GradientTape() as tape:
            loss = np.mean(tp.nn.softmax_cross_entropy(model(images), onehot))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return training(lambda: step(images, onehot), (step, (images, onehot)))


def logits(m: Any, p: list[Any], images: Any) -> Any:
    return m.maximum(images @ p[0] + p[1], 0) @ p[2] + p[3]


def adam(m: Any, t: Any, p: Any, g: Any, first: Any, second: Any) -> Any:
    """One parameter's update."""
    first, second = BETA1 * first + (1 - BETA1) * g, BETA2 * second + (1 - BETA2) * g * g
    scaled = m.sqrt(second / (1 - BETA2**t)) + EPSILON
    return p - RATE * first / (1 - BETA1**t) / scaled, first, second


class Functional:
    """Carries the state of a step without side effects.

    Args:
        function: (number, parameters, first moments, second moments, images, onehot) to new ones and the loss.
        array: makes the library's arrays.
        n: size of the batch.
    """

    def __init__(self, function: Any, array: Any, n: int) -> None:
        images, labels = batch(n)
        self.function = function
        self.data = array(images), array(np.eye(CLASSES, dtype=np.float32)[labels])
        zeros = [np.zeros_like(p) for p in parameters()]
        self.state = tuple([array(a) for a in group] for group in (parameters(), zeros, zeros))
        self.number = 0

    def __call__(self) -> float:
        """One step; its loss."""
        self.number += 1
        *state, loss = self.function(np.float32(self.number), *self.state, *self.data)
        self.state = tuple(state)
        return float(loss)


def jax(peer: Any, n: int) -> Call:
    jax, jnp = peer.jax, peer.namespace

    def cross_entropy(p: Any, images: Any, onehot: Any) -> Any:
        return -jnp.mean(jnp.sum(onehot * jax.nn.log_softmax(logits(jnp, p, images)), axis=1))

    def step(t: Any, p: Any, first: Any, second: Any, images: Any, onehot: Any) -> Any:
        loss, g = jax.value_and_grad(cross_entropy)(p, images, onehot)
        new = [adam(jnp, t, *group) for group in zip(p, g, first, second, strict=True)]
        return *map(list, zip(*new, strict=True)), loss

    return training(Functional(jax.jit(step, donate_argnums=(1, 2, 3)), peer.array, n))


def autograd(peer: Any, n: int) -> Call:
    from autograd.scipy.special import logsumexp

    anp = peer.namespace

    def cross_entropy(p: Any, images: Any, onehot: Any) -> Any:
        z = logits(anp, p, images)
        return anp.mean(logsumexp(z, axis=1) - anp.sum(onehot * z, axis=1))

    differentiated = peer.autograd.value_and_grad(cross_entropy)

    def step(t: Any, p: Any, first: Any, second: Any, images: Any, onehot: Any) -> Any:
        loss, g = differentiated(p, images, onehot)
        new = [adam(np, t, *group) for group in zip(p, g, first, second, strict=True)]
        return *map(list, zip(*new, strict=True)), loss

    return training(Functional(step, np.asarray, n))


def torch(peer: Any, n: int) -> Call:
    torch = peer.torch
    images, labels = map(torch.from_numpy, batch(n))
    model = torch.nn.Sequential(torch.nn.Linear(INPUTS, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES))
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), parameters(), strict=True):
            parameter.copy_(torch.from_numpy(value.T.copy()))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, betas=(BETA1, BETA2), eps=EPSILON, fused=True)

    @peer.compile
    def loss_of(images: Any, labels: Any) -> Any:
        return torch.nn.functional.cross_entropy(model(images), labels)

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(images, labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return training(step)


def tensorflow(peer: Any, n: int) -> Call:
    tf = peer.tf
    images, labels = map(tf.constant, batch(n))
    variables = [tf.Variable(value) for value in parameters()]
    optimizer = tf.keras.optimizers.Adam(RATE, beta_1=BETA1, beta_2=BETA2, epsilon=EPSILON)
    optimizer.build(variables)

    @peer.compile
    def step(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            z = tf.nn.relu(images @ variables[0] + variables[1]) @ variables[2] + variables[3]
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, z))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return training(lambda: step(images, labels).numpy())


def cost(n: int) -> Cost:
    weights = INPUTS * HIDDEN + HIDDEN * CLASSES
    return Cost(bytes=4 * (n * INPUTS + 6 * weights), flops=2 * n * (2 * INPUTS * HIDDEN + 3 * HIDDEN * CLASSES))


WORKLOADS = (
    Workload(
        "mlp_adam",
        "Training step with Adam, 784-256-10, float32, batch of {n}",
        {
            "tapec": tapec,
            "jax": jax,
            "autograd": autograd,
            "torch": torch,
            "tensorflow": tensorflow,
        },
        sizes=(32, 512),
        quick=8,
        unit="batch",
        dtype="float32",
        tolerance=1e-3,
        cost=cost,
        threaded=True,
        binds="small batch: memory, which Adam's three arrays go through; large batch: matrix products",
    ),
)
