"""`np.einsum`: diagonals and sums of one operand, then pairs as batched matrix products, in NumPy's greedy order."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from tapec.array_protocol import ArrayProtocol
from tapec.dispatch import apply, cast, lift, located, promote
from tapec.errors import ShapeError, UnsupportedFunctionError
from tapec.ops import elementwise as ew
from tapec.surface.primitives import broadcast, reduce_sum, reshape, take, transpose
from tapec.surface.products import batched_matmul
from tapec.surface.registry import implements
from tapec.surface.short_floats import in_single
from tapec.tensor import Tensor

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(slots=True)
class _Factor:
    """An operand with one distinct letter for each axis."""

    tensor: Tensor
    letters: str


@implements(np.einsum)
def _einsum(*operands: Any, out: Any = None, dtype: Any = None, optimize: Any = True, **options: Any) -> Tensor:
    if out is not None:
        raise UnsupportedFunctionError("einsum does not take `out` on tensors; use the result")
    tensors, inputs, output = _parse(operands)
    if dtype is not None:
        tensors = [cast(t, np.dtype(dtype)) for t in tensors]
    tensors = list(promote(*tensors))
    logical = tensors[0]._array.dtype.kind == "b"
    if logical:
        tensors = [cast(t, np.dtype(np.int64)) for t in tensors]
    result = _contracted(inputs, output, *tensors)
    return result != 0 if logical else result


@in_single
def _contracted(inputs: list[str], output: str, *tensors: Tensor) -> Tensor:
    """The sum of products of tensors of one dtype."""
    extents = _extents(tensors, inputs)
    factors = [_distinct(t, letters, extents) for t, letters in zip(tensors, inputs, strict=True)]
    for pair in _order(factors, output):
        chosen = [factors.pop(i) for i in sorted(pair, reverse=True)][::-1]
        needed = set(output).union(*[f.letters for f in factors])
        merged = chosen[0]
        for other in chosen[1:]:
            left = _without(merged, needed | set(other.letters))
            right = _without(other, needed | set(merged.letters))
            merged = _product(left, right, needed)
        factors.append(merged)
    (factor,) = factors
    factor = _without(factor, set(output))
    return transpose(factor.tensor, tuple([factor.letters.index(letter) for letter in output]))


def _parse(operands: tuple[Any, ...]) -> tuple[list[Tensor], list[str], str]:
    """Tensors, and letters for all their axes, ellipses spelled out and the output made explicit."""
    if not isinstance(operands[0], str):
        return _parse_lists(operands)
    text, tensors = operands[0].replace(" ", ""), [lift(x) for x in operands[1:]]
    left, arrow, right = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(tensors):
        raise ValueError(f"einsum {text!r} names {len(inputs)} operands, got {len(tensors)}")
    free = [letter for letter in _LETTERS if letter not in text]
    widest = 0
    hidden = []
    for letters, t in zip(inputs, tensors, strict=True):
        count = t._array.ndim - len(letters.replace("...", ""))
        if count < 0 or (count and "..." not in letters):
            raise located(ShapeError(f"einsum {text!r}: {letters!r} does not fit an operand of shape {t.shape}"))
        hidden.append(count)
        widest = max(widest, count)
    dots = "".join(free[:widest])
    spelled = [letters.replace("...", dots[widest - count :]) for letters, count in zip(inputs, hidden, strict=True)]
    if arrow:
        output = right.replace("...", dots)
    else:
        named = left.replace("...", "").replace(",", "")
        output = dots + "".join(sorted(letter for letter in set(named) if named.count(letter) == 1))
    for letter in output:
        if output.count(letter) > 1 or not any(letter in letters for letters in spelled):
            raise ValueError(f"einsum {text!r}: the output letter {letter!r} appears twice or in no operand")
    return tensors, spelled, output


def _parse_lists(operands: tuple[Any, ...]) -> tuple[list[Tensor], list[str], str]:
    def spell(labels: Any) -> str:
        return "".join("..." if label is Ellipsis else _LETTERS[label] for label in labels)

    pairs, rest = len(operands) // 2, len(operands) % 2
    text = ",".join(spell(operands[2 * i + 1]) for i in range(pairs))
    if rest:
        text += "->" + spell(operands[-1])
    return _parse((text, *[operands[2 * i] for i in range(pairs)]))


def _extents(tensors: tuple[Tensor, ...], inputs: list[str]) -> dict[str, int]:
    extents: dict[str, int] = {}
    for t, letters in zip(tensors, inputs, strict=True):
        for letter, n in zip(letters, t._array.shape, strict=True):
            known = extents.get(letter, 1)
            if n != known and 1 not in (n, known):
                shapes = ", ".join(str(t.shape) for t in tensors)
                raise located(ShapeError(f"einsum: {letter!r} has extents {known} and {n} in shapes {shapes}"))
            extents[letter] = n if known == 1 else known
    return extents


def _distinct(t: Tensor, letters: str, extents: dict[str, int]) -> _Factor:
    """Axes of one element where others have more are stretched; a letter that repeats takes the diagonal."""
    t = broadcast(t, tuple([extents[letter] for letter in letters])) if _repeats(letters) else t
    while _repeats(letters):
        letter = next(c for c in letters if letters.count(c) > 1)
        first = letters.index(letter)
        second = letters.index(letter, first + 1)
        rest = [i for i in range(len(letters)) if i not in (first, second)]
        n = extents[letter]
        t = transpose(t, (*rest, first, second))
        flat = reshape(t, (*t._array.shape[:-2], n * n))
        t = take(flat, lift(np.arange(n) * (n + 1)), len(rest))
        letters = "".join(letters[i] for i in rest) + letter
    return _Factor(t, letters)


def _repeats(letters: str) -> bool:
    return len(set(letters)) < len(letters)


def _order(factors: list[_Factor], output: str) -> list[tuple[int, ...]]:
    if len(factors) <= 2:
        return [tuple(range(len(factors)))]
    text = ",".join(f.letters for f in factors) + "->" + output
    shapes = [np.broadcast_to(np.float64(0), f.tensor._array.shape) for f in factors]
    path, _ = np.einsum_path(text, *shapes, optimize="greedy")
    return [tuple(step) for step in path[1:]]


def _without(factor: _Factor, needed: set[str]) -> _Factor:
    """Letters that nobody else has are summed away at once."""
    axes = tuple([i for i, letter in enumerate(factor.letters) if letter not in needed])
    kept = "".join(letter for letter in factor.letters if letter in needed)
    return _Factor(reduce_sum(factor.tensor, axes), kept)


def _product(a: _Factor, b: _Factor, needed: set[str]) -> _Factor:
    shared = [letter for letter in a.letters if letter in b.letters]
    batch = [letter for letter in shared if letter in needed]
    summed = [letter for letter in shared if letter not in needed]
    only_a = [letter for letter in a.letters if letter not in shared]
    only_b = [letter for letter in b.letters if letter not in shared]
    letters = "".join(batch + only_a + only_b)
    sizes = _sizes(a, b)
    if not summed:  # a product without sums is elementwise
        left = _arranged(a, batch + only_a, (1,) * len(only_b))
        right_tensor = _arranged(b, batch + only_b, ())
        shape = right_tensor._array.shape
        right = reshape(right_tensor, shape[: len(batch)] + (1,) * len(only_a) + shape[len(batch) :])
        return _Factor(apply(ew.mul, (left, right)), letters)
    left = _stretched(a, batch + only_a + summed, sizes)
    right = _stretched(b, batch + summed + only_b, sizes)
    outer = tuple([sizes[letter] for letter in batch])
    m, k, n = (prod(sizes[letter] for letter in group) for group in (only_a, summed, only_b))
    product = batched_matmul(reshape(left, (*outer, m, k)), reshape(right, (*outer, k, n)))
    return _Factor(reshape(product, tuple([sizes[letter] for letter in letters])), letters)


def _sizes(a: _Factor, b: _Factor) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for factor in (a, b):
        for letter, n in zip(factor.letters, factor.tensor._array.shape, strict=True):
            sizes[letter] = n if sizes.get(letter, 1) == 1 else sizes[letter]
    return sizes


def _arranged(factor: _Factor, letters: list[str], tail: tuple[int, ...]) -> Tensor:
    t = transpose(factor.tensor, tuple([factor.letters.index(letter) for letter in letters]))
    return reshape(t, t._array.shape + tail)


def _stretched(factor: _Factor, letters: list[str], sizes: dict[str, int]) -> Tensor:
    return broadcast(_arranged(factor, letters, ()), tuple([sizes[letter] for letter in letters]))


@implements(np.einsum_path)
def _einsum_path(*operands: Any, optimize: Any = "greedy", **options: Any) -> Any:
    plain: list[Any] = [np.broadcast_to(0.0, lift(x).shape) if isinstance(x, ArrayProtocol) else x for x in operands]
    return np.einsum_path(*plain, optimize=optimize, **options)
