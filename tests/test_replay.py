"""Replaying derivative graphs on tensors."""

import weakref

import numpy as np
import pytest
from graph_text import graph_of

from tapec.errors import VerificationError
from tapec.recording import ACTIVE, Recorder, active
from tapec.replay import Program, replay
from tapec.tensor import make

GRAPH = """
^bb0(%arg0: tensor<2xf64>, %arg1: tensor<2xf64>):
  %0 = "tapec.constant"() {value = 2.0 : f64, dtype = "f64"} : () -> tensor<f64>
  %1 = "tapec.mul"(%arg0, %0) {tapec.phase = "adjoint"} : (tensor<2xf64>, tensor<f64>) -> tensor<2xf64>
  %2 = "tapec.neg"(%1) : (tensor<2xf64>) -> tensor<2xf64>
  "tapec.return"(%2, %1, %arg0) : (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) -> ()
"""


def test_outputs():
    x = make(np.array([1.0, 2.0]))
    given = [x, x]
    first, second, third = replay(graph_of(GRAPH), given)
    assert first.numpy().tolist() == [-2.0, -4.0]
    assert second.numpy().tolist() == [2.0, 4.0]
    assert third is x
    assert len(given) == 2
    with pytest.raises(ValueError, match="2 inputs, got 1"):
        replay(graph_of(GRAPH), [x])


class Listener(Recorder):
    def __init__(self):
        self.heard = []

    def record(self, primitive, operands, attributes, result):
        self.heard.append((primitive.name, ACTIVE.phase, [t._literal for t in operands]))

    def record_control(self, primitive, operands, attributes, regions, results): ...
    def observe(self, tensor, expected): ...
    def leak(self, tensor, how, loses=True): ...
    def capture(self, tensor, array): ...
    def read_variable(self, variable, tensor): ...
    def assign_variable(self, variable, tensor): ...


def test_recorders_hear_ops_with_their_phase_and_constants_as_literals():
    listener = Listener()
    x = make(np.ones(2))
    with active(listener):
        replay(graph_of(GRAPH), [x, x])
    assert listener.heard == [("mul", "adjoint", [False, True]), ("neg", "primal", [False])]
    assert ACTIVE.phase == "primal"


def test_tensors_are_let_go_when_nobody_reads_them_any_more():
    graph = graph_of("""
^bb0(%arg0: tensor<2xf64>, %arg1: tensor<2xf64>):
  %0 = "tapec.neg"(%arg0) : (tensor<2xf64>) -> tensor<2xf64>
  %1 = "tapec.neg"(%0) : (tensor<2xf64>) -> tensor<2xf64>
  "tapec.return"(%1) : (tensor<2xf64>) -> ()
""")
    tensors = [make(np.ones(2)), make(np.ones(2))]
    alive = [weakref.ref(t) for t in tensors]

    class Watcher(Listener):
        def record(self, primitive, operands, attributes, result):
            self.heard.append([ref() is not None for ref in alive])

    watcher = Watcher()
    with active(watcher):
        Program(graph).run(tensors)
    assert tensors == []
    assert watcher.heard == [[True, False], [False, False]]


def test_errors_restore_the_state():
    class Failing(Listener):
        def record(self, primitive, operands, attributes, result):
            assert ACTIVE.phase == "adjoint"
            raise KeyError("recorder")

    x = make(np.ones(2))
    with pytest.raises(KeyError), active(Failing()):
        replay(graph_of(GRAPH), [x, x])
    assert (ACTIVE.phase, ACTIVE.location, ACTIVE.recorders) == ("primal", None, [])


def test_guards_cannot_be_replayed():
    graph = graph_of("""
^bb0(%arg0: tensor<i64>):
  "tapec.guard"(%arg0) {expected = 1 : i64} : (tensor<i64>) -> ()
  "tapec.return"() : () -> ()
""")
    with pytest.raises(VerificationError, match="guard has 0 results"):
        replay(graph, [make(np.array(1))])
