"""A loop with many scalar carries, each of which has a formula of its own: what a loop costs beside its arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.workload import Call, Workload, gradients

CARRIES = 60


def inputs(steps: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.uniform(-1.0, 1.0, CARRIES), rng.uniform(0.0, 1.0, steps)


def advanced(m: Any, carry: Any, x: Any) -> Any:
    """Each relaxes towards a function of its neighbour and of what comes in."""
    functions = (m.sin, m.cos, m.tanh)
    n = len(carry)
    return tuple(
        c + 0.1 * (functions[i % 3](carry[(i + 1) % n]) * x - c / (1.0 + 0.1 * i)) for i, c in enumerate(carry)
    )


def tapec(np_: Any, start: Any, xs: Any) -> Any:
    import tapec as tp

    carry = tuple(start[i] for i in range(CARRIES))
    last, _ = tp.scan(lambda carry, x: (advanced(np_, carry, x), None), carry, xs)
    return sum(c * c for c in last)


def jax(jnp: Any, start: Any, xs: Any) -> Any:
    import jax

    carry = tuple(start[i] for i in range(CARRIES))
    last, _ = jax.lax.scan(lambda carry, x: (advanced(jnp, carry, x), None), carry, xs)
    return sum(c * c for c in last)


def tensorflow(tf: Any, start: Any, xs: Any) -> Any:
    steps = xs.shape[0]

    def body(t: Any, *carry: Any) -> Any:
        return t + 1, *advanced(tf, carry, xs[t])

    state = (tf.constant(0), *tf.unstack(start))
    _, *last = tf.while_loop(lambda t, *_: t < steps, body, state, maximum_iterations=steps)
    return tf.add_n([c * c for c in last])


def vector_loop(m: Any, start: Any, xs: Any, roll: Any, stack: Any, weights: Any) -> Any:
    """For libraries without such loops: a Python loop over one array, which is the best that can be done there."""
    c = start
    for t in range(xs.shape[0]):
        near = roll(c)
        mixed = stack([m.sin(near[0::3]), m.cos(near[1::3]), m.tanh(near[2::3])])
        c = c + 0.1 * (mixed * xs[t] - c / weights)
    return m.sum(c * c)


def torch(torch: Any, start: Any, xs: Any) -> Any:
    weights = 1.0 + 0.1 * torch.arange(CARRIES, dtype=start.dtype)
    return vector_loop(
        torch, start, xs, lambda c: torch.roll(c, -1), lambda parts: torch.stack(parts, dim=1).reshape(-1), weights
    )


def autograd(anp: Any, start: Any, xs: Any) -> Any:
    def stack(parts: Any) -> Any:
        return anp.reshape(anp.stack(parts, axis=1), (CARRIES,))

    weights = 1.0 + 0.1 * np.arange(CARRIES)
    return vector_loop(anp, start, xs, lambda c: anp.concatenate((c[1:], c[:1])), stack, weights)


def limit(steps: int) -> Call:
    from bench.limits.carries import relaxation

    return Call(relaxation, inputs(steps))


WORKLOADS = (
    Workload(
        "carries",
        "Loop with 60 scalar carries, {n} steps",
        gradients(
            inputs,
            wrt=(0, 1),
            tapec=tapec,
            jax=jax,
            tensorflow=tensorflow,
            torch=torch,
            autograd=autograd,
            limit=limit,
        ),
        sizes=(614,),
        sweep=(10, 100),
        quick=10,
        unit="steps",
        tolerance=1e-9,
        binds="60 sines, cosines and tangents a step, forward and back",
    ),
)
