"""Programs as users write them, with arguments: what tests run eagerly and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import tapec as tp


class UserProgram(NamedTuple):
    """A scalar function, the arguments to try it with, and which of them it is differentiated by."""

    python: Callable[..., Any]
    args: tuple[Any, ...]
    argnums: tuple[int, ...]


def user_programs(dtype: Any) -> list[UserProgram]:  # noqa: C901 (a list)
    """All of them, on arrays of `dtype`."""
    rng = np.random.default_rng(3)
    found: list[UserProgram] = []

    def real(*shape: int, of: Any = dtype) -> Any:
        return rng.normal(size=shape).astype(of)

    def program(*args: Any, argnums: tuple[int, ...] = (0,)) -> Callable[..., None]:
        return lambda python: found.append(UserProgram(python, args, argnums))

    x, v = real(7, 5), real(5)

    @program(x)
    def softmax_cross_entropy(x):
        z = x - np.max(x, axis=-1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(z), axis=-1)) - z[np.arange(7), np.arange(7) % 5])

    @program(x)
    def layer_norm(x):
        centered = x - np.mean(x, axis=-1, keepdims=True)
        return np.sum((centered / np.sqrt(np.var(x, axis=-1, keepdims=True) + 1e-5)) ** 3)

    @program(real(1, 3, 12, 11), real(4, 3, 3, 3), argnums=(0, 1))
    def convolution(x, kernel):
        out = 0
        for i in range(3):
            for j in range(3):
                out = out + np.einsum("nchw,oc->nohw", x[:, :, i : i + 10, j : j + 9], kernel[:, :, i, j])
        return np.sum(np.maximum(out, 0) ** 2)

    @program(x)
    def attention(x):
        scores = x @ x.T / np.sqrt(5.0)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        return np.sum((weights / weights.sum(-1, keepdims=True) @ x) ** 2)

    @program(x)
    def indexing(x):
        rows = np.array([True, False] * 3 + [True])
        return np.sum(x[[0, 0, 3], [1, -1, 2]] ** 2) + np.sum(x[::-2, ::-1][1:] ** 3) + np.sum(np.exp(x[rows]))

    @program(x)
    def ordering(x):
        low = np.sort(x, axis=0)[2:5] * np.arange(3, dtype=dtype)[:, None]
        return (
            np.sum(low) + np.sum(np.sort(x, axis=None)[::3]) + np.median(x) + np.sum(np.percentile(x, [10, 50], axis=0))
        )

    @program(x)
    def running(x):
        return np.sum(np.cumsum(x, axis=1) ** 2) + np.sum(np.cumsum(x)) + np.sum(np.cumprod(x, axis=0))

    @program(x)
    def joining(x):
        return (
            np.sum(np.concatenate([x, x[:2] * 2]) ** 2) + np.sum(np.stack([x, -x], 1) ** 3) + np.sum(np.pad(x, 1) ** 2)
        )

    @program(x)
    def branches(x):
        return np.sum(np.where(x > 0, np.sqrt(x), 0)) + np.sum(np.clip(x, -0.5, 0.5)) + np.sum(np.abs(x)) + np.max(x)

    @program(v)
    def rosenbrock(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    @program(x.T)
    def transposed_argument(x):
        return np.sum(np.exp(x) @ x.T) + np.sum(x * 2)

    @program(x[::-1, ::2])
    def negative_strides(x):
        return np.sum(x**2 * np.arange(3)) + np.prod(x)

    @program(x.astype(x.dtype.newbyteorder()))
    def swapped_bytes(x):
        return np.sum(np.sin(x)) + np.sum(x / 3)

    @program(dtype(0.7))
    def numpy_scalar(x):
        return x**3 + np.sin(x) * 2 + np.log1p(x) / x - 2**x

    @program(np.zeros((0, 3), dtype))
    def nothing(x):
        return np.sum(x) + np.sum(x @ np.ones((3, 2), dtype)) + np.prod(x)

    @program(x, x, argnums=(0, 1))
    def one_array_twice(x, y):
        return np.sum(x * y) + np.sum(x.T @ y) - np.sum(np.dot(x, y.T))

    @program(x[:4], x[2:6], argnums=(0, 1))
    def views_of_one_array(x, y):
        return np.sum(x * y + np.hypot(x, y)) + np.sum(np.arctan2(x, y)) + np.sum(np.logaddexp(x, y))

    @program(x, 3, 2.5, True, argnums=(0, 2))
    def python_numbers(x, n, factor, flag):
        return np.sum(x * n + factor) + (np.sum(x**n) if flag else 0)

    @program(x, real(7, 5, of=np.float32), np.arange(5, dtype=np.int8), argnums=(0, 1))
    def mixed_dtypes(x, y, i):
        return np.sum(x * y + i) + np.sum(np.floor_divide(x, 0.3)) + np.sum(x % 0.7) + np.sum(i // 2 * x)

    @program(x)
    def elementary_functions(x):
        return sum(
            np.sum(y)
            for y in (
                np.expm1(x), np.sinh(x), np.cosh(x), np.arcsinh(x), np.exp2(x), np.log2(np.abs(x) + 1), np.cbrt(x),
                np.log10(np.abs(x) + 1), np.square(x), np.reciprocal(x + 10), np.sign(x), np.tan(x / 10), np.sinc(x),
                np.arcsin(np.tanh(x)), np.arccos(np.tanh(x)), tp.nn.sigmoid(x), tp.nn.softmax(x) ** 2,
            )
        )  # fmt: skip

    @program(x)
    def rearranging(x):
        square = x[:5, :5]
        moved = np.sum(np.roll(x, 1, 0) * x) + np.sum(np.diff(x, axis=1) ** 2) + np.sum(np.flip(x) * x)
        part = np.trace(square) + np.sum(np.tril(square)) + np.sum(np.rot90(x)[0])
        return moved + part + np.sum(np.outer(x[0], x[1]))

    @program(x)
    def statistics(x):
        return np.linalg.norm(x) + np.linalg.norm(x, axis=1).sum() + np.std(x) + np.ptp(x) + np.average(x)

    @program(real(2, 3, 4), real(4, 5), real(3), argnums=(0, 1, 2))
    def contractions(a, b, c):
        product = np.einsum("bij,jk,i->bk", a, b, c)
        return np.sum(product**2) + np.einsum("bij,bij->", a, a) + np.sum(np.tensordot(a, b, 1)) + np.inner(c, c)

    @program(x)
    def broadcasting(x):
        distance = x[:, None, :] - x[None]
        return np.sum(distance) + np.sum(distance**2) + np.sum(x.sum(0) * x) + np.sum(np.broadcast_to(x.mean(), (3,)))

    @program(real(130, 257))
    def long_sums(x):
        tall = np.sum(np.tanh(x).sum(0) ** 2) + np.sum(np.sin(x).sum(1)) + np.sum(x.max(0)) + np.mean(x, axis=(0, 1))
        return tall + np.sum(x.reshape(-1) ** 2) + np.sum(x.T.sum(0) ** 3)

    @program(real(5, 6, 33))
    def sums_over_several_axes(x):
        inner = np.sum(np.exp(x).sum((0, 2))) + np.sum((x * 3).sum((0, 1)) ** 2)
        return inner + np.sum((x**2).sum(1)) + np.sum(x.transpose(2, 0, 1).sum(-1) ** 2)

    return found
