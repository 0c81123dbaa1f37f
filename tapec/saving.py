"""`tp.save` and `tp.load`: the Variables of a module in a file."""

from __future__ import annotations

import os
from typing import Any

from tapec import safetensors
from tapec.errors import VariableMismatchError
from tapec.module import Module, named_variables


def save(target: Any, path: str | os.PathLike[str]) -> None:
    """Writes the values of all Variables of a module to a file in safetensors' format.

    The file is written under another name and renamed when the disk has all of it: a crash leaves the old file or the
    new one, never half of one. Each Variable is named by the attributes, keys and positions that lead to it, as
    `layers.0.kernel`.

    Args:
        target: a Module, or nested dicts, lists and tuples of Modules and Variables, such as
            `{"model": model, "optimizer": optimizer}`.
        path: where to.

    Raises:
        ValueError: there is no Variable in `target` (layers make theirs at the first call), or two have one name.
        OSError: the file can't be written.

    >>> import os, tempfile, tapec as tp
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.safetensors")
    >>> v = tp.Variable([1.0, 2.0])
    >>> tp.save({"v": v}, path)
    >>> _ = v.assign([0.0, 0.0])
    >>> tp.load({"v": v}, path)
    >>> v.numpy()
    array([1., 2.])
    """
    variables = named_variables(target)
    if not variables:
        raise ValueError(f"{_described(target)} has no Variables to save; layers make theirs at the first call")
    safetensors.write(path, {name: variable.numpy() for name, variable in variables.items()})


def load(target: Any, path: str | os.PathLike[str]) -> None:
    """Gives all Variables of a module the values in a file that `tp.save` has written: all of them, or none.

    Args:
        target: as at `save`. Layers must have been called once, and optimizers have taken a step or `build`, since they
            make their Variables only then.
        path: the file.

    Raises:
        CorruptFileError: the file is not a whole safetensors file.
        VariableMismatchError: names, shapes or dtypes in the file are not those of the Variables; all are listed.
        OSError: the file can't be read.

    >>> import os, tempfile, tapec as tp
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.safetensors")
    >>> tp.save({"v": tp.Variable([1.0, 2.0])}, path)
    >>> v = tp.Variable([0.0, 0.0])
    >>> tp.load({"v": v}, path)
    >>> v.numpy()
    array([1., 2.])
    """
    variables, arrays = named_variables(target), safetensors.read(path)
    wrong = [f"the file has no {name!r}" for name in variables if name not in arrays]
    wrong += [f"there is no Variable for {name!r} in the file" for name in arrays if name not in variables]
    for name, variable in variables.items():
        array = arrays.get(name)
        if array is not None and (array.shape, array.dtype) != (variable.shape, variable.dtype):
            wrong.append(f"{name!r} is {variable.dtype}{variable.shape}, and in the file {array.dtype}{array.shape}")
    if wrong:
        advice = "" if variables else " (layers make their Variables at the first call)"
        raise VariableMismatchError(f"{os.fspath(path)} does not fit {_described(target)}{advice}: " + "; ".join(wrong))
    for name, variable in variables.items():
        variable.assign(arrays[name])


def _described(target: Any) -> str:
    return f"the module {target.name!r}" if isinstance(target, Module) else f"this {type(target).__name__}"
