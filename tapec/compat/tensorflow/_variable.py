"""`tf.Variable`."""

from __future__ import annotations

from typing import Any

import tapec as tp
from tapec.compat.tensorflow._conversion import default_dtype


class _IsVariable(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, tp.Variable)


class Variable(metaclass=_IsVariable):
    """Makes a `tp.Variable`, of which `isinstance(v, tf.Variable)` holds.

    Args:
        initial_value: the first value; Python's floats are float32, its integers int32.
        trainable: whether tapes watch it.
        name: for messages.
        dtype: of the values.
    """

    def __new__(  # type: ignore[misc]
        cls, initial_value: Any, trainable: bool = True, *, name: str | None = None, dtype: Any = None
    ) -> tp.Variable:
        return tp.Variable(initial_value, trainable, name, default_dtype(initial_value, dtype))
