"""Random programs in NumPy's own words, for Hypothesis: arguments of any layout, then steps that NumPy allows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

SHAPES = [(), (1,), (5,), (0,), (40,), (3, 4), (4, 1), (1, 1), (0, 3), (17, 19), (2, 3, 4), (3, 1, 2), (2, 0, 3)]
SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-40, 3e38, 0.5]

# A step takes one, two or three of the values so far.
ONE: list[Callable[..., Any]] = [
    np.sin, np.cos, np.exp, np.expm1, np.log, np.log1p, np.sqrt, np.abs, np.negative, np.tanh, np.arctan, np.arcsinh,
    np.square, np.sign, np.floor, np.rint, np.cbrt, np.exp2, np.reciprocal, np.isnan, np.isfinite, np.logical_not,
    np.sinc, np.nan_to_num, np.sum, np.prod, np.max, np.min, np.mean, np.var, np.any, np.argmax, np.cumsum, np.cumprod,
    np.median, np.nansum, np.nanmax, np.nanmean, np.count_nonzero, np.sort, np.argsort, np.linalg.norm, np.ptp,
    np.transpose, np.ravel, np.flip, np.diff, np.tril, np.diag, np.trace, np.squeeze, np.trapezoid, np.round,
    lambda x: np.sum(x, axis=0), lambda x: np.sum(x, axis=-1, keepdims=True), lambda x: np.max(x, axis=0),
    lambda x: np.std(x, axis=-1), lambda x: np.sum(x, axis=(0, 1)), lambda x: np.prod(x, axis=1),
    lambda x: np.cumsum(x[::-1], axis=-1)[::-1], lambda x: np.argmin(x, axis=0), lambda x: np.sort(x, axis=0),
    lambda x: x.reshape(-1, 1), lambda x: x.reshape(2, -1), lambda x: x[0], lambda x: x[::-1], lambda x: x[1:],
    lambda x: x[..., ::2], lambda x: x[None], lambda x: x[[0, -1]], lambda x: x[..., [0, 0]],
    lambda x: x[[0, 1], [1, 0]], lambda x: x[:, None], lambda x: x[-1::-2, 0], lambda x: np.roll(x, 1),
    lambda x: np.repeat(x, 2, 0), lambda x: np.pad(x, 1), lambda x: np.pad(x, 2, mode="edge"),
    lambda x: np.swapaxes(x, 0, -1), lambda x: np.tile(x, 2),
    lambda x: np.broadcast_to(x, (2, *x.shape)), lambda x: np.expand_dims(x, 0), lambda x: np.quantile(x, 0.3),
    lambda x: np.take_along_axis(x, np.argsort(x, axis=-1), -1), lambda x: np.einsum("ij->ji", x),
    lambda x: np.log(np.sum(np.exp(x - np.max(x)))), lambda x: np.where(x > 0, np.sqrt(x), 0), lambda x: x * x - x,
    lambda x: np.clip(x, -0.5, 0.5), lambda x: np.clip(x, 1, None), lambda x: x.astype(np.float32),
    lambda x: x.astype(np.int16), lambda x: x.astype(bool), lambda x: x / np.linalg.norm(x), lambda x: x + 2,
    lambda x: 3 - x, lambda x: x * 0.5, lambda x: x**2, lambda x: 2.0**x, lambda x: x // 2, lambda x: x % 0.7,
    lambda x: x > 0,
]  # fmt: skip
TWO: list[Callable[..., Any]] = [
    np.add, np.subtract, np.multiply, np.divide, np.floor_divide, np.remainder, np.power, np.maximum, np.minimum,
    np.fmax, np.arctan2, np.hypot, np.logaddexp, np.equal, np.less, np.greater_equal, np.logical_and, np.bitwise_and,
    np.bitwise_xor, np.left_shift, np.copysign, np.fmod, np.matmul, np.dot, np.inner, np.outer, np.kron, np.vecdot,
    lambda x, y: np.concatenate([x, y]), lambda x, y: np.stack([x, y], -1),
    lambda x, y: np.einsum("...i,...i->...", x, y),
    lambda x, i: np.take(x, np.clip(i, 0, 9).astype(np.int64) % 2), lambda x, y: np.where(x > y, x, y),
]  # fmt: skip
THREE: list[Callable[..., Any]] = [np.where, lambda x, y, z: x * y + z, lambda x, y, z: np.clip(x, y, z)]


class Step(NamedTuple):
    """One operation on some of the values so far."""

    function: Callable[..., Any]
    operands: tuple[int, ...]

    def run(self, known: list[Any]) -> Any:
        """Its result."""
        return self.function(*[known[i] for i in self.operands])


@st.composite
def arguments(draw: st.DrawFn) -> list[Any]:
    """One to three arrays, the first of them floating, now and then the same array or a view of it once more."""
    args = [_laid_out(draw, _array(draw, draw(st.sampled_from([np.float32, np.float64]))))]
    for _ in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from(["new", "new", "new", "same", "view"]))
        dtypes = [np.float32, np.float64, np.int8, np.int32, np.int64, np.uint8, np.bool_]
        if kind == "new":
            args.append(_laid_out(draw, _array(draw, draw(st.sampled_from(dtypes)))))
        else:
            args.append(args[0][::-1] if kind == "view" and args[0].ndim else args[0])
    return args


def _array(draw: st.DrawFn, dtype: Any) -> np.ndarray[Any, Any]:
    shape = draw(st.sampled_from(SHAPES))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    if np.dtype(dtype).kind != "f":
        return np.asarray(rng.integers(0 if dtype in (np.uint8, np.bool_) else -5, 6, shape)).astype(dtype)
    array = np.array(rng.normal(size=shape)).astype(dtype)
    if draw(st.booleans()) and array.size:
        array.reshape(-1)[rng.integers(0, array.size, 3)] = rng.choice(SPECIAL, 3)
    return array


def _laid_out(draw: st.DrawFn, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same elements in another place or order in memory."""
    layout = draw(st.sampled_from(["dense", "dense", "Fortran", "reversed", "spaced", "swapped bytes", "unaligned"]))
    if layout == "Fortran":
        return np.asfortranarray(array)
    if layout == "reversed" and array.ndim:
        return array[::-1].copy()[::-1]
    if layout == "spaced" and array.ndim:
        return np.repeat(array, 2, axis=-1)[..., ::2]
    if layout == "swapped bytes":
        return array.astype(array.dtype.newbyteorder())
    if layout == "unaligned":
        return np.frombuffer(b"\0" + array.tobytes(), np.uint8)[1:].view(array.dtype).reshape(array.shape)
    return array


@st.composite
def steps(draw: st.DrawFn, args: list[Any]) -> list[Step]:
    """One to eight operations, each of which NumPy allows."""
    known = list(args)
    found: list[Step] = []
    for _ in range(draw(st.integers(1, 8))):
        functions, arity = draw(st.sampled_from([(ONE, 1), (ONE, 1), (TWO, 2), (TWO, 2), (THREE, 3)]))
        step = Step(
            draw(st.sampled_from(functions)), tuple([draw(st.integers(0, len(known) - 1)) for _ in range(arity)])
        )
        result = _allowed(step, known)
        if result is not None:
            known.append(result)
            found.append(step)
    return found


def _allowed(step: Step, known: list[Any]) -> Any | None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = step.run(known)
        except (ValueError, TypeError, IndexError):  # what NumPy does not do, no program asks for
            return None
    usable = isinstance(result, np.ndarray | np.generic) and result.dtype.kind in "biuf" and result.dtype != np.float16
    return result if usable and result.size <= 5000 else None
