"""A block of a transformer: layer norm, two products with GELU between them, and a residual connection; float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.workload import Cost, Workload, gradients

WIDTH, HIDDEN, EPSILON = 256, 1024, 1e-5


def inputs(tokens: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(0)

    def normal(*shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * rng.normal(size=shape)).astype(np.float32)

    parameters = [
        np.ones(WIDTH, np.float32),
        np.zeros(WIDTH, np.float32),
        normal(WIDTH, HIDDEN, scale=WIDTH**-0.5),
        normal(HIDDEN, scale=0.1),
        normal(HIDDEN, WIDTH, scale=HIDDEN**-0.5),
        normal(WIDTH, scale=0.1),
    ]
    return parameters, normal(tokens, WIDTH)


def block(m: Any, gelu: Any, parameters: Any, x: Any) -> Any:
    gamma, beta, w1, b1, w2, b2 = parameters
    centered = x - m.mean(x, axis=-1, keepdims=True)
    variance = m.mean(centered * centered, axis=-1, keepdims=True)
    normed = centered / m.sqrt(variance + EPSILON) * gamma + beta
    y = x + gelu(normed @ w1 + b1) @ w2 + b2
    return m.mean(y * y)


def tapec(np_: Any, parameters: Any, x: Any) -> Any:
    import tapec as tp

    return block(np_, tp.nn.gelu, parameters, x)


def jax(jnp: Any, parameters: Any, x: Any) -> Any:
    import jax

    return block(jnp, lambda t: jax.nn.gelu(t, approximate=False), parameters, x)


def autograd(anp: Any, parameters: Any, x: Any) -> Any:
    from autograd.scipy.special import erf

    return block(anp, lambda t: 0.5 * t * (1 + erf(t * np.float32(0.5**0.5))), parameters, x)


def torch(torch: Any, parameters: Any, x: Any) -> Any:
    gamma, beta, w1, b1, w2, b2 = parameters
    f = torch.nn.functional
    y = x + f.gelu(f.layer_norm(x, (WIDTH,), gamma, beta, EPSILON) @ w1 + b1) @ w2 + b2
    return (y * y).mean()


def tensorflow(tf: Any, parameters: Any, x: Any) -> Any:
    gamma, beta, w1, b1, w2, b2 = parameters
    mean, variance = tf.nn.moments(x, axes=[-1], keepdims=True)
    normed = tf.nn.batch_normalization(x, mean, variance, beta, gamma, EPSILON)
    y = x + tf.nn.gelu(normed @ w1 + b1) @ w2 + b2
    return tf.reduce_mean(y * y)


WORKLOADS = (
    Workload(
        "gelu_block",
        "Layer norm and GELU block, {n} tokens of 256, hidden 1,024, float32",
        gradients(inputs, wrt=(0, 1), tapec=tapec, jax=jax, autograd=autograd, torch=torch, tensorflow=tensorflow),
        sizes=(512,),
        sweep=(32, 128),
        quick=8,
        unit="tokens",
        dtype="float32",
        tolerance=1e-3,
        cost=lambda n: Cost(bytes=4 * (4 * WIDTH * HIDDEN + 2 * n * WIDTH), flops=12 * n * WIDTH * HIDDEN),
        threaded=True,
        binds="six matrix products; what is between them should stay in cache",
    ),
)
