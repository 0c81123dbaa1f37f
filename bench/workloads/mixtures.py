"""Log-likelihood of a Gaussian mixture, as ADBench defines it (github.com/microsoft/ADBench, MIT licence)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bench.workload import Cost, Workload, gradients

PI, GAMMA, WISHART = 3.14159265359, 1.0, 0


def data(dimension: int, components: int) -> Any:
    """Of so many points: weights, means, and factors of inverse covariances; the points."""

    def inputs(n: int) -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng(0)
        triangle = dimension * (dimension + 1) // 2
        return (
            rng.normal(size=components),
            rng.random((components, dimension)),
            rng.normal(size=(components, triangle)),
            rng.normal(size=(n, dimension)),
        )

    return inputs


def places(dimension: int) -> np.ndarray:
    """Where each element of the lower triangle lies in (0, logarithms of the diagonal, rest by columns)."""
    found = np.zeros((dimension, dimension), np.int64)
    found[np.diag_indices(dimension)] = 1 + np.arange(dimension)
    columns, rows = np.triu_indices(dimension, 1)
    found[rows, columns] = 1 + dimension + np.arange(rows.size)
    return found


def constant(n: int, dimension: int, components: int) -> float:
    """What depends on no parameter."""
    nu = dimension + WISHART + 1
    log_gamma = 0.25 * dimension * (dimension - 1) * math.log(PI)
    log_gamma += sum(math.lgamma(0.5 * nu + 0.5 * (1 - j)) for j in range(1, dimension + 1))
    scale = nu * dimension * (math.log(GAMMA) - 0.5 * math.log(2)) - log_gamma
    return -0.5 * n * dimension * math.log(2 * PI) - components * scale


def likelihood(m: Any, logsumexp: Any, concatenate: Any, take: Any, alphas: Any, means: Any, icf: Any, x: Any) -> Any:
    n, dimension = x.shape
    components = means.shape[0]
    logs, rest = icf[:, :dimension], icf[:, dimension:]
    diagonal, sums = m.exp(logs), logs.sum(1)
    table = concatenate([m.zeros((components, 1), dtype=x.dtype), diagonal, rest], 1)
    factors = take(table, places(dimension))
    z = (x[None] - means[:, None]) @ m.swapaxes(factors, 1, 2)
    main = (alphas + sums)[:, None] - 0.5 * (z * z).sum(2)
    prior = 0.5 * GAMMA**2 * ((diagonal * diagonal).sum() + (rest * rest).sum()) - WISHART * sums.sum()
    value = logsumexp(main, 0).sum() - n * logsumexp(alphas, 0)
    return value + prior + constant(n, dimension, components)


def index(table: Any, at: np.ndarray) -> Any:
    return table[:, at]


def tapec(np_: Any, *inputs: Any) -> Any:
    import tapec as tp

    return likelihood(np_, tp.nn.logsumexp, np_.concatenate, index, *inputs)


def jax(jnp: Any, *inputs: Any) -> Any:
    from jax.nn import logsumexp

    return likelihood(jnp, logsumexp, jnp.concatenate, index, *inputs)


def torch(torch: Any, *inputs: Any) -> Any:
    def take(table: Any, at: np.ndarray) -> Any:
        return table[:, torch.from_numpy(at)]

    return likelihood(torch, torch.logsumexp, torch.cat, take, *inputs)


def autograd(anp: Any, alphas: Any, means: Any, icf: Any, x: Any) -> Any:
    from autograd.scipy.special import logsumexp

    n, dimension = x.shape
    components = means.shape[0]
    logs, rest = icf[:, :dimension], icf[:, dimension:]
    diagonal, sums = anp.exp(logs), anp.sum(logs, 1)
    factors = anp.concatenate([np.zeros((components, 1)), diagonal, rest], 1)[:, places(dimension)]
    z = anp.matmul(x[None] - means[:, None], anp.swapaxes(factors, 1, 2))
    main = (alphas + sums)[:, None] - 0.5 * anp.sum(z * z, 2)
    prior = 0.5 * GAMMA**2 * (anp.sum(diagonal * diagonal) + anp.sum(rest * rest)) - WISHART * anp.sum(sums)
    value = anp.sum(logsumexp(main, 0)) - n * logsumexp(alphas, 0)
    return value + prior + constant(n, dimension, components)


def tensorflow(tf: Any, alphas: Any, means: Any, icf: Any, x: Any) -> Any:
    n, dimension = x.shape
    components = means.shape[0]
    logs, rest = icf[:, :dimension], icf[:, dimension:]
    diagonal, sums = tf.exp(logs), tf.reduce_sum(logs, 1)
    table = tf.concat([tf.zeros((components, 1), dtype=x.dtype), diagonal, rest], 1)
    factors = tf.gather(table, places(dimension), axis=1)
    z = tf.matmul(x[None] - means[:, None], factors, transpose_b=True)
    main = (alphas + sums)[:, None] - 0.5 * tf.reduce_sum(z * z, 2)
    prior = 0.5 * GAMMA**2 * (tf.reduce_sum(diagonal * diagonal) + tf.reduce_sum(rest * rest))
    prior -= WISHART * tf.reduce_sum(sums)
    value = tf.reduce_sum(tf.reduce_logsumexp(main, 0)) - n * tf.reduce_logsumexp(alphas, 0)
    return value + prior + constant(n, dimension, components)


def of(dimension: int, components: int, sizes: tuple[int, ...], binds: str) -> Workload:
    return Workload(
        f"gmm_d{dimension}",
        f"ADBench: mixture of {components} Gaussians in {dimension} dimensions, {{n}} points",
        gradients(
            data(dimension, components),
            wrt=(0, 1, 2),
            tapec=tapec,
            jax=jax,
            torch=torch,
            autograd=autograd,
            tensorflow=tensorflow,
        ),
        sizes=sizes,
        quick=20,
        unit="points",
        tolerance=1e-8,
        cost=lambda n: Cost(bytes=8 * n * dimension, flops=6 * n * components * dimension**2),
        binds=binds,
    )


WORKLOADS = (
    of(2, 5, (1_000,), "an exponential for each point and component, and the call"),
    of(10, 25, (1_000, 10_000), "products with 10 × 10 triangles, and an exponential for each point and component"),
    of(64, 25, (1_000,), "products with 64 × 64 triangles"),
)
