"""CUDA graphs: what runs again on the same addresses is one launch."""

import numpy as np
import pytest
from control_graphs import arrays_for, f64
from cuda_programs import Case, lorenz, numbers, scan_graph
from fake_driver import FakeDriver, FakeGpu
from random_graphs import assert_same_bits

from tapec.errors import DeviceError
from tapec.ops.symbolic import matmul, transpose
from tapec.passes.cuda import planner
from tapec.runtime.cuda import graphs
from tapec.runtime.interpreter import interpret


def several(x):
    return matmul(matmul(x, transpose(x, (1, 0))), x) + 1.0, x * 2.0


def made(monkeypatch, graph):
    fake = FakeDriver()
    return fake, FakeGpu(fake, monkeypatch).compile(graph)


def run(program, array):
    _, outputs, _ = program.run([program.backend.memory.put(array)])
    return [a.host() for a in outputs]


def test_what_comes_again_is_one_launch(monkeypatch):
    arrays = [numbers(7, 5, seed=s) for s in range(6)]
    case = Case(several, (arrays[0],))
    fake, program = made(monkeypatch, case.graph)
    counts = []
    for array in arrays:
        before = len(fake.launched)
        assert_same_bits(run(program, array), interpret(case.graph, [array])[0])
        counts.append(len(fake.launched) - before)
    kernels = len(program.plan.kernels)
    assert kernels > 2
    # Fresh memory comes in any order, and from the second run on the pool gives the same again.
    assert counts[0] == counts[1] == kernels
    assert counts[3:] == [1, 1, 1]
    assert fake.launched[-1] == "graph"
    assert fake.streams == 0


def test_other_addresses_are_another_graph(monkeypatch):
    x, y = numbers(7, 5), numbers(7, 5, seed=1)
    case = Case(several, (x,))
    fake, program = made(monkeypatch, case.graph)
    held = [program.run([program.backend.memory.put(x)])[1] for _ in range(3)]  # results that stay take up their places
    assert "graph" not in fake.launched
    for _ in range(3):
        assert_same_bits(run(program, y), interpret(case.graph, [y])[0])
    for outputs in held:
        assert_same_bits([a.host() for a in outputs], interpret(case.graph, [x])[0])


def test_graphs_that_are_not_used_go(monkeypatch):
    monkeypatch.setattr(graphs, "_MOST", 2)
    x = numbers(7, 5)
    fake, program = made(monkeypatch, Case(several, (x,)).graph)
    given = [program.backend.memory.put(x) for _ in range(3)]
    for there in given:
        for _ in range(3):
            assert_same_bits([a.host() for a in program.run([there])[1]], interpret(Case(several, (x,)).graph, [x])[0])
    assert [graph is None for graph in fake.graphs.values()] == [True, False, False]


def test_loops_of_the_host_are_not_in_graphs(monkeypatch):
    monkeypatch.setattr(planner, "control_kernels", lambda *_: None)
    graph = scan_graph([f64(40)] * 3, [], lorenz, 3)
    arrays = arrays_for(graph)
    fake, program = made(monkeypatch, graph)
    given = [program.backend.memory.put(a) for a in arrays]
    for _ in range(4):
        assert_same_bits([a.host() for a in program.run(given)[1]], interpret(graph, arrays)[0])
    assert "graph" not in fake.launched


def test_a_capture_that_fails(monkeypatch):
    x = numbers(7, 5)
    fake, program = made(monkeypatch, Case(several, (x,)).graph)
    captured = fake.cuStreamEndCapture
    with monkeypatch.context() as patched:
        patched.setattr(fake, "cuStreamEndCapture", lambda *a: captured(*a) or 719)
        with pytest.raises(DeviceError, match="cuStreamEndCapture"):
            [run(program, x) for _ in range(4)]
    assert fake.streams == 0
    assert_same_bits(run(program, x), interpret(Case(several, (x,)).graph, [x])[0])


def test_seen_addresses_are_bounded(monkeypatch):
    monkeypatch.setattr(graphs, "_MOST_SEEN", 2)
    found = graphs.Graphs(None)
    for key in range(5):
        found.seen(key, len)
        assert len(found._seen) <= 2
    assert not np.any([found.launch(key) for key in range(5)])
