"""The hidden Markov model in scaled probabilities: no exponentials in the loop, and the gradient from the backward
algorithm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, fastmath=True)
def _softmax(x: Any) -> Any:
    e = np.exp(x - x.max())
    return e / e.sum()


@njit(cache=True, fastmath=True)
def forward_backward(start: Any, transitions: Any, symbols: Any, seen: Any) -> Any:
    steps, n = seen.size, start.size
    a, emitted = np.empty_like(transitions), np.empty((symbols.shape[1], n))
    for i in range(n):
        a[i] = _softmax(transitions[i])
        emitted[:, i] = _softmax(symbols[i])
    first = _softmax(start)
    alphas, scales, value = np.empty((steps, n)), np.empty(steps), 0.0
    new = first * emitted[seen[0]]
    for t in range(steps):
        if t > 0:
            new = np.zeros(n)
            for i in range(n):
                for j in range(n):
                    new[j] += alphas[t - 1, i] * a[i, j]
            new *= emitted[seen[t]]
        scales[t] = new.sum()
        alphas[t] = new / scales[t]
        value += np.log(scales[t])
    counts, seen_in, beta = np.zeros((n, n)), np.zeros((symbols.shape[1], n)), np.ones(n)
    for t in range(steps - 1, -1, -1):
        seen_in[seen[t]] += alphas[t] * beta
        if t > 0:
            weighted, older = beta * emitted[seen[t]] / scales[t], np.zeros(n)
            for i in range(n):
                for j in range(n):
                    flow = a[i, j] * weighted[j]
                    counts[i, j] += alphas[t - 1, i] * flow
                    older[i] += flow
            beta = older
    by_start = alphas[0] * beta
    by_start -= first * by_start.sum()
    by_symbols = np.empty_like(symbols)
    for i in range(n):
        counts[i] -= a[i] * counts[i].sum()
        by_symbols[i] = seen_in[:, i] - emitted[:, i] * seen_in[:, i].sum()
    return value, (by_start, counts, by_symbols)
