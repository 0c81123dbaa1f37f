"""A call's arguments and result as the trees of a native entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from tapec.arguments import Arguments, LeafSpec
from tapec.ir.graph import Value
from tapec.results import Output, Results
from tapec.runtime.entry_spec import (
    ArrayLeaf,
    ArrayOut,
    DataclassNode,
    DictNode,
    FloatLeaf,
    IntLeaf,
    ListNode,
    Node,
    ObjectOut,
    ScalarOut,
    StaticLeaf,
    TupleNode,
)
from tapec.structure import Structure


class NotNativeError(Exception):
    """Something in the call that native entries do not know."""


def argument_trees(arguments: Arguments) -> tuple[Node, ...]:
    """A tree per positional argument; a Tensor's leaf is that of its array.

    Raises:
        NotNativeError: there are keyword arguments, or a container is of a class that entries do not know.
    """
    positional, keywords = arguments.structure.children
    if keywords.children:
        raise NotNativeError
    leaves = iter(zip(arguments.leaves, arguments.specs, strict=True))
    return tuple([_tree(child, leaves, _argument) for child in positional.children])


def _argument(leaf: tuple[Any, LeafSpec]) -> Node:
    value, spec = leaf
    if spec.kind == "float":
        return FloatLeaf()
    if spec.kind == "int":
        return IntLeaf()
    if spec.kind != "static":
        assert spec.dtype is not None
        return ArrayLeaf(spec.dtype, spec.shape)
    return StaticLeaf(value)


def result_tree(results: Results, values: list[Value]) -> Node:
    """The tree of a result around the graph's outputs.

    Raises:
        NotNativeError: a container in it is of a class that entries do not know.
    """

    def result(leaf: Any) -> Node:
        if type(leaf) is not Output:
            return ObjectOut(leaf)
        type_ = values[leaf.index].type
        return ArrayOut(leaf.index, type_.dtype, type_.shape) if type_.shape else ScalarOut(leaf.index, type_.dtype)

    tree = _tree(results.structure, iter(results.leaves), result)
    if any(not _plain_constructor(kind) for kind in _dataclasses(results.structure)):
        raise NotNativeError
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
    raise NotNativeError


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
