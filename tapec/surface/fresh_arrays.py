"""NumPy's functions that give fresh memory: to users they give Arrays, which can be written to."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import FRESH, NUMPY_FUNCTIONS
from tapec.mutable_array import Array
from tapec.tensor import Tensor


def _fresh(function: Any) -> None:
    make = NUMPY_FUNCTIONS[function]

    def call(*args: Any, **kwargs: Any) -> Any:
        made = make(*args, **kwargs)
        return Array(made) if type(made) is Tensor else made

    FRESH[function] = call


for _function in (
    np.zeros_like, np.ones_like, np.empty_like, np.full_like, np.zeros, np.ones, np.empty, np.full, np.array, np.copy,
):  # fmt: skip
    _fresh(_function)
