"""Flattening nested containers and rebuilding them."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest

from tapec.structure import LEAF, flatten, leaf_paths, map_leaves, unflatten


class Point(NamedTuple):
    x: object
    y: object


@dataclass
class Layer:
    w: object
    b: object
    name: str = "layer"


@dataclass(frozen=True)
class Frozen:
    a: object
    doubled: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "doubled", 2)


@dataclass(slots=True)
class Slotted:
    a: object


TREES = [
    1,
    (),
    [],
    {},
    (1, 2),
    [1, (2, {"k": 3, "j": [4]})],
    {"b": 1, "a": 2},
    OrderedDict(b=1, a=(2, 3)),
    Point(1, [2]),
    Layer(1, (2, 3)),
    Frozen(1),
    Slotted({"x": 1}),
    [None, "text", Layer(Point(1, 2), [])],
]


@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_round_trip_gives_equal_tree_of_the_same_types(tree):
    leaves, structure = flatten(tree)
    again = unflatten(structure, leaves)
    assert again == tree
    assert type(again) is type(tree)
    assert structure.leaves == len(leaves) == len(leaf_paths(structure))
    assert flatten(again) == (leaves, structure)
    assert hash(flatten(again)[1]) == hash(structure)


def test_structures_differ_where_containers_differ():
    trees = ((1, 2), [1, 2], Point(1, 2), {"x": 1, "y": 2}, {"y": 1, "x": 2}, ((1, 2),), 1)
    different = [flatten(tree)[1] for tree in trees]
    assert len(set(different)) == len(different)
    assert different[-1] is LEAF


def test_order_of_leaves_is_left_to_right_and_dicts_keep_theirs():
    assert flatten([{"b": 1, "a": 2}, (3, Layer(4, 5))])[0] == [1, 2, 3, 4, 5, "layer"]


def test_paths_read_as_python():
    _, structure = flatten({"p": [Layer(1, Point(2, 3))]})
    assert leaf_paths(structure, "w") == ["w['p'][0].w", "w['p'][0].b.x", "w['p'][0].b.y", "w['p'][0].name"]
    assert leaf_paths(LEAF, "x") == ["x"]


def test_map_leaves_keeps_the_containers():
    assert map_leaves(lambda n: n * 10, Point(1, {"a": 2})) == Point(10, {"a": 20})


def test_wrong_number_of_leaves_is_refused():
    _, structure = flatten((1, 2))
    with pytest.raises(ValueError, match="holds 2 leaves, got 3"):
        unflatten(structure, [1, 2, 3])


def test_a_dataclass_class_is_a_leaf_not_a_container():
    assert flatten(Layer) == ([Layer], LEAF)
