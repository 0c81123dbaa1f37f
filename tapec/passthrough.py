"""Functions that give the values that they get, in a tensor of its own: `tp.identity` and `tp.stop_gradient`."""

from __future__ import annotations

from typing import Any

from tapec.dispatch import apply
from tapec.ops import elementwise as ew
from tapec.surface.primitives import strong
from tapec.tensor import Tensor


def identity(x: Any) -> Tensor:
    """`x` in another tensor, so that a derivative with respect to it can be told from one with respect to `x`.

    >>> import tapec as tp
    >>> x = tp.Variable(3.0)
    >>> with tp.GradientTape(persistent=True) as tape:
    ...     y = tp.identity(x)
    ...     z = x * y
    >>> tape.gradient(z, [x, y])
    [<tapec.Tensor: shape=(), dtype=float64, numpy=6.0>, <tapec.Tensor: shape=(), dtype=float64, numpy=3.0>]
    """
    return apply(ew.copy, (strong(x),))


def stop_gradient(x: Any) -> Tensor:
    """`x`, through which no derivative flows, in neither mode.

    >>> import tapec as tp
    >>> x = tp.Variable(3.0)
    >>> with tp.GradientTape() as tape:
    ...     z = x * tp.stop_gradient(x)
    >>> tape.gradient(z, x).item()
    3.0
    """
    return apply(ew.stop_gradient, (strong(x),))
