"""Eager gradients of small arrays: forward and backward time per op, beside TensorFlow, PyTorch and HIPS autograd.

    python -m bench.eager_tape [--peers PYTHON]

Each library runs in a process of its own, by turns, so that all see the same machine; PYTHON is an interpreter that
has the peers, if this one does not. Times are wall time of one gradient, the best of many, after a warm-up; what is
compiled or cached by then is so. Libraries get one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np

SIZE, ROUNDS = 8, 20
OPS = ROUNDS * 10
LIBRARIES = ("tapec", "torch", "tensorflow", "autograd")


def chain(x, w, b, m):
    """Two hundred ops of ten kinds on 8 x 8 arrays, and a sum."""
    for _ in range(ROUNDS):
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


def mlp(w1, b1, w2, b2, x, y, m):
    """Two layers and a squared error, on 32 examples: nine ops."""
    h = m.tanh(x @ w1 + b1)
    d = h @ w2 + b2 - y
    return m.mean(d * d)


def arrays():
    """What all libraries get."""
    rng = np.random.default_rng(0)

    def normal(*shape, scale=0.3):
        return (scale * rng.normal(size=shape)).astype(np.float32)

    orthogonal = np.linalg.qr(rng.normal(size=(SIZE, SIZE)))[0].astype(np.float32)
    return (normal(SIZE, SIZE), orthogonal, normal(SIZE)), (normal(10, 16), np.zeros(16, np.float32), normal(16, 1),
            np.zeros(1, np.float32), normal(32, 10, scale=1.0), normal(32, 1, scale=1.0))  # fmt: skip


class Names:
    """The functions that the programs use."""

    def __init__(self, **functions):
        self.__dict__.update(functions)


def tapec_gradients():
    import tapec as tp

    m = Names(tanh=np.tanh, sin=np.sin, relu=tp.nn.relu, exp=np.exp, sum=np.sum, mean=np.mean)

    def gradient(program, sources, *rest):
        variables = [tp.Variable(s) for s in sources]
        data = [tp.constant(r) for r in rest]

        def run():
            with tp.GradientTape() as tape:
                loss = program(*variables, *data, m)
            return tape.gradient(loss, variables)

        return run

    return gradient


def torch_gradients():
    import torch

    torch.set_num_threads(1)

    def gradient(program, sources, *rest):
        leaves = [torch.tensor(s, requires_grad=True) for s in sources]
        data = [torch.tensor(r) for r in rest]
        return lambda: torch.autograd.grad(program(*leaves, *data, torch), leaves)

    return gradient


def tensorflow_gradients():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    m = Names(tanh=tf.tanh, sin=tf.sin, relu=tf.nn.relu, exp=tf.exp, sum=tf.reduce_sum, mean=tf.reduce_mean)

    def gradient(program, sources, *rest):
        variables = [tf.Variable(s) for s in sources]
        data = [tf.constant(r) for r in rest]

        def run():
            with tf.GradientTape() as tape:
                loss = program(*variables, *data, m)
            return tape.gradient(loss, variables)

        return run

    return gradient


def autograd_gradients():
    import autograd
    import autograd.numpy as anp

    m = Names(tanh=anp.tanh, sin=anp.sin, relu=lambda x: anp.maximum(x, 0.0), exp=anp.exp, sum=anp.sum, mean=anp.mean)

    def gradient(program, sources, *rest):
        differentiated = autograd.grad(lambda sources: program(*sources, *rest, m))
        return lambda: differentiated(tuple(sources))

    return gradient


def measure(library):
    """Seconds for one gradient of each program, and a sum that shows that all compute the same."""
    gradient = globals()[f"{library}_gradients"]()
    sources, (w1, b1, w2, b2, x, y) = arrays()
    programs = {"chain": gradient(chain, sources), "mlp": gradient(mlp, (w1, b1, w2, b2), x, y)}
    found = {}
    for name, run in programs.items():
        end = time.perf_counter() + 1.5
        while time.perf_counter() < end:  # long enough for tapec to compile
            result = run()
        best = float("inf")
        for _ in range(60):
            start = time.perf_counter()
            for _ in range(5):
                run()
            best = min(best, (time.perf_counter() - start) / 5)
        found[name] = [best, float(np.sum(np.asarray(result[0])))]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default=sys.executable, help="an interpreter that has the peers")
    parser.add_argument("--worker", choices=LIBRARIES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measure(options.worker)))
        return
    best = {}
    for _ in range(3):
        for library in LIBRARIES:
            python = sys.executable if library == "tapec" else options.peers
            command = [python, "-m", "bench.eager_tape", "--worker", library]
            ran = subprocess.run(
                command, capture_output=True, text=True,
                                 env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                                 check=False)  # fmt: skip
            if ran.returncode:
                print(f"{library}: {ran.stderr.strip().splitlines()[-1]}")
                continue
            for name, (seconds, total) in json.loads(ran.stdout.splitlines()[-1]).items():
                known = best.setdefault((name, library), (seconds, total))
                best[name, library] = min(known, (seconds, total))
    print(f"{'library':12} {'chain of 200: us per op':>26} {'two layers: us':>18}")
    for library in LIBRARIES:
        if ("chain", library) in best:
            print(f"{library:12} {best['chain', library][0] / OPS * 1e6:26.2f} {best['mlp', library][0] * 1e6:18.1f}")


if __name__ == "__main__":
    main()
