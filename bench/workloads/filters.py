"""Log-likelihoods of sequences: a Kalman filter and a hidden Markov model. Small linear algebra in a long loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.workload import Call, Workload, gradients

STATES, OBSERVED = 4, 2
HIDDEN, SYMBOLS = 16, 8


def kalman_data(steps: int) -> tuple[np.ndarray, ...]:
    """Transition, observation matrix, logarithms of the noises' variances, observations."""
    rng = np.random.default_rng(0)
    f = 0.95 * np.linalg.qr(rng.normal(size=(STATES, STATES)))[0]
    h = rng.normal(size=(OBSERVED, STATES))
    state, ys = np.zeros(STATES), np.empty((steps, OBSERVED))
    for t in range(steps):
        state = f @ state + 0.3 * rng.normal(size=STATES)
        ys[t] = h @ state + 0.5 * rng.normal(size=OBSERVED)
    return f, h, np.full(STATES, -2.0), np.full(OBSERVED, -1.0), ys


def filtered(la: Any, f: Any, h: Any, q: Any, r: Any, mean: Any, p: Any, y: Any) -> Any:
    """New mean and covariance, and the observation's log-likelihood."""
    mean, p = f @ mean, f @ p @ f.T + q
    e, s = y - h @ mean, h @ p @ h.T + r
    gain = la.solve(s, h @ p).T
    log_likelihood = -0.5 * (e @ la.solve(s, e) + la.slogdet(s)[1] + OBSERVED * np.log(2 * np.pi))
    return mean + gain @ e, p - gain @ h @ p, log_likelihood


def kalman_loop(m: Any, f: Any, h: Any, log_q: Any, log_r: Any, ys: Any) -> Any:
    q, r = m.diag(m.exp(log_q)), m.diag(m.exp(log_r))
    mean, p, total = m.zeros(STATES, dtype=ys.dtype), m.eye(STATES, dtype=ys.dtype), 0.0
    for t in range(ys.shape[0]):
        mean, p, log_likelihood = filtered(m.linalg, f, h, q, r, mean, p, ys[t])
        total = total + log_likelihood
    return total


def kalman_autograd(anp: Any, f: Any, h: Any, log_q: Any, log_r: Any, ys: Any) -> Any:
    q, r = anp.diag(anp.exp(log_q)), anp.diag(anp.exp(log_r))
    mean, p, total = np.zeros(STATES), np.eye(STATES), 0.0
    for y in ys:
        mean, p, log_likelihood = filtered(anp.linalg, f, h, q, r, mean, p, y)
        total = total + log_likelihood
    return total


def kalman_scan(scan: Any) -> Any:
    def loss(m: Any, f: Any, h: Any, log_q: Any, log_r: Any, ys: Any) -> Any:
        q, r = m.diag(m.exp(log_q)), m.diag(m.exp(log_r))

        def step(carry: Any, y: Any) -> Any:
            mean, p, total = carry
            mean, p, log_likelihood = filtered(m.linalg, f, h, q, r, mean, p, y)
            return (mean, p, total + log_likelihood), None

        (_, _, total), _ = scan()(step, (m.zeros(STATES), m.eye(STATES), 0.0), ys)
        return total

    return loss


def kalman_tensorflow(tf: Any, f: Any, h: Any, log_q: Any, log_r: Any, ys: Any) -> Any:
    q, r, steps = tf.linalg.diag(tf.exp(log_q)), tf.linalg.diag(tf.exp(log_r)), ys.shape[0]

    def body(t: Any, mean: Any, p: Any, total: Any) -> Any:
        mean, p = tf.linalg.matvec(f, mean), f @ p @ tf.transpose(f) + q
        e, s = ys[t] - tf.linalg.matvec(h, mean), h @ p @ tf.transpose(h) + r
        factor = tf.linalg.cholesky(s)  # XLA has no determinants
        gain = tf.transpose(tf.linalg.cholesky_solve(factor, h @ p))
        whitened = tf.linalg.cholesky_solve(factor, e[:, None])[:, 0]
        log_determinant = 2.0 * tf.reduce_sum(tf.math.log(tf.linalg.diag_part(factor)))
        total -= 0.5 * (tf.tensordot(e, whitened, 1) + log_determinant + OBSERVED * np.log(2 * np.pi))
        return t + 1, mean + tf.linalg.matvec(gain, e), p - gain @ h @ p, total

    start = (0, tf.zeros(STATES, ys.dtype), tf.eye(STATES, dtype=ys.dtype), tf.constant(0.0, ys.dtype))
    return tf.while_loop(lambda t, *_: t < steps, body, start, maximum_iterations=steps)[3]


def jax_scan() -> Any:
    from jax.lax import scan

    return scan


def tapec_scan() -> Any:
    from tapec import scan

    return scan


def hmm_data(steps: int) -> tuple[np.ndarray, ...]:
    """Logits of the start, of transitions and of symbols; symbols."""
    rng = np.random.default_rng(0)
    shapes = (HIDDEN,), (HIDDEN, HIDDEN), (HIDDEN, SYMBOLS)
    return *(rng.normal(size=shape) for shape in shapes), rng.integers(0, SYMBOLS, steps)


def hmm_loop(log_softmax: Any, logsumexp: Any) -> Any:
    """The forward algorithm in logarithms."""

    def loss(m: Any, start: Any, transitions: Any, symbols: Any, seen: Any) -> Any:
        a, b = log_softmax(m)(transitions), log_softmax(m)(symbols)
        alpha = log_softmax(m)(start) + b[:, seen[0]]
        for t in range(1, seen.shape[0]):
            alpha = logsumexp(m)(alpha[:, None] + a, 0) + b[:, seen[t]]
        return logsumexp(m)(alpha, 0)

    return loss


def hmm_scan(scan: Any, log_softmax: Any, logsumexp: Any) -> Any:
    def loss(m: Any, start: Any, transitions: Any, symbols: Any, seen: Any) -> Any:
        a, b = log_softmax(m)(transitions), log_softmax(m)(symbols)

        def step(alpha: Any, symbol: Any) -> Any:
            return logsumexp(m)(alpha[:, None] + a, 0) + b[:, symbol], None

        alpha, _ = scan()(step, log_softmax(m)(start) + b[:, seen[0]], seen[1:])
        return logsumexp(m)(alpha, 0)

    return loss


def hmm_tensorflow(tf: Any, start: Any, transitions: Any, symbols: Any, seen: Any) -> Any:
    a, emitted, steps = tf.nn.log_softmax(transitions), tf.transpose(tf.nn.log_softmax(symbols)), seen.shape[0]

    def body(t: Any, alpha: Any) -> Any:
        return t + 1, tf.reduce_logsumexp(alpha[:, None] + a, 0) + tf.gather(emitted, seen[t])

    first = tf.nn.log_softmax(start) + tf.gather(emitted, seen[0])
    _, alpha = tf.while_loop(lambda t, _: t < steps, body, (1, first), maximum_iterations=steps)
    return tf.reduce_logsumexp(alpha)


def autograd_log_softmax(_: Any) -> Any:
    from autograd.scipy.special import logsumexp

    return lambda x: x - logsumexp(x, axis=-1, keepdims=True)


def autograd_logsumexp(_: Any) -> Any:
    from autograd.scipy.special import logsumexp

    return logsumexp


def jax_log_softmax(_: Any) -> Any:
    from jax.nn import log_softmax

    return log_softmax


def jax_logsumexp(_: Any) -> Any:
    from jax.nn import logsumexp

    return logsumexp


def tapec_log_softmax(_: Any) -> Any:
    from tapec.nn import log_softmax

    return log_softmax


def tapec_logsumexp(_: Any) -> Any:
    from tapec.nn import logsumexp

    return logsumexp


def torch_log_softmax(torch: Any) -> Any:
    return lambda x: torch.log_softmax(x, -1)


def torch_logsumexp(torch: Any) -> Any:
    return torch.logsumexp


def hmm_limit(steps: int) -> Call:
    from bench.limits.filters import forward_backward

    return Call(forward_backward, hmm_data(steps))


WORKLOADS = (
    Workload(
        "kalman",
        "Kalman filter, 4 states, 2 observed, log-likelihood of {n} steps",
        gradients(
            kalman_data,
            wrt=(0, 1, 2, 3),
            tapec=kalman_scan(tapec_scan),
            jax=kalman_scan(jax_scan),
            torch=kalman_loop,
            tensorflow=kalman_tensorflow,
            autograd=kalman_autograd,
        ),
        sizes=(1_000,),
        sweep=(10, 100),
        quick=5,
        unit="steps",
        tolerance=1e-8,
        binds="products and solves of 4 × 4 and 2 × 2 matrices, one after the other",
    ),
    Workload(
        "hmm",
        "Hidden Markov model of 16 states, forward algorithm, {n} steps",
        gradients(
            hmm_data,
            wrt=(0, 1, 2),
            tapec=hmm_scan(tapec_scan, tapec_log_softmax, tapec_logsumexp),
            jax=hmm_scan(jax_scan, jax_log_softmax, jax_logsumexp),
            torch=hmm_loop(torch_log_softmax, torch_logsumexp),
            tensorflow=hmm_tensorflow,
            autograd=hmm_loop(autograd_log_softmax, autograd_logsumexp),
            limit=hmm_limit,
        ),
        sizes=(1_000,),
        sweep=(10, 100),
        quick=5,
        unit="steps",
        tolerance=1e-8,
        binds="256 exponentials and 16 logarithms a step, forward and back; by hand, in probabilities, there are none",
    ),
)
