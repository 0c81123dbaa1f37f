"""Black-Scholes prices of many options, with their sensitivities: arithmetic, and several arrays through memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.workload import Call, Cost, Workload, gradients

ARRAYS = 5


def options(n: int) -> tuple[np.ndarray, ...]:
    """Spot, strike, volatility, time to expiry, rate."""
    rng = np.random.default_rng(0)
    bounds = ((80.0, 120.0), (80.0, 120.0), (0.1, 0.6), (0.1, 2.0), (0.0, 0.06))
    return tuple(rng.uniform(low, high, n) for low, high in bounds)


def prices(m: Any, cdf: Any, s: Any, k: Any, v: Any, t: Any, r: Any) -> Any:
    root = v * m.sqrt(t)
    d1 = (m.log(s / k) + (r + 0.5 * v * v) * t) / root
    return s * cdf(d1) - k * m.exp(-r * t) * cdf(d1 - root)


def tapec(np_: Any, *inputs: Any) -> Any:
    import tapec as tp

    def cdf(x: Any) -> Any:
        return 0.5 * (1.0 + tp.nn.erf(x * np.sqrt(0.5)))

    return np_.sum(prices(np_, cdf, *inputs))


def jax(jnp: Any, *inputs: Any) -> Any:
    from jax.lax import erf

    # An eighth faster than jax.scipy.stats.norm.cdf, which is exact far out too.
    return jnp.sum(prices(jnp, lambda x: 0.5 * (1.0 + erf(x * np.sqrt(0.5))), *inputs))


def autograd(anp: Any, *inputs: Any) -> Any:
    from autograd.scipy.stats import norm

    return anp.sum(prices(anp, norm.cdf, *inputs))


def torch(torch: Any, *inputs: Any) -> Any:
    return prices(torch, torch.special.ndtr, *inputs).sum()


def tensorflow(tf: Any, s: Any, k: Any, v: Any, t: Any, r: Any) -> Any:
    def cdf(x: Any) -> Any:
        return 0.5 * (1.0 + tf.math.erf(x * np.sqrt(0.5)))

    root = v * tf.sqrt(t)
    d1 = (tf.math.log(s / k) + (r + 0.5 * v * v) * t) / root
    return tf.reduce_sum(s * cdf(d1) - k * tf.exp(-r * t) * cdf(d1 - root))


def limit(n: int) -> Call:
    from bench.limits.native import black_scholes

    return Call(black_scholes, options(n))


def of_deltas(loss: Any, grad_of: Any) -> Any:
    """Builder of the sum of all deltas and its gradient by spot: second derivatives.

    Args:
        loss: the sum of prices.
        grad_of: gives the peer's function that makes gradients.
    """

    def build(peer: Any, n: int) -> Call:
        def deltas(m: Any, *inputs: Any) -> Any:
            return m.sum(grad_of(peer)(lambda *a: loss(m, *a))(*inputs))

        return peer.value_and_grad(deltas, options(n), (0,), False)

    return build


def torch_deltas(torch_: Any, s: Any, *rest: Any) -> Any:
    (found,) = torch_.autograd.grad(torch(torch_, s, *rest), s, create_graph=True)
    return found.sum()


def tensorflow_deltas(tf: Any, s: Any, *rest: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(s)
        value = tensorflow(tf, s, *rest)
    return tf.reduce_sum(tape.gradient(value, s))


WORKLOADS = (
    Workload(
        "black_scholes",
        "Black-Scholes, {n} options: price, delta, vega, theta, rho, and by strike",
        gradients(
            options,
            wrt=tuple(range(ARRAYS)),
            tapec=tapec,
            jax=jax,
            autograd=autograd,
            torch=torch,
            tensorflow=tensorflow,
            limit=limit,
        ),
        sizes=(1_000_000,),
        sweep=(1_000, 10_000, 100_000),
        quick=1_000,
        tolerance=1e-9,
        cost=lambda n: Cost(bytes=16 * ARRAYS * n),
        threaded=True,
        binds="two error functions, two exponentials, a logarithm and a root for each option; then memory",
    ),
    Workload(
        "black_scholes_gamma",
        "Black-Scholes, {n} options: delta and gamma, a second derivative",
        gradients(options, torch=torch_deltas, tensorflow=tensorflow_deltas)
        | {
            "tapec": of_deltas(tapec, lambda peer: peer.tp.grad),
            "jax": of_deltas(jax, lambda peer: peer.jax.grad),
            "autograd": of_deltas(autograd, lambda peer: peer.autograd.grad),
        },
        sizes=(1_000_000,),
        quick=1_000,
        tolerance=1e-9,
        cost=lambda n: Cost(bytes=8 * (ARRAYS + 1) * n),
        binds="an error function, exponentials, a logarithm and a root for each option; then memory",
    ),
)
