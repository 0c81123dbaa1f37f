"""The `checkpoint` option of loops: the same bits in less memory, in every way in which loops run."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from all_modes import by_tape

import tapec as tp
from tapec.errors import ArgumentError
from tapec.structure import flatten
from tapec.testing import check_grads

RNG = np.random.default_rng(11)
W = RNG.normal(size=(3, 3)) / 3
OPTIONS = (True, 1, 4, 7, 1000)


def same_bits(found: Any, expected: Any) -> None:
    pairs = zip(flatten(found)[0], flatten(expected)[0], strict=True)
    assert all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)


def scanned(w, x, xs, checkpoint, reverse=False):
    """The const w is read twice in a round, and once behind the loop."""

    def step(carry, row):
        h, total = carry
        h = np.tanh(w @ h + row * (w[0] @ h))
        return (h, total + np.sum(h)), {"h": h * x}

    (h, total), ys = tp.scan(step, (x, 0.0), xs, reverse=reverse, checkpoint=checkpoint)
    return np.sum(h * h) + total * np.sum(w) + np.sum(ys["h"] * xs)


def counted(w, x, xs, checkpoint, rounds=29):
    def body(i, c):
        return np.sin(w @ c[0]) + c[1] * (i + 1), c[1] * 0.9 + w[1, 2]

    h, scale = tp.fori_loop(3, 3 + rounds, body, (x, 0.1), checkpoint=checkpoint)
    return np.sum(h * w[0]) * scale + np.sum(xs)


def searched(w, x, xs, checkpoint):
    """It ends after 61 rounds."""

    def body(s):
        return np.tanh(w @ s[0]) + 0.1 * w[2], s[1] + np.sum(s[0] ** 2) + 0.3

    h, total = tp.while_loop(lambda s: s[1] < 25.0, body, (x, 0.0), checkpoint=checkpoint)
    return np.sum(h * x) * total + np.sum(xs)


LOOPS = {"scan": scanned, "reversed": lambda *a: scanned(*a, reverse=True), "fori": counted, "while": searched}
ARGS = (W, np.array([0.3, -0.2, 0.5]), RNG.normal(size=(23, 3)))


@pytest.mark.parametrize("name", LOOPS)
def test_the_same_bits(name: str) -> None:
    """Compiled, and op by op on a tape; op by op in Python the last digits may differ, as ever."""
    f = LOOPS[name]
    expected = tp.value_and_grad(lambda *a: f(*a, False), argnums=(0, 1, 2))(*ARGS)
    same_bits(by_tape(lambda *a: f(*a, False), *ARGS), expected)
    for option in OPTIONS:
        gradient = tp.value_and_grad(lambda *a, o=option: f(*a, o), argnums=(0, 1, 2))
        same_bits(gradient(*ARGS), expected)
        same_bits(gradient(*ARGS), expected)
        same_bits(by_tape(lambda *a, o=option: f(*a, o), *ARGS), expected)
        with tp.eager():
            found = gradient(*ARGS)
        for a, b in zip(flatten(found)[0], flatten(expected)[0], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", LOOPS)
def test_second_derivatives(name: str) -> None:
    f = LOOPS[name]
    check_grads(lambda w, x: f(w, x, ARGS[2], True), ARGS[:2], order=2, rtol=1e-5, atol=1e-5)
    plain, segmented = (tp.hessian(lambda x, o=option: f(W, x, ARGS[2], o))(ARGS[1]) for option in (False, True))
    np.testing.assert_allclose(segmented, plain, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", LOOPS)
def test_many_examples(name: str) -> None:
    f, xs = LOOPS[name], RNG.normal(size=(4, 3)) / 2
    plain, segmented = (tp.grad(lambda x, o=option: f(W, x, ARGS[2], o)) for option in (False, True))
    np.testing.assert_allclose(tp.vmap(segmented)(xs), np.array([plain(x) for x in xs]), rtol=1e-12)


def test_loops_in_loops() -> None:
    def f(w, x, option):
        def body(c):
            return tp.scan(lambda h, k: (np.sin(w @ h) * k + h, None), c, np.arange(0.1, 1.0, 0.1), checkpoint=option)[
                0
            ]

        return np.sum(tp.while_loop(lambda c: np.sum(c * c) < 40.0, body, x, checkpoint=option) ** 2)

    plain, segmented = (tp.value_and_grad(lambda w, x, o=o: f(w, x, o), argnums=(0, 1)) for o in (False, True))
    same_bits(segmented(W, ARGS[1]), plain(W, ARGS[1]))
    check_grads(lambda w, x: f(w, x, True), [W, ARGS[1]], order=2, rtol=1e-5)


@pytest.mark.parametrize("rounds", [0, 1, 2, 3, 5])
def test_rounds_that_are_few(rounds: int) -> None:
    for f, args in ((counted, (*ARGS, rounds)), (scanned, (*ARGS[:2], ARGS[2][:rounds]))):
        plain, segmented = (
            tp.value_and_grad(lambda w, o=o, f=f, a=args: f(w, *a[1:3], o, *a[3:])) for o in (False, True)
        )
        same_bits(segmented(W), plain(W))


def test_bounds_that_are_tensors() -> None:
    def f(x, n, o):
        return tp.fori_loop(0, n, lambda i, c: c * x + i, 1.0, checkpoint=o)

    for n in (0, 1, 40):
        expected = tp.value_and_grad(lambda x, n: f(x, n, False))(1.01, n)
        same_bits(tp.value_and_grad(lambda x, n: f(x, n, True))(1.01, n), expected)


def test_options_that_are_none() -> None:
    for option in (0, -2, 1.5, "yes", None):
        for name in ("scan", "fori", "while"):
            with pytest.raises(ArgumentError, match="checkpoint is True, False or the rounds of a segment"):
                LOOPS[name](*ARGS, option)


# Memory --------------------------------------------------------------------------------------------------------------


def arena_bytes(f: Any, *args: Any) -> int:
    _, path = f._run(f._take_apart(args, {}))
    return path.executable.program.arena_bytes


def test_memory_of_scans() -> None:
    """1,024 rounds of 30 carries: 32 segments of 32 rounds."""

    def f(x, option):
        def step(c, _):
            return np.sin(c) * np.cos(c * 0.5), None

        return np.sum(tp.scan(step, x, None, 1024, checkpoint=option)[0])

    plain, segmented = (arena_bytes(tp.value_and_grad(lambda x, o=o: f(x, o)), np.ones(30)) for o in (False, True))
    assert segmented < 0.1 * plain


def test_memory_of_second_derivatives() -> None:
    """Reverse over reverse mode: stacks of inner loops are made again, and not stored by the outer ones."""

    def f(x, option):
        def step(c, _):
            return np.sin(c) + c * x * 0.1, None

        return tp.scan(step, x, None, 2_500, checkpoint=option)[0]

    second = [tp.grad(lambda x, o=o: tp.grad(lambda x: f(x, o))(x) ** 2) for o in (False, True)]
    same_bits([second[1](0.3)], [tp.grad(lambda x: tp.grad(lambda x: f(x, True))(x) ** 2)(0.3)])
    np.testing.assert_allclose(second[1](0.3), second[0](0.3), rtol=1e-9)
    plain, segmented = (arena_bytes(f, 0.3) for f in second)
    assert segmented < 0.1 * plain


def test_memory_of_nested_scans() -> None:
    """The outer loop keeps the carries with which the inner one begins, as if it were one loop in segments."""

    def f(x, rows):
        def inner(c, k):
            return np.sin(c) * k, np.cos(c)

        def outer(c, row):
            c, ys = tp.scan(inner, c, row)
            return c + np.sum(ys * ys), None

        return tp.scan(outer, x, rows)[0]

    rows = RNG.normal(size=(60, 80))
    check_grads(lambda x: f(x, rows[:3, :4]), [np.array(0.3)], order=2, rtol=1e-5)
    assert arena_bytes(tp.value_and_grad(f), np.array(0.3), rows) < 0.15 * rows.nbytes


_LIMITED = """
import resource, numpy as np, tapec as tp
def run(x, rounds, option):
    body = lambda s: (np.sin(s[0]) + 0.5 * x, s[1] + 1)
    return np.sum(tp.while_loop(lambda s: s[1] < rounds, body, (x, 0), checkpoint=option)[0])
x = np.full(4, 0.3)
gradients = [tp.grad(lambda x, rounds, o=o: run(x, rounds, o)) for o in (False, True)]
for f in gradients:
    f(x, 100)
print(gradients[0](x, 1_000_000).tobytes().hex())
with open("/proc/self/statm") as table:
    taken = int(table.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 3_200_000, -1))  # a tenth of the rows' 32 bytes
print(gradients[1](x, 1_000_000).tobytes().hex())
try:
    gradients[0](x, 1_000_000)
except MemoryError:
    print("plain fails")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space, and /proc")
def test_memory_of_a_million_rounds() -> None:
    """In a process that may take no more than a tenth of what the plain loop stores."""
    run = subprocess.run([sys.executable, "-c", _LIMITED], capture_output=True, text=True, check=True)
    plain, segmented, after = run.stdout.splitlines()
    assert segmented == plain
    assert after == "plain fails"
