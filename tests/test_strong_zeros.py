"""The zero policy as users meet it: snippets from public threads about NaN in gradients, eager and compiled.

A branch that is not taken, and everything else that a cotangent of exactly zero reaches, contributes zero; what is
genuinely infinite or NaN shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tapec as tp

Case = tuple[Callable[[Any], Any], list[float], list[float]]


def _norm(x: Any) -> Any:
    return np.sqrt(np.sum(x * x))


def _masked_softmax(x: Any) -> Any:
    keep = np.array([True, True, False])
    z = np.where(keep, x, -np.inf)
    e = np.exp(z - np.max(z))
    return np.sum(np.where(keep, e / np.sum(e), 0.0) * np.array([1.0, 0.0, 0.0]))


ZEROS: dict[str, Case] = {
    "sqrt behind where at 0": (lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)), [0.0, 4.0], [0.0, 0.25]),
    "sqrt of a negative, not taken": (lambda x: np.sum(np.where(x > 0, np.sqrt(x), x)), [-1.0, 4.0], [1.0, 0.25]),
    "log behind where": (lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)), [0.0, -1.0, 2.0], [0.0, 0.0, 0.5]),
    "x log x": (lambda x: np.sum(np.where(x > 0, x * np.log(x), 0.0)), [0.0, 1.0], [0.0, 1.0]),
    "1 / x": (lambda x: np.sum(np.where(x != 0, 1 / x, 0.0)), [0.0, 2.0], [0.0, -0.25]),
    "sinc by hand": (lambda x: np.sum(np.where(x != 0, np.sin(x) / x, 1.0)), [0.0], [0.0]),
    "power of a half": (lambda x: np.sum(np.where(x > 0, x**0.5, 0.0)), [0.0, 4.0], [0.0, 0.25]),
    "negative power": (lambda x: np.sum(np.where(x > 0, x**-1.5, 0.0)), [0.0, 1.0], [0.0, -1.5]),
    "power with a negative base": (lambda x: np.sum(np.where(x > 0, x**1.7, 0.0)), [-2.0, 1.0], [0.0, 1.7]),
    "norm squared at 0": (lambda x: np.linalg.norm(x) ** 2, [0.0, 0.0], [0.0, 0.0]),
    "root of a sum squared at 0": (lambda x: _norm(x) ** 2, [0.0, 0.0], [0.0, 0.0]),
    "normalising the zero vector": (
        lambda x: np.sum(np.where(_norm(x) > 0, x / _norm(x), 0.0)),
        [0.0, 0.0],
        [0.0, 0.0],
    ),
    "arccos at its end": (lambda x: np.sum(np.where(x < 1, np.arccos(x), 0.0)), [1.0, 0.0], [0.0, -1.0]),
    "arcsin beyond its end": (lambda x: np.sum(np.where(x < 1, np.arcsin(x), 1.5)), [2.0, 0.0], [0.0, 1.0]),
    "arctanh at its end": (lambda x: np.sum(np.where(x < 1, np.arctanh(x), 0.0)), [1.0, 0.0], [0.0, 1.0]),
    "exp that overflows": (lambda x: np.sum(np.where(x < 700, np.exp(x), 0.0)), [1000.0, 0.0], [0.0, 1.0]),
    "exp of exp": (lambda x: np.sum(np.where(x < 1, np.exp(np.exp(x)), 0.0)), [1000.0, 0.0], [0.0, np.e]),
    "sqrt of a maximum": (lambda x: np.sum(np.sqrt(np.maximum(x, 0.0))), [-1.0, 4.0], [0.0, 0.25]),
    "sqrt of a clip": (lambda x: np.sum(np.sqrt(np.clip(x, 0.0, 9.0))), [-1.0, 4.0], [0.0, 0.25]),
    "zero times sqrt": (lambda x: np.sum(np.sqrt(x) * np.array([0.0, 1.0])), [0.0, 4.0], [0.0, 0.25]),
    "an element that is sliced away": (lambda x: np.sum(np.sqrt(x)[1:]), [0.0, 4.0], [0.0, 0.25]),
    "an element that is not gathered": (lambda x: np.log(x)[np.array([1])].sum(), [0.0, 2.0], [0.0, 0.5]),
    "the smaller of two roots": (lambda x: np.max(np.sqrt(x)), [0.0, 4.0], [0.0, 0.25]),
    "the first of sorted quotients": (lambda x: np.sort(1 / x)[0], [0.0, 2.0], [0.0, -0.25]),
    "variance by way of std": (lambda x: np.std(x) ** 2, [3.0, 3.0], [0.0, 0.0]),
    "sign by hand": (lambda x: np.sum(np.where(np.abs(x) > 0, x / np.abs(x), 0.0)), [0.0, 2.0], [0.0, 0.0]),
    "logaddexp with minus infinity": (lambda x: np.sum(np.logaddexp(x, -np.inf)), [0.5], [1.0]),
    "softmax with masked logits": (_masked_softmax, [0.0, 0.0, 5.0], [0.25, -0.25, 0.0]),
}

GENUINE: dict[str, Case] = {
    "sqrt at 0": (lambda x: np.sum(np.sqrt(x)), [0.0], [np.inf]),
    "log at 0": (lambda x: np.sum(np.log(x)), [0.0], [np.inf]),
    "1 / x at 0": (lambda x: np.sum(1 / x), [0.0], [-np.inf]),
    "the branch that is taken": (lambda x: np.sum(np.where(x <= 0, np.sqrt(x), 0.0)), [-1.0], [np.nan]),
    "a constant NaN": (lambda x: np.sum(x * np.nan), [1.0], [np.nan]),
    "a constant infinity": (lambda x: np.sum(x * np.inf), [0.0], [np.inf]),
    "exp that overflows": (lambda x: np.sum(np.exp(x)), [1000.0], [np.inf]),
    "arcsin at its end": (lambda x: np.sum(np.arcsin(x)), [1.0], [np.inf]),
    "arccos beyond its end": (lambda x: np.sum(np.arccos(x)), [2.0], [np.nan]),
    "an input that is NaN": (lambda x: np.sum(x * x), [np.nan], [np.nan]),
    "infinity minus infinity": (lambda x: np.sum(np.exp(x) * (np.inf - np.exp(x))), [1000.0], [np.nan]),
}


def _gradients(f: Callable[[Any], Any], at: list[float]) -> dict[str, Any]:
    """The gradient op by op, from the recording run, from machine code, and from a plain tape."""
    x = np.array(at)
    gradient = tp.grad(f)
    with tp.eager():
        found = {"eager": gradient(x)}
    found["recorded"] = gradient(x)
    found["compiled"] = gradient(x)
    with np.errstate(all="ignore"), tp.GradientTape() as tape:
        t = tp.constant(x)
        tape.watch(t)
        y = f(t)
    found["tape"] = tape.gradient(y, t).numpy()
    return found


@pytest.mark.parametrize("name", ZEROS)
def test_zero_contributes_zero(name: str) -> None:
    """The gradient is the finite one in every mode."""
    f, at, expected = ZEROS[name]
    for mode, found in _gradients(f, at).items():
        np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=mode)


@pytest.mark.parametrize("name", GENUINE)
def test_what_is_genuine_shows(name: str) -> None:
    """Infinities and NaN that belong to the gradient are there in every mode."""
    f, at, expected = GENUINE[name]
    for mode, found in _gradients(f, at).items():
        np.testing.assert_array_equal(found, expected, err_msg=mode)
