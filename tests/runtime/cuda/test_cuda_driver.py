"""The driver's interface, against a library of the same names whose kernels are emulated on the host."""

import ctypes
import re

import numpy as np
import pytest
from control_graphs import arrays_for, f64
from cuda_programs import Case, lorenz, numbers, scan_graph, softmax
from random_graphs import assert_same_bits

from tapec.errors import DeviceError, DeviceMemoryError, DeviceNotFoundError, UnsupportedOnDeviceError
from tapec.ops.symbolic import matmul
from tapec.passes.cuda import planner
from tapec.passes.kernel_status import FINE
from tapec.runtime.cuda import gpu
from tapec.runtime.cuda.driver_api import Driver
from tapec.runtime.cuda.emulation import EmulatedKernels, GuardedMemory, OutOfBoundsError, elements_at
from tapec.runtime.interpreter import interpret

ERRORS = {2: b"CUDA_ERROR_OUT_OF_MEMORY", 100: b"CUDA_ERROR_NO_DEVICE", 719: b"CUDA_ERROR_LAUNCH_FAILED"}


class FakeDriver:
    """The functions of `libcuda` that are called, with their C conventions: pointers are written through, a code comes
    back.
    """

    def __init__(self, count=1, capability=(8, 6), memory=1 << 30, init=0):
        self.count, self.capability, self.memory, self.init = count, capability, memory, init
        self.arrays = {}
        self.kernels = {}
        self.loaded = ""
        self.launched = []
        self.failing = 0

    def know(self, kernels):
        """What can't be read from PTX here: the kernels that it holds."""
        self.emulated = EmulatedKernels(kernels)
        self.kernels = {k.name: k for k in kernels}

    def cuInit(self, flags):
        return self.init

    def cuGetErrorName(self, code, out):
        out._obj.value = ERRORS.get(code)
        return 0

    def cuDeviceGetCount(self, out):
        out._obj.value = self.count
        return 0

    def cuDeviceGet(self, out, number):
        out._obj.value = number
        return 0

    def cuDeviceGetName(self, out, size, device):
        out.value = b"Fake GPU"
        return 0

    def cuDeviceGetAttribute(self, out, number, device):
        out._obj.value = self.capability[{75: 0, 76: 1}[number]]
        return 0

    def cuDevicePrimaryCtxRetain(self, out, device):
        out._obj.value = 0xC0
        return 0

    def cuCtxSetCurrent(self, context):
        assert context.value == 0xC0
        return 0

    def cuMemGetInfo_v2(self, free, total):
        free._obj.value, total._obj.value = self.memory - self.used, self.memory
        return 0

    @property
    def used(self):
        return sum(a.nbytes for a in self.arrays.values())

    def cuMemAlloc_v2(self, out, size):
        assert size.value > 0
        if self.used + size.value > self.memory:
            return 2
        whole = np.empty(size.value + 256, np.uint8)
        start = -whole.ctypes.data % 256
        out._obj.value = whole.ctypes.data + start
        self.arrays[out._obj.value] = whole[start : start + size.value]
        return 0

    def cuMemFree_v2(self, address):
        del self.arrays[address.value]
        return 0

    def _move(self, to, source, size):
        ctypes.memmove(to.value, source.value, size.value)
        return 0

    cuMemcpyHtoD_v2 = cuMemcpyDtoH_v2 = cuMemcpyDtoD_v2 = _move

    def cuModuleLoadData(self, out, text):
        self.loaded = text.value.decode()
        out._obj.value = 0xD0
        return 0

    def cuModuleGetFunction(self, out, module, name):
        assert module.value == 0xD0
        names = re.findall(r"\.entry (\w+)\(", self.loaded)
        out._obj.value = 1 + names.index(name.value.decode())
        return 0

    def cuLaunchKernel(self, function, gx, gy, gz, bx, by, bz, shared, stream, parameters, extra):
        name = re.findall(r"\.entry (\w+)\(", self.loaded)[function.value - 1]
        kernel = self.kernels[name]
        assert (gx, gy, gz, bx, by, bz, shared, stream, extra) == (kernel.grid, 1, 1, kernel.block, 1, 1, 0, None, None)
        addresses = [ctypes.c_uint64.from_address(p).value for p in parameters]
        assert len(addresses) == len(kernel.buffers) + 1
        self.emulated.run(kernel, addresses)
        self.launched.append(name)
        return self.failing


def program(graph, fake, monkeypatch):
    monkeypatch.setattr(gpu, "load_library", lambda: fake)
    made = gpu.GpuTarget().compile(graph)
    fake.know(made.plan.kernels)
    return made


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
    monkeypatch.setattr(planner, "control_kernel", lambda *_: None)
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
    with pytest.raises(DeviceMemoryError, match=r"4,000 bytes asked for, 880 of 6,000 free"):
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


def test_libraries_are_not_bound(monkeypatch):
    x = numbers(512, 512)
    made = program(Case(lambda x: matmul(x, x), (x,)).graph, FakeDriver(), monkeypatch)
    with pytest.raises(UnsupportedOnDeviceError, match="cuBLAS"):
        made.run([x])


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
