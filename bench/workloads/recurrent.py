"""An LSTM over a sequence: a chain of small matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.workload import Cost, Workload, gradients

BATCH, INPUTS, HIDDEN = 32, 64, 128


def inputs(steps: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    w = rng.normal(size=(INPUTS + HIDDEN, 4 * HIDDEN)) / np.sqrt(INPUTS + HIDDEN)
    return w, np.zeros(4 * HIDDEN), rng.normal(size=(steps, BATCH, INPUTS))


def cell(m: Any, sigmoid: Any, concatenate: Any, w: Any, b: Any, state: Any, x: Any) -> Any:
    h, c = state
    z = concatenate([x, h]) @ w + b
    i, f = sigmoid(z[:, :HIDDEN]), sigmoid(z[:, HIDDEN : 2 * HIDDEN])
    g, o = m.tanh(z[:, 2 * HIDDEN : 3 * HIDDEN]), sigmoid(z[:, 3 * HIDDEN :])
    c = f * c + i * g
    return o * m.tanh(c), c


def unrolled(m: Any, sigmoid: Any, concatenate: Any, mean: Any, w: Any, b: Any, xs: Any) -> Any:
    """The mean square of the last hidden state, by a Python loop."""
    h = c = m.zeros((BATCH, HIDDEN), dtype=xs.dtype)
    for t in range(xs.shape[0]):
        h, c = cell(m, sigmoid, concatenate, w, b, (h, c), xs[t])
    return mean(h * h)


def tapec_loop(np_: Any, w: Any, b: Any, xs: Any) -> Any:
    import tapec as tp

    return unrolled(np_, tp.nn.sigmoid, lambda parts: np_.concatenate(parts, axis=1), np_.mean, w, b, xs)


def tapec_scan(np_: Any, w: Any, b: Any, xs: Any) -> Any:
    import tapec as tp

    def step(state: Any, x: Any) -> Any:
        return cell(np_, tp.nn.sigmoid, lambda parts: np_.concatenate(parts, axis=1), w, b, state, x), None

    zeros = np_.zeros((BATCH, HIDDEN))
    (h, _), _ = tp.scan(step, (zeros, zeros), xs)
    return np_.mean(h * h)


def jax_loop(jnp: Any, w: Any, b: Any, xs: Any) -> Any:
    import jax

    return unrolled(jnp, jax.nn.sigmoid, lambda parts: jnp.concatenate(parts, axis=1), jnp.mean, w, b, xs)


def jax_scan(jnp: Any, w: Any, b: Any, xs: Any) -> Any:
    import jax

    def step(state: Any, x: Any) -> Any:
        return cell(jnp, jax.nn.sigmoid, lambda parts: jnp.concatenate(parts, axis=1), w, b, state, x), None

    zeros = jnp.zeros((BATCH, HIDDEN), dtype=xs.dtype)
    (h, _), _ = jax.lax.scan(step, (zeros, zeros), xs)
    return jnp.mean(h * h)


def autograd_loop(anp: Any, w: Any, b: Any, xs: Any) -> Any:
    def sigmoid(x: Any) -> Any:
        return 0.5 * (anp.tanh(0.5 * x) + 1.0)

    return unrolled(anp, sigmoid, lambda parts: anp.concatenate(parts, axis=1), anp.mean, w, b, xs)


def torch_loop(torch: Any, w: Any, b: Any, xs: Any) -> Any:
    return unrolled(torch, torch.sigmoid, lambda parts: torch.cat(parts, dim=1), torch.mean, w, b, xs)


def torch_scan(torch: Any, w: Any, b: Any, xs: Any) -> Any:
    """What `torch.nn.LSTM` calls, which has two biases, with the gates in the order of `cell`."""
    zeros = torch.zeros((1, BATCH, HIDDEN), dtype=xs.dtype)
    weights = [w[:INPUTS].T, w[INPUTS:].T, b, torch.zeros_like(b)]
    _, h, _ = torch.lstm(xs, (zeros, zeros), weights, True, 1, 0.0, False, False, False)
    return torch.mean(h * h)


def tensorflow_loop(tf: Any, w: Any, b: Any, xs: Any) -> Any:
    return unrolled(tf, tf.sigmoid, lambda parts: tf.concat(parts, axis=1), tf.reduce_mean, w, b, xs)


def tensorflow_while(tf: Any, w: Any, b: Any, xs: Any) -> Any:
    steps = xs.shape[0]

    def body(t: Any, h: Any, c: Any) -> Any:
        return t + 1, *cell(tf, tf.sigmoid, lambda parts: tf.concat(parts, axis=1), w, b, (h, c), xs[t])

    zeros = tf.zeros((BATCH, HIDDEN), dtype=xs.dtype)
    _, h, _ = tf.while_loop(lambda t, *_: t < steps, body, (0, zeros, zeros), maximum_iterations=steps)
    return tf.reduce_mean(h * h)


def cost(steps: int) -> Cost:
    return Cost(bytes=16 * steps * BATCH * INPUTS, flops=6 * steps * BATCH * (INPUTS + HIDDEN) * 4 * HIDDEN)


def lstm(name: str, written: str, sweep: tuple[int, ...], **losses: Any) -> Workload:
    return Workload(
        name,
        f"LSTM, {{n}} steps, 32 × 64 → 128, as {written}",
        gradients(inputs, wrt=(0, 1, 2), autograd=autograd_loop, **losses),
        sizes=(50,),
        sweep=sweep,
        quick=3,
        unit="steps",
        tolerance=1e-9,
        cost=cost,
        binds="matrix products of 32 × 192 × 512, one after the other",
    )


WORKLOADS = (
    lstm(
        "lstm_scan",
        "loop of the library",
        (10, 200),
        tapec=tapec_scan,
        jax=jax_scan,
        torch=torch_scan,
        tensorflow=tensorflow_while,
    ),
    lstm(
        "lstm_python",
        "Python loop",
        (10,),
        tapec=tapec_loop,
        jax=jax_loop,
        torch=torch_loop,
        tensorflow=tensorflow_loop,
    ),
)
