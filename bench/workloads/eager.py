"""Op by op, with a tape: what each small operation costs, forward and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.workload import Builder, Call, Workload

SIZE = 8
ROUND = 10


def chain(m: Any, sources: Sequence[Any], _: Sequence[Any], ops: int) -> Any:
    """Ten operations of ten kinds in each round, and a sum."""
    x, w, b = sources
    for _ in range(ops // ROUND):
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


def chain_arrays(_: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(0)
    orthogonal = np.linalg.qr(rng.normal(size=(SIZE, SIZE)))[0]
    return [0.3 * rng.normal(size=(SIZE, SIZE)), orthogonal, 0.3 * rng.normal(size=SIZE)], []


def layers(m: Any, sources: Sequence[Any], data: Sequence[Any], _: int) -> Any:
    """Two layers and a squared error: nine operations."""
    (w1, b1, w2, b2), (x, y) = sources, data
    d = m.tanh(x @ w1 + b1) @ w2 + b2 - y
    return m.mean(d * d)


def layers_arrays(examples: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(0)
    weights = [0.3 * rng.normal(size=(10, 16)), np.zeros(16), 0.3 * rng.normal(size=(16, 1)), np.zeros(1)]
    return weights, [rng.normal(size=(examples, 10)), rng.normal(size=(examples, 1))]


Program = Callable[[Any, Sequence[Any], Sequence[Any], int], Any]
Arrays = Callable[[int], tuple[list[np.ndarray], list[np.ndarray]]]


def builders(program: Program, arrays: Arrays) -> dict[str, Builder | None]:
    """The program's value and its gradients by the sources, as each library's users write it without compiling."""

    def given(size: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        sources, data = arrays(size)
        return [a.astype(np.float32) for a in sources], [a.astype(np.float32) for a in data]

    def tapec(_: Any, size: int) -> Call:
        import tapec as tp

        m = SimpleNamespace(tanh=np.tanh, sin=np.sin, relu=tp.nn.relu, exp=np.exp, sum=np.sum, mean=np.mean)
        sources, data = given(size)
        variables, constants = [tp.Variable(a) for a in sources], [tp.constant(a) for a in data]

        def run() -> Any:
            with tp.GradientTape() as tape:
                loss = program(m, variables, constants, size)
            return loss, tape.gradient(loss, variables)

        return Call(run)

    def tensorflow(peer: Any, size: int) -> Call:
        tf = peer.tf
        m = SimpleNamespace(
            tanh=tf.tanh, sin=tf.sin, relu=tf.nn.relu, exp=tf.exp, sum=tf.reduce_sum, mean=tf.reduce_mean
        )
        sources, data = given(size)
        variables, constants = [tf.Variable(a) for a in sources], [tf.constant(a) for a in data]

        def run() -> Any:
            with tf.GradientTape() as tape:
                loss = program(m, variables, constants, size)
            return loss, tape.gradient(loss, variables)

        return Call(run)

    def torch(peer: Any, size: int) -> Call:
        torch = peer.torch
        sources, data = given(size)
        tensors, constants = [torch.tensor(a, requires_grad=True) for a in sources], [torch.tensor(a) for a in data]

        def run() -> Any:
            loss = program(torch, tensors, constants, size)
            return loss, torch.autograd.grad(loss, tensors)

        return Call(run)

    def autograd(peer: Any, size: int) -> Call:
        anp = peer.namespace
        m = SimpleNamespace(
            tanh=anp.tanh, sin=anp.sin, relu=lambda x: anp.maximum(x, 0.0), exp=anp.exp, sum=anp.sum, mean=anp.mean
        )
        sources, data = given(size)
        return Call(peer.autograd.value_and_grad(lambda s: program(m, s, data, size)), (sources,))

    def jax(peer: Any, size: int) -> Call:
        jnp = peer.namespace
        m = SimpleNamespace(tanh=jnp.tanh, sin=jnp.sin, relu=peer.jax.nn.relu, exp=jnp.exp, sum=jnp.sum, mean=jnp.mean)
        sources, data = peer.jax.tree.map(peer.array, given(size))
        differentiated = peer.jax.value_and_grad(lambda s: program(m, s, data, size))
        return Call(lambda s: peer.jax.block_until_ready(differentiated(s)), (sources,))

    return {
        "tapec": tapec,
        "jax": jax,
        "torch": torch,
        "tensorflow": tensorflow,
        "autograd": autograd,
        "torch.compile": None,
        "tf+xla": None,
    }


BINDS = "Python: recording an operation and calling its kernel"

WORKLOADS = (
    Workload(
        "eager",
        "Eager tape, {n} operations on 8 × 8 float32 arrays, without compilation",
        builders(chain, chain_arrays),
        sizes=(200,),
        sweep=(20, 2_000),
        quick=20,
        unit="ops",
        tolerance=1e-3,
        binds=BINDS,
    ),
    Workload(
        "eager_layers",
        "Eager tape, two layers of 16 and 1 on {n} examples, float32, without compilation",
        builders(layers, layers_arrays),
        sizes=(32,),
        quick=2,
        unit="examples",
        tolerance=1e-3,
        binds=BINDS,
    ),
)
