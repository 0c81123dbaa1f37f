"""What a call costs by itself: few numbers in many arrays, in nested dicts."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.workload import Workload, gradients


def arguments(count: int) -> tuple[dict[str, dict[str, np.ndarray]]]:
    """`count` arrays of four numbers, five in each inner dict."""
    tree: dict[str, dict[str, np.ndarray]] = {}
    for i in range(count):
        tree.setdefault(f"layer {i // 5}", {})[f"array {i % 5}"] = np.linspace(0.0, 1.0, 4) + i
    return (tree,)


def squares(m: Any, tree: Any) -> Any:
    return sum(m.sum(x * x) for layer in tree.values() for x in layer.values())


def squares_tensorflow(tf: Any, tree: Any) -> Any:
    return sum(tf.reduce_sum(x * x) for layer in tree.values() for x in layer.values())


WORKLOADS = (
    Workload(
        "call",
        "Call with {n} arrays of 4 numbers in a nested dict, NumPy in and out",
        gradients(arguments, squares, numpy_out=True, torch=squares, tensorflow=squares_tensorflow),
        sizes=(1, 5, 50),
        sweep=(20,),
        quick=5,
        unit="arrays",
        tolerance=1e-12,
        binds="the call: dicts are taken apart, arrays checked and made",
    ),
)
