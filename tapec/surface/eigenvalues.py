"""Eigenvalues of any square matrix, which are complex unless all of them happen to be real."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.complex_tensor import ComplexTensor
from tapec.dispatch import apply_several
from tapec.ops import linalg
from tapec.surface.matrices import square_matrices
from tapec.surface.primitives import reshape, window
from tapec.surface.registry import implements
from tapec.tensor import Tensor

_EigResult: Any = type(np.linalg.eig(np.eye(1)))


def _decomposed(name: str, a: Any) -> tuple[Tensor | ComplexTensor, Tensor | ComplexTensor]:
    """Values and vectors, real if all values are: the dtype depends on the data, as in NumPy, and compiled functions
    guard which of the two it is.
    """
    w, v = (_split(x) for x in apply_several(linalg.eig, (square_matrices(name, a),)))
    if NUMPY_FUNCTIONS[np.all](w.imag == 0.0):
        return w.real, v.real
    return w, v


def _split(pairs: Tensor) -> ComplexTensor:
    *shape, _ = pairs._array.shape
    re, im = (reshape(window(pairs, len(shape), i, 1), tuple(shape)) for i in (0, 1))
    return ComplexTensor(re, im)


@implements(np.linalg.eig)
def _eig(a: Any) -> Any:
    return _EigResult(*_decomposed("eig", a))


@implements(np.linalg.eigvals)
def _eigvals(a: Any) -> Tensor | ComplexTensor:
    return _decomposed("eigvals", a)[0]
