"""Op by op, with a tape: what each small operation costs, forward and back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.workload import Call, Workload

SIZE = 8
ROUND = 10


def chain(x: Any, w: Any, b: Any, m: Any, rounds: int) -> Any:
    """Ten operations of ten kinds in each round, and a sum."""
    for _ in range(rounds):
        x = x @ w
        x = x + b
        x = m.tanh(x)
        x = x * 1.5
        x = m.sin(x)
        x = m.relu(x)
        x = x - b
        x = m.exp(x)
        x = x / 2.0
        x = x * w
    return m.sum(x)


def arrays() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    orthogonal = np.linalg.qr(rng.normal(size=(SIZE, SIZE)))[0]
    found = (0.3 * rng.normal(size=(SIZE, SIZE)), orthogonal, 0.3 * rng.normal(size=SIZE))
    return [a.astype(np.float32) for a in found]


def tapec(_: Any, ops: int) -> Call:
    import tapec as tp

    m = SimpleNamespace(tanh=np.tanh, sin=np.sin, relu=tp.nn.relu, exp=np.exp, sum=np.sum)
    sources = [tp.Variable(a) for a in arrays()]

    def run() -> Any:
        with tp.GradientTape() as tape:
            loss = chain(*sources, m, ops // ROUND)
        return loss, tape.gradient(loss, sources)

    return Call(run)


def tensorflow(peer: Any, ops: int) -> Call:
    tf = peer.tf
    m = SimpleNamespace(tanh=tf.tanh, sin=tf.sin, relu=tf.nn.relu, exp=tf.exp, sum=tf.reduce_sum)
    sources = [tf.Variable(a) for a in arrays()]

    def run() -> Any:
        with tf.GradientTape() as tape:
            loss = chain(*sources, m, ops // ROUND)
        return loss, tape.gradient(loss, sources)

    return Call(run)


def torch(peer: Any, ops: int) -> Call:
    torch = peer.torch
    sources = [torch.tensor(a, requires_grad=True) for a in arrays()]

    def run() -> Any:
        loss = chain(*sources, torch, ops // ROUND)
        return loss, torch.autograd.grad(loss, sources)

    return Call(run)


def autograd(peer: Any, ops: int) -> Call:
    anp = peer.namespace
    m = SimpleNamespace(tanh=anp.tanh, sin=anp.sin, relu=lambda x: anp.maximum(x, 0.0), exp=anp.exp, sum=anp.sum)
    return Call(peer.autograd.value_and_grad(lambda sources: chain(*sources, m, ops // ROUND)), (arrays(),))


def jax(peer: Any, ops: int) -> Call:
    jnp = peer.namespace
    m = SimpleNamespace(tanh=jnp.tanh, sin=jnp.sin, relu=peer.jax.nn.relu, exp=jnp.exp, sum=jnp.sum)
    differentiated = peer.jax.value_and_grad(lambda sources: chain(*sources, m, ops // ROUND))

    def ready(sources: Any) -> Any:
        return peer.jax.block_until_ready(differentiated(sources))

    return Call(ready, (peer.jax.tree.map(peer.array, arrays()),))


WORKLOADS = (
    Workload(
        "eager",
        "Eager tape, {n} operations on 8 × 8 float32 arrays, without compilation",
        {
            "tapec": tapec,
            "jax": jax,
            "torch": torch,
            "tensorflow": tensorflow,
            "autograd": autograd,
            "torch.compile": None,
            "tf+xla": None,
        },
        sizes=(200,),
        sweep=(20, 2_000),
        quick=20,
        unit="ops",
        tolerance=1e-3,
        binds="Python: recording an operation and calling its kernel",
    ),
)
