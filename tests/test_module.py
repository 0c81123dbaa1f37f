"""Finding Variables and Modules through attributes and containers."""

from dataclasses import dataclass, field

import numpy as np
import pytest

import tapec as tp
from tapec import Module, Variable
from tapec.module import named_variables


class Leaf(Module):
    def __init__(self, value, name=None):
        super().__init__(name)
        self.w = Variable(value, name="w")
        self.state = Variable(0.0, trainable=False, name="state")


class Forgetful(Module):
    def __init__(self):  # does not call the base class
        self.v = Variable(1.0, name="v")


@dataclass
class Config:
    scale: Variable = field(default_factory=lambda: Variable(3.0, name="scale"))
    text: str = "not a variable"


class Tree(Module):
    def __init__(self):
        super().__init__()
        self.second = Leaf(2.0)
        self.first = [Leaf(1.0), {"a": Variable(5.0, name="a"), 7: (Variable(6.0, name="b"), None)}]
        self.config = Config()
        self.shared = self.second
        self.back = self
        self.number, self.array = 3, np.zeros(2)
        self.cycle = self.first
        self.first.append(self.first)


def test_order_is_that_of_the_attributes_and_each_counts_once():
    tree = Tree()
    assert [v.name for v in tree.variables] == ["w:0", "state:0", "w:0", "state:0", "a:0", "b:0", "scale:0"]
    assert [v.item() for v in tree.variables] == [2.0, 0.0, 1.0, 0.0, 5.0, 6.0, 3.0]
    assert [v.item() for v in tree.trainable_variables] == [2.0, 1.0, 5.0, 6.0, 3.0]


def test_paths():
    assert list(named_variables(Tree())) == [
        "second.w", "second.state", "first.0.w", "first.0.state", "first.1.a", "first.1.7.0", "config.scale",
    ]  # fmt: skip
    v = Variable(1.0)
    assert named_variables(v) == {"": v}
    assert named_variables({"m": [v]}) == {"m.0": v}
    assert named_variables("text") == {}


def test_one_path_for_two_variables():
    with pytest.raises(ValueError, match=r"name 'a\.b'"):
        named_variables({"a": {"b": Variable(1.0)}, "a.b": Variable(2.0)})


def test_submodules():
    tree = Tree()
    assert tree.submodules == (tree.second, tree.first[0])


def test_names():
    assert Leaf(1.0).name == "leaf"
    assert Leaf(1.0, name="mine").name == "mine"
    assert Forgetful().name == "forgetful"
    assert [v.name for v in Forgetful().variables] == ["v:0"]
    with pytest.raises(ValueError, match="'1a'"):
        Leaf(1.0, name="1a")


def test_name_scopes():
    module = Leaf(1.0, name="outer")
    with module.name_scope, Leaf(1.0, name="inner").name_scope as prefix:
        assert prefix == "outer/inner/"
        assert Variable(1.0, name="x").name == "outer/inner/x:0"
        assert Variable(1.0).name == "outer/inner/Variable:0"
    assert Variable(1.0, name="x").name == "x:0"


def test_attributes_set_later_are_found():
    module = Forgetful()
    module.late = Variable(2.0)
    assert module.variables == (module.v, module.late)
    del module.v
    assert module.variables == (module.late,)


def test_a_method_as_compiled_function():
    class Scaled(Module):
        def __init__(self, factor):
            super().__init__()
            self.factor = Variable(factor)

        @tp.function
        def __call__(self, x):
            return self.factor * x

    a, b = Scaled(2.0), Scaled(3.0)
    assert [a(np.float64(1.0)), b(np.float64(1.0))] == [2.0, 3.0]
    a.factor.assign(5.0)
    assert [a(np.float64(1.0)), b(np.float64(1.0))] == [5.0, 3.0]
