"""The driver's interface, against a library of the same names whose kernels are emulated on the host."""

import numpy as np
import pytest
from control_graphs import arrays_for, f64
from cuda_programs import Case, lorenz, numbers, scan_graph, softmax
from fake_driver import FakeDriver, FakeGpu
from random_graphs import assert_same_bits

from tapec.errors import DeviceError, DeviceMemoryError, DeviceNotFoundError
from tapec.ops import linalg
from tapec.ops.symbolic import apply, matmul, transpose
from tapec.passes.cuda import planner
from tapec.passes.kernel_status import FINE, NO_FACTORS
from tapec.runtime.cuda.driver_api import Driver
from tapec.runtime.cuda.emulation import GuardedMemory, OutOfBoundsError, elements_at
from tapec.runtime.interpreter import interpret


def program(graph, fake, monkeypatch):
    return FakeGpu(fake, monkeypatch).compile(graph)


def test_programs_run(monkeypatch):
    x = numbers(130, 40)
    for graph, arrays in (
        (Case(softmax, (x,)).graph, [x]),
        (Case(lambda x: x + 1.0, (numbers(0),)).graph, [numbers(0)]),
        (scan_graph([f64(300)] * 3, [], lorenz, 5), None),
    ):
        arrays = arrays if arrays is not None else arrays_for(graph)
        fake = FakeDriver()
        status, outputs, guards = program(graph, fake, monkeypatch).run(arrays)
        assert (status, guards) == (FINE, [])
        assert_same_bits([a.host() for a in outputs], interpret(graph, arrays)[0])
        if fake.launched:
            assert ".target sm_80" in fake.loaded


def test_loops_of_the_host_run(monkeypatch):
    """Carries are copied inside the GPU."""
    monkeypatch.setattr(planner, "control_kernels", lambda *_: None)
    for n in (3, 40):
        graph = scan_graph([f64(n)] * 3, [], lorenz, 3)
        arrays = arrays_for(graph)
        status, outputs, _ = program(graph, FakeDriver(), monkeypatch).run(arrays)
        assert status == FINE
        assert_same_bits([a.host() for a in outputs], interpret(graph, arrays)[0])


def test_memory_that_there_is_not(monkeypatch):
    x = numbers(1000)
    fake = FakeDriver(memory=6000)
    made = program(Case(lambda x: x + 1.0, (x,)).graph, fake, monkeypatch)
    with pytest.raises(DeviceMemoryError, match=r"4,000 bytes asked for, 1,904 of 6,000 free"):
        made.run([x])
    fake.memory = 1 << 20
    assert made.run([x])[0] == FINE


def test_no_gpu():
    with pytest.raises(DeviceNotFoundError, match=r"CUDA_ERROR_NO_DEVICE \(100\)"):
        Driver(FakeDriver(init=100))
    with pytest.raises(DeviceNotFoundError, match="CUDA_VISIBLE_DEVICES"):
        Driver(FakeDriver(count=0))
    with pytest.raises(DeviceNotFoundError, match=r"Fake GPU has compute capability 6\.1"):
        Driver(FakeDriver(capability=(6, 1)))


def test_a_launch_that_fails(monkeypatch):
    x = numbers(10)
    fake = FakeDriver()
    made = program(Case(lambda x: x + 1.0, (x,)).graph, fake, monkeypatch)
    fake.failing = 719
    with pytest.raises(DeviceError, match=r"cuLaunchKernel.*CUDA_ERROR_LAUNCH_FAILED \(719\)"):
        made.run([x])


def test_the_host_does_what_has_no_kernel(monkeypatch):
    """Its operand waits for the kernels before it, and the kernels behind it read what it sent."""
    x, fake = numbers(20, 20, dtype="f8"), FakeDriver()
    graph = Case(lambda x: apply(linalg.cholesky, matmul(x, transpose(x, (1, 0)))) * 2.0, (x,)).graph
    made = program(graph, fake, monkeypatch)
    expected, _ = interpret(graph, [x])
    for _ in range(2):
        status, outputs, _ = made.run([x])
        assert status == FINE
        assert_same_bits([o.host() for o in outputs], expected)
    assert made.run([np.zeros((20, 20))])[0] == NO_FACTORS


def test_writing_beside_an_array_is_noticed():
    for offset in (-1, 8):
        memory = GuardedMemory(8)
        elements_at(memory.address, np.dtype(np.uint8), 8)[:] = 0
        memory.check("kernel")
        elements_at(memory.address + offset, np.dtype(np.uint8), 1)[0] = 0
        with pytest.raises(OutOfBoundsError, match="kernel wrote outside an array of 8 bytes"):
            memory.check("kernel")


def test_memory_of_an_emulated_array():
    array = np.arange(3.0)
    assert elements_at(array.ctypes.data, array.dtype, 3)[2] == 2.0
