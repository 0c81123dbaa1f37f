"""Which calls can go through a native entry, and the entry for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final

import numpy as np

from tapec.arguments import Arguments, LeafSpec, dense
from tapec.paths import Path
from tapec.recording import ACTIVE, THREAD_KEY
from tapec.results import Output, Results
from tapec.runtime.entry import make_entry
from tapec.runtime.entry_spec import (
    ArrayLeaf,
    ArrayOut,
    DataclassNode,
    DictNode,
    EntrySpec,
    FloatLeaf,
    Gate,
    IntLeaf,
    ListNode,
    Node,
    ObjectOut,
    ScalarOut,
    StaticLeaf,
    TupleNode,
)
from tapec.structure import Structure

# While somebody records in a thread, its calls go to `slow`, which runs Python inline.
_GATE: Final = Gate(THREAD_KEY, lambda: bool(ACTIVE.recorders))


class _NotNativeError(Exception):
    """Something in the call that native entries do not know."""


def native_entry(
    name: str, arguments: Arguments, path: Path, slow: Callable[..., Any], miss: Callable[..., Any]
) -> Callable[..., Any] | None:
    """A native entry for calls like `arguments` along `path`; None if they must go through Python.

    That is so for Tensors, Variables, keyword arguments, containers of classes that entries do not know, dicts with
    other keys than strings, and captured arrays that are not dense.

    Args:
        name: of the function.
        arguments: a call that takes the path.
        path: what the entry runs.
        slow: as in `tapec.runtime.entry.make_entry`.
        miss: as there.
    """
    try:
        spec = _entry_spec(name, arguments, path)
    except _NotNativeError:
        return None
    return make_entry(spec, path.executable.address, slow, miss, path)


def _entry_spec(name: str, arguments: Arguments, path: Path) -> EntrySpec:
    recording = path.recording
    positional, keywords = arguments.structure.children
    if keywords.children or arguments.gives_tensors or recording.assigned:
        raise _NotNativeError
    captured: list[np.ndarray[Any, Any]] = []
    for source, value in zip(recording.sources, recording.graph.inputs[recording.arguments :], strict=True):
        if not isinstance(source, np.ndarray) or dense(source, value.type.dtype) is not source:
            raise _NotNativeError
        captured.append(source)
    leaves = iter(zip(arguments.leaves, arguments.specs, strict=True))
    return EntrySpec(
        arguments=tuple([_tree(child, leaves, _argument) for child in positional.children]),
        outputs=_output_tree(path),
        captured=tuple(captured),
        guards=len(recording.guards),
        release_gil=path.executable.release_gil,
        name=name,
        gate=_GATE,
    )


def _argument(leaf: tuple[Any, LeafSpec]) -> Node:
    value, spec = leaf
    if spec.kind == "float":
        return FloatLeaf()
    if spec.kind == "int":
        return IntLeaf()
    if spec.kind == "array":
        assert spec.dtype is not None
        return ArrayLeaf(spec.dtype, spec.shape)
    return StaticLeaf(value)


def _output_tree(path: Path) -> Node:
    results: Results = path.results
    values = path.recording.graph.outputs

    def result(leaf: Any) -> Node:
        if type(leaf) is not Output:
            return ObjectOut(leaf)
        type_ = values[leaf.index].type
        return ArrayOut(leaf.index, type_.dtype, type_.shape) if type_.shape else ScalarOut(leaf.index, type_.dtype)

    tree = _tree(results.structure, iter(results.leaves), result)
    if any(not _plain_constructor(kind) for kind in _dataclasses(results.structure)):
        raise _NotNativeError
    return tree


def _tree(structure: Structure, leaves: Iterator[Any], make: Callable[[Any], Node]) -> Node:
    kind = structure.container
    if kind is None:
        return make(next(leaves))
    items = tuple([_tree(child, leaves, make) for child in structure.children])
    if kind is tuple:
        return TupleNode(items)
    if kind is list:
        return ListNode(items)
    if kind is dict and all(type(key) is str for key in structure.keys):
        return DictNode(structure.keys, items)
    if is_dataclass(kind):
        return DataclassNode(kind, structure.keys, items)
    raise _NotNativeError


def _dataclasses(structure: Structure) -> Iterator[type]:
    if structure.container is not None and is_dataclass(structure.container):
        yield structure.container
    for child in structure.children:
        yield from _dataclasses(child)


def _plain_constructor(kind: type) -> bool:
    """Whether calling the dataclass with its fields does no more than set them: entries make results so."""
    code = getattr(kind.__init__, "__code__", None)  # type: ignore[misc]
    generated = code is not None and code.co_filename == "<string>"  # what `dataclasses` compiles has no file
    return generated and not hasattr(kind, "__post_init__") and all(f.init for f in fields(kind))
