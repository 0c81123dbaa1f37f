"""Bundle adjustment with its sparse Jacobian, as ADBench defines it (github.com/microsoft/ADBench, MIT licence)."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.sparse import csr, products
from bench.workload import Call, Workload

CAMERA, POINT = 11, 3
COLUMNS = CAMERA + POINT + 1


def data(observations: int) -> tuple[np.ndarray, ...]:
    """Cameras, points and weights around ADBench's, and for each observation its camera, its point and its feature."""
    rng = np.random.default_rng(0)
    cameras, points = max(2, observations // 650), max(2, observations // 4)
    camera = np.array([-0.75, -1.1, -0.85, 34.5, 39.7, 53.9, 419.0, 5.9, -8.5, 0.088, 0.0027])
    point = np.array([7.2, 0.0, 3.0])
    return (
        camera * rng.uniform(0.95, 1.05, (cameras, CAMERA)),
        point + 0.1 * rng.normal(size=(points, POINT)),
        rng.uniform(0.3, 0.5, observations),
        np.arange(observations) % cameras,
        np.arange(observations) % points,
        rng.uniform(200.0, 800.0, (observations, 2)),
    )


def projected(m: Any, stack: Any, camera: Any, point: Any) -> Any:
    """Where cameras see points: (..., 11) and (..., 3) to (..., 2). Rotations that are exactly none do not occur."""
    r, center, focal, x0, kappa = (
        camera[..., 0:3],
        camera[..., 3:6],
        camera[..., 6:7],
        camera[..., 7:9],
        camera[..., 9:],
    )
    x = point - center
    theta = m.sqrt(r[..., 0:1] ** 2 + r[..., 1:2] ** 2 + r[..., 2:3] ** 2)
    v = r / theta
    v1, v2, v3, x1, x2, x3 = (a[..., i : i + 1] for a in (v, x) for i in range(3))
    crossed = stack([v2 * x3 - v3 * x2, v3 * x1 - v1 * x3, v1 * x2 - v2 * x1])
    cosine, along = m.cos(theta), v1 * x1 + v2 * x2 + v3 * x3
    y = x * cosine + crossed * m.sin(theta) + v * along * (1.0 - cosine)
    u = y[..., 0:2] / y[..., 2:3]
    rho = u[..., 0:1] ** 2 + u[..., 1:2] ** 2
    return focal * (u * (1.0 + kappa[..., 0:1] * rho + kappa[..., 1:2] * rho * rho)) + x0


def residual(m: Any, stack: Any, parameters: Any, feature: Any) -> Any:
    """Of observations with their 15 parameters each: (..., 15) to (..., 2)."""
    camera, point, weight = parameters[..., :CAMERA], parameters[..., CAMERA:-1], parameters[..., -1:]
    return weight * (projected(m, stack, camera, point) - feature)


def pattern(observations: int) -> Any:
    """Rows and columns of the blocks (observations, 2, 15) and of the weights, and the shape of the Jacobian."""
    cameras, points, _, camera, point, _ = data(observations)
    behind = cameras.size + points.size
    columns = np.concatenate(
        [
            CAMERA * camera[:, None] + np.arange(CAMERA),
            cameras.size + POINT * point[:, None] + np.arange(POINT),
            behind + np.arange(observations)[:, None],
        ],
        axis=1,
    )
    number = np.arange(observations)
    rows = np.broadcast_to(np.stack([2 * number, 2 * number + 1], 1)[:, :, None], (observations, 2, COLUMNS))
    columns = np.broadcast_to(columns[:, None], rows.shape)
    of_weights = np.stack([2 * observations + number, behind + number])
    where = np.concatenate([np.stack([rows.ravel(), columns.ravel()]), of_weights], axis=1)
    return where, (3 * observations, behind + observations)


def assembled(observations: int, entries: Any) -> Call:
    """The call that puts entries into a matrix.

    Args:
        observations: their number.
        entries: given the places of the entries in the order of CSR, the function of cameras, points and weights that
            gives them in that order.
    """
    (rows, columns), shape = pattern(observations)
    order, matrix = csr(rows, columns, shape)
    cameras, points, weights, *_ = data(observations)
    of = entries(order)
    return Call(lambda *parameters: matrix(of(*parameters)), (cameras, points, weights), products)


def of_blocks(blocks: Any, observations: int) -> Call:
    """The call that gathers and assembles by NumPy what a library differentiates."""
    *_, camera, point, features = data(observations)

    def entries(order: np.ndarray) -> Any:
        def run(cameras: np.ndarray, points: np.ndarray, weights: np.ndarray) -> Any:
            parameters = np.concatenate([cameras[camera], points[point], weights[:, None]], axis=1)
            return np.concatenate([blocks(parameters, features).ravel(), -2.0 * weights])[order]

        return run

    return assembled(observations, entries)


def tapec(_: Any, observations: int) -> Call:
    import tapec as tp

    cameras, points, weights, camera, point, features = data(observations)

    def residuals(cameras: Any, points: Any, weights: Any) -> Any:
        seen = projected(np, lambda parts: np.concatenate(parts, axis=-1), cameras[camera], points[point])
        return weights[:, None] * (seen - features), 1.0 - weights * weights

    return Call(tp.sparse_jacobian(residuals, argnums=(0, 1, 2)), (cameras, points, weights), products)


def jax(peer: Any, observations: int) -> Call:
    jax, jnp = peer.jax, peer.namespace
    camera, point, features = map(peer.array, data(observations)[3:])

    def one(parameters: Any, feature: Any) -> Any:
        return residual(jnp, lambda parts: jnp.concatenate(parts, axis=-1), parameters, feature)

    def entries(order: np.ndarray) -> Any:
        places = peer.array(order)

        @jax.jit
        def run(cameras: Any, points: Any, weights: Any) -> Any:
            parameters = jnp.concatenate([cameras[camera], points[point], weights[:, None]], axis=1)
            blocks = jax.vmap(jax.jacrev(one))(parameters, features)
            return jnp.concatenate([blocks.ravel(), -2.0 * weights])[places]

        return lambda *parameters: np.asarray(run(*parameters))

    return assembled(observations, entries)


def torch(peer: Any, observations: int) -> Call:
    torch = peer.torch

    def one(parameters: Any, feature: Any) -> Any:
        return residual(torch, lambda parts: torch.cat(parts, dim=-1), parameters, feature)

    blocks = peer.compile(torch.func.vmap(torch.func.jacrev(one)))
    return of_blocks(lambda *a: blocks(*map(torch.from_numpy, a)).numpy(), observations)


def tensorflow(peer: Any, observations: int) -> Call:
    tf = peer.tf
    camera, point, features = map(tf.constant, data(observations)[3:])

    def entries(order: np.ndarray) -> Any:
        places = tf.constant(order)

        @peer.compile
        def run(cameras: Any, points: Any, weights: Any) -> Any:
            of_observation = tf.gather(cameras, camera), tf.gather(points, point), weights[:, None]
            parameters = tf.concat(of_observation, axis=1)
            with tf.GradientTape() as tape:
                tape.watch(parameters)
                found = residual(tf, lambda parts: tf.concat(parts, axis=-1), parameters, features)
            blocks = tape.batch_jacobian(found, parameters)
            return tf.gather(tf.concat([tf.reshape(blocks, [-1]), -2.0 * weights], axis=0), places)

        return lambda *parameters: run(*map(tf.constant, parameters)).numpy()

    return assembled(observations, entries)


def autograd(peer: Any, observations: int) -> Call:
    anp = peer.namespace

    def component(parameters: Any, features: Any, i: int) -> Any:
        found = residual(anp, lambda parts: anp.concatenate(parts, axis=-1), parameters, features)
        return anp.sum(found[:, i])

    gradient = peer.autograd.grad(component)

    def blocks(parameters: np.ndarray, features: np.ndarray) -> np.ndarray:
        return np.stack([gradient(parameters, features, i) for i in range(2)], axis=1)

    return of_blocks(blocks, observations)


def limit(_: Any, observations: int) -> Call:
    from bench.limits.bundles import blocks

    return of_blocks(blocks, observations)


WORKLOADS = (
    Workload(
        "bundle_adjustment",
        "ADBench: bundle adjustment, {n} observations, sparse Jacobian (CSR)",
        {"tapec": tapec, "jax": jax, "torch": torch, "tensorflow": tensorflow, "autograd": autograd, "limit": limit},
        sizes=(31_843,),
        sweep=(1_000, 10_000),
        quick=50,
        unit="observations",
        tolerance=1e-9,
        binds="a 2 × 15 block for each observation, and putting it into place",
    ),
)
