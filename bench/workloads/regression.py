"""Logistic and softmax regression: two passes over the data matrix, which memory binds."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.workload import Call, Cost, Workload, gradients

FEATURES, CLASSES = 100, 10


def logistic_data(n: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, FEATURES))
    y = (x @ rng.normal(size=FEATURES) + rng.logistic(size=n) > 0).astype(np.float64)
    return 0.1 * rng.normal(size=FEATURES), x, y


def logistic(m: Any, w: Any, x: Any, y: Any) -> Any:
    z = x @ w
    return m.mean(m.logaddexp(0.0, z) - y * z)


def logistic_torch(torch: Any, w: Any, x: Any, y: Any) -> Any:
    return torch.nn.functional.binary_cross_entropy_with_logits(x @ w, y)


def logistic_tensorflow(tf: Any, w: Any, x: Any, y: Any) -> Any:
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, tf.linalg.matvec(x, w)))


def logistic_limit(n: int) -> Call:
    from bench.limits.regression import logistic as by_hand

    return Call(by_hand, logistic_data(n))


def softmax_data(n: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, FEATURES))
    labels = np.argmax(x @ rng.normal(size=(FEATURES, CLASSES)) + rng.gumbel(size=(n, CLASSES)), axis=1)
    return 0.1 * rng.normal(size=(FEATURES, CLASSES)), np.zeros(CLASSES), x, np.eye(CLASSES)[labels]


def softmax(m: Any, w: Any, b: Any, x: Any, y: Any) -> Any:
    z = x @ w + b
    z = z - m.max(z, axis=1, keepdims=True)
    return m.mean(m.log(m.sum(m.exp(z), axis=1)) - m.sum(y * z, axis=1))


def softmax_jax(jnp: Any, w: Any, b: Any, x: Any, y: Any) -> Any:
    import jax

    return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(x @ w + b), axis=1))


def softmax_autograd(anp: Any, w: Any, b: Any, x: Any, y: Any) -> Any:
    from autograd.scipy.special import logsumexp

    z = x @ w + b
    return anp.mean(logsumexp(z, axis=1) - anp.sum(y * z, axis=1))


def softmax_torch(torch: Any, w: Any, b: Any, x: Any, y: Any) -> Any:
    return torch.nn.functional.cross_entropy(x @ w + b, y)


def softmax_tensorflow(tf: Any, w: Any, b: Any, x: Any, y: Any) -> Any:
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, x @ w + b))


WORKLOADS = (
    Workload(
        "logistic",
        "Logistic regression, {n} × 100",
        gradients(
            logistic_data,
            logistic,
            torch=logistic_torch,
            tensorflow=logistic_tensorflow,
            limit=logistic_limit,
        ),
        sizes=(100_000,),
        sweep=(1_000, 10_000),
        quick=1_000,
        tolerance=1e-10,
        cost=lambda n: Cost(bytes=8 * FEATURES * n, flops=4 * FEATURES * n),
        threaded=True,
        binds="memory: the data are read once at least; twice if a block of rows is not kept in cache for the gradient",
    ),
    Workload(
        "softmax",
        "Softmax regression, {n} × 100, 10 classes",
        gradients(
            softmax_data,
            wrt=(0, 1),
            tapec=softmax,
            jax=softmax_jax,
            autograd=softmax_autograd,
            torch=softmax_torch,
            tensorflow=softmax_tensorflow,
        ),
        sizes=(10_000,),
        quick=500,
        tolerance=1e-10,
        cost=lambda n: Cost(bytes=8 * (FEATURES + CLASSES) * n, flops=4 * FEATURES * CLASSES * n),
        binds="memory and the two products; then a log-sum-exp over each row",
    ),
)
