"""Stencils on grids: the heat equation in many steps, and a nonlinear equation's sparse Jacobian."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.sparse import csr, products
from bench.workload import Call, Cost, Workload, gradients_by_size

SIDE, STEP, LAMBDA = 256, 0.2, 6.0


def field(_: int) -> tuple[np.ndarray, np.ndarray]:
    """Temperature and conductivity."""
    rng = np.random.default_rng(0)
    return rng.random((SIDE, SIDE)), rng.uniform(0.5, 1.0, (SIDE, SIDE))


def laplacian(u: Any) -> Any:
    """At inner points."""
    return u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]


def diffused(pad: Any, u: Any, k: Any) -> Any:
    return u + pad(STEP * k[1:-1, 1:-1] * laplacian(u))


def heat_loop(pad: Any) -> Any:
    def of(steps: int) -> Any:
        def loss(m: Any, u: Any, k: Any) -> Any:
            for _ in range(steps):
                u = diffused(pad(m), u, k)
            return m.sum(u * u)

        return loss

    return of


def heat_tapec(steps: int) -> Any:
    def loss(np_: Any, u: Any, k: Any) -> Any:
        import tapec as tp

        u = tp.fori_loop(0, steps, lambda _, u: diffused(lambda x: np_.pad(x, 1), u, k), u)
        return np_.sum(u * u)

    return loss


def heat_jax(steps: int) -> Any:
    def loss(jnp: Any, u: Any, k: Any) -> Any:
        import jax

        u, _ = jax.lax.scan(lambda u, _: (diffused(lambda x: jnp.pad(x, 1), u, k), None), u, None, length=steps)
        return jnp.sum(u * u)

    return loss


def heat_tensorflow(steps: int) -> Any:
    def loss(tf: Any, u: Any, k: Any) -> Any:
        def body(i: Any, u: Any) -> Any:
            return i + 1, diffused(lambda x: tf.pad(x, [[1, 1], [1, 1]]), u, k)

        _, u = tf.while_loop(lambda i, _: i < steps, body, (tf.constant(0), u), maximum_iterations=steps)
        return tf.reduce_sum(u * u)

    return loss


def torch_pad(torch: Any) -> Any:
    return lambda x: torch.nn.functional.pad(x, (1, 1, 1, 1))


def autograd_pad(anp: Any) -> Any:
    return lambda x: anp.pad(x, 1, "constant")


def heat_limit(steps: int) -> Call:
    from bench.limits.grids import heat

    return Call(heat, (*field(steps), steps))


def solution(side: int) -> np.ndarray:
    return np.random.default_rng(0).random((side, side))


def bratu(pad: Any, exp: Any, u: Any) -> Any:
    """Residuals of Δu + λ exp(u) = 0 on a square with zeros around it."""
    spacing = 1.0 / (u.shape[-1] + 1)
    return laplacian(pad(u)) / spacing**2 + LAMBDA * exp(u)


def stencil(side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colours of the five-point stencil's columns, which are known, and rows and columns of the Jacobian by CSR."""
    i, j = np.divmod(np.arange(side * side), side)
    rows, columns = [], []
    for di, dj in ((-1, 0), (0, -1), (0, 0), (0, 1), (1, 0)):
        inside = (i + di >= 0) & (i + di < side) & (j + dj >= 0) & (j + dj < side)
        rows.append(np.flatnonzero(inside))
        columns.append((i + di)[inside] * side + (j + dj)[inside])
    return (i + 2 * j) % 5, np.concatenate(rows), np.concatenate(columns)


def of_entries(side: int, entries: Any) -> Call:
    """The Jacobian from its products with five vectors, as users do where a library has no sparse derivatives.

    Args:
        side: of the grid.
        entries: given the vectors, of shape (5, side, side), and the places of the matrix's entries among the elements
            of the products, the function of u that gives these entries.
    """
    colors, rows, columns = stencil(side)
    order, matrix = csr(rows, columns, (side**2, side**2))
    places = (colors[columns] * side**2 + rows)[order]
    seeds = (colors == np.arange(5)[:, None]).astype(np.float64).reshape(5, side, side)
    of = entries(seeds, places)
    return Call(lambda u: matrix(of(u)), (solution(side),), products)


def of_products(pushed: Any, side: int) -> Call:
    """The same where NumPy picks the entries out of the products that `pushed(u, vectors)` gives."""
    return of_entries(side, lambda seeds, places: lambda u: pushed(u, seeds).ravel()[places])


def bratu_tapec(_: Any, side: int) -> Call:
    import tapec as tp

    jacobian = tp.sparse_jacobian(lambda u: bratu(lambda x: np.pad(x, 1), np.exp, u))
    return Call(jacobian, (solution(side),), products)


def bratu_jax(peer: Any, side: int) -> Call:
    jax, jnp = peer.jax, peer.namespace

    def entries(seeds: np.ndarray, places: np.ndarray) -> Any:
        there, at = peer.array(seeds), peer.array(places)

        @jax.jit
        def run(u: Any) -> Any:
            _, push = jax.linearize(lambda v: bratu(lambda x: jnp.pad(x, 1), jnp.exp, v), u)
            return jax.vmap(push)(there).ravel()[at]

        return lambda u: np.asarray(run(u))

    return of_entries(side, entries)


def bratu_torch(peer: Any, side: int) -> Call:
    torch = peer.torch

    @peer.compile
    def pushed(u: Any, seeds: Any) -> Any:
        def f(v: Any) -> Any:
            return bratu(torch_pad(torch), torch.exp, v)

        return torch.func.vmap(lambda seed: torch.func.jvp(f, (u,), (seed,))[1])(seeds)

    return of_products(lambda u, seeds: pushed(torch.from_numpy(u), torch.from_numpy(seeds)).numpy(), side)


def bratu_tensorflow(peer: Any, side: int) -> Call:
    tf = peer.tf

    def entries(seeds: np.ndarray, places: np.ndarray) -> Any:
        there, at = tf.constant(seeds), tf.constant(places)

        @peer.compile
        def run(u: Any) -> Any:
            def of(seed: Any) -> Any:
                with tf.autodiff.ForwardAccumulator(u, seed) as forward:
                    found = bratu(lambda x: tf.pad(x, [[1, 1], [1, 1]]), tf.exp, u)
                return forward.jvp(found)

            return tf.gather(tf.reshape(tf.stack([of(there[i]) for i in range(5)]), [-1]), at)

        return lambda u: run(tf.constant(u)).numpy()

    return of_entries(side, entries)


def bratu_autograd(peer: Any, side: int) -> Call:
    anp = peer.namespace
    pullback = peer.autograd.make_vjp(lambda u: bratu(autograd_pad(anp), anp.exp, u))

    def pushed(u: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        back, _ = pullback(u)  # the Jacobian is symmetric
        return np.stack([back(seed) for seed in seeds])

    return of_products(pushed, side)


def bratu_limit(_: Any, side: int) -> Call:
    from bench.limits.grids import bratu_jacobian

    return Call(bratu_jacobian, (solution(side), LAMBDA), products)


WORKLOADS = (
    Workload(
        "heat",
        "Heat equation, explicit, 256 × 256, {n} steps, by temperature and conductivity",
        gradients_by_size(
            field,
            wrt=(0, 1),
            tapec=heat_tapec,
            jax=heat_jax,
            torch=heat_loop(torch_pad),
            tensorflow=heat_tensorflow,
            autograd=heat_loop(autograd_pad),
            limit=heat_limit,
        ),
        sizes=(100,),
        sweep=(10, 1_000),
        quick=3,
        unit="steps",
        tolerance=1e-9,
        cost=lambda n: Cost(bytes=8 * SIDE**2 * 2 * n),
        threaded=True,
        binds="cache and memory: each step's field is written, and read again on the way back",
    ),
    Workload(
        "bratu",
        "Bratu's equation, {n} × {n}, sparse Jacobian (CSR)",
        {
            "tapec": bratu_tapec,
            "jax": bratu_jax,
            "torch": bratu_torch,
            "tensorflow": bratu_tensorflow,
            "autograd": bratu_autograd,
            "limit": bratu_limit,
        },
        sizes=(256,),
        sweep=(64, 128),
        quick=8,
        unit="side",
        tolerance=1e-9,
        cost=lambda n: Cost(bytes=8 * 6 * n**2),
        threaded=True,
        binds="memory: five entries for each point, in the order of the matrix",
    ),
)
