"""The native entry's meaning in plain Python, for interpreters that have no native one."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from tapec.runtime.entry_spec import (
    ArrayLeaf,
    ArrayOut,
    DataclassNode,
    DictNode,
    EntrySpec,
    FloatLeaf,
    IntLeaf,
    ListNode,
    Node,
    ObjectOut,
    ScalarOut,
    StaticLeaf,
    TupleNode,
    numpy_types,
)

_SIGNATURE: Final = (ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


def make_python_entry(
    spec: EntrySpec, kernel: int, slow: Callable[..., Any], miss: Callable[..., Any], keep: object = None
) -> Callable[..., Any]:
    """What `runtime.entry.make_entry` makes, without machine code of its own; see there for the arguments."""
    prototype = ctypes.CFUNCTYPE if spec.release_gil else ctypes.PYFUNCTYPE
    run = prototype(*_SIGNATURE)(kernel)

    def entry(*args: Any, **kwargs: Any) -> Any:
        if spec.gate is not None and spec.gate.closed():
            return slow(*args, **kwargs)
        flat: list[Any] | None = [] if not kwargs and len(args) == len(spec.arguments) else None
        if flat is None or not all(map(_flatten, spec.arguments, args, [flat] * len(args))):
            return slow(*args, **kwargs)
        outs = [np.empty(out.shape if isinstance(out, ArrayOut) else (), out.dtype.numpy) for out in spec.outs]
        guards = np.empty(spec.guards, np.int64)
        status = run(_pointers([*flat, *spec.captured]), _pointers(outs), guards.ctypes.data)
        if status:
            del outs
            return miss(status, guards.tobytes(), *args)
        return _build(spec.outputs, outs)

    entry.__name__ = spec.name
    entry.__dict__["keep"] = keep
    return entry


def _pointers(arrays: list[Any]) -> Any:
    return (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))


def _flatten(node: Node, value: Any, flat: list[Any]) -> bool:
    """Appends the arrays of `value` if it has the structure of `node`."""
    if isinstance(node, StaticLeaf):
        return value is node.value
    if isinstance(node, ArrayLeaf):
        return _flatten_array(node, value, flat)
    if isinstance(node, FloatLeaf):
        if type(value) is not float:
            return False
        flat.append(np.array(value, np.float64))
        return True
    if isinstance(node, IntLeaf):
        if type(value) is not int or not -(2**63) <= value < 2**63:
            return False
        flat.append(np.array(value, np.int64))
        return True
    items = _items(node, value)
    return items is not None and all(map(_flatten, _children(node), items, [flat] * len(items)))


def _flatten_array(node: ArrayLeaf, value: Any, flat: list[Any]) -> bool:
    types = numpy_types(node.dtype)
    if type(value) is np.ndarray:
        flags = value.flags
        native = value.dtype.num in [d.num for d in types] and value.dtype.isnative
        if not (native and value.shape == node.shape and flags.c_contiguous and flags.aligned):
            return False
        flat.append(value)
        return True
    if node.shape or type(value) not in [d.type for d in types]:
        return False
    flat.append(np.asarray(value))
    return True


def _children(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, (TupleNode, ListNode, DictNode, DataclassNode)) else ()


def _items(node: Node, value: Any) -> list[Any] | None:
    """The items of a container in the order of `node`; None if it is another one."""
    if isinstance(node, (TupleNode, ListNode)):
        kind = tuple if isinstance(node, TupleNode) else list
        return list(value) if type(value) is kind and len(value) == len(node.items) else None
    if isinstance(node, DictNode):
        return list(value.values()) if type(value) is dict and tuple(value) == node.keys else None
    if isinstance(node, DataclassNode) and type(value) is node.type:
        found = [getattr(value, name, _ABSENT) for name in node.fields]
        return None if any(item is _ABSENT for item in found) else found
    return None


_ABSENT: Final = object()


def _build(node: Node, outs: list[Any]) -> Any:
    """The result."""
    if isinstance(node, ObjectOut):
        return node.value
    if isinstance(node, ArrayOut):
        return outs[node.index]
    if isinstance(node, ScalarOut):
        return outs[node.index][()]
    items = [_build(child, outs) for child in _children(node)]
    if isinstance(node, TupleNode):
        return tuple(items)
    if isinstance(node, ListNode):
        return items
    if isinstance(node, DictNode):
        return dict(zip(node.keys, items, strict=True))
    if isinstance(node, DataclassNode):
        return node.type(**dict(zip(node.fields, items, strict=True)))
    raise TypeError(f"{node} cannot stand in a result")
