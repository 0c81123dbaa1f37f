"""NVIDIA's driver as far as tapec calls it: memory of the host, and kernels that are emulated."""

import ctypes
import re

import numpy as np

from tapec.runtime.cuda import gpu
from tapec.runtime.cuda.emulation import EmulatedKernels

ERRORS = {2: b"CUDA_ERROR_OUT_OF_MEMORY", 100: b"CUDA_ERROR_NO_DEVICE", 719: b"CUDA_ERROR_LAUNCH_FAILED"}


class FakeDriver:
    """The functions of `libcuda` that are called, with their C conventions: pointers are written through, a code comes
    back.
    """

    def __init__(self, count=1, capability=(8, 6), memory=1 << 30, init=0):
        self.count, self.capability, self.memory, self.init = count, capability, memory, init
        self.arrays = {}
        self.modules = []  # of each its PTX, its kernels, and the same emulated
        self.functions = []  # of each its module and its name
        self.launched = []
        self.downloads = self.uploads = 0
        self.sent = []
        self.failing = 0
        self.waits = 0
        self.streams = 0
        self.captured = None  # launches, while they are captured
        self.graphs = {}

    def know(self, kernels):
        """What can't be read from PTX here: the kernels that the module loaded last holds."""
        text, *_ = self.modules[-1]
        self.modules[-1] = text, {k.name: k for k in kernels}, EmulatedKernels(kernels)

    @property
    def loaded(self):
        return self.modules[-1][0]

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

    def cuCtxSynchronize(self):
        self.waits += 1
        self._catch_up()
        return 0

    def _move(self, to, source, size):
        ctypes.memmove(to.value, source.value, size.value)
        return 0

    def cuMemcpyHtoD_v2(self, to, source, size):
        self.uploads += 1
        self._catch_up()
        return self._move(to, source, size)

    def cuMemcpyHtoDAsync_v2(self, to, source, size, stream):
        assert stream is None
        self.sent.append((to, source, size))
        return 0

    def _catch_up(self):
        """What was sent is read as late as a driver may read it."""
        for copy in self.sent:
            self._move(*copy)
        self.sent.clear()

    def cuMemcpyDtoD_v2(self, to, source, size):
        self._catch_up()
        return self._move(to, source, size)

    def cuMemcpyDtoH_v2(self, to, source, size):
        self.downloads += 1
        self._catch_up()
        return self._move(to, source, size)

    def cuModuleLoadData(self, out, text):
        self.modules.append((text.value.decode(), {}, None))
        out._obj.value = len(self.modules)
        return 0

    def cuModuleGetFunction(self, out, module, name):
        wanted = name.value.decode()
        assert wanted in re.findall(r"\.entry (\w+)\(", self.modules[module.value - 1][0])
        self.functions.append((module.value - 1, wanted))
        out._obj.value = len(self.functions)
        return 0

    def cuStreamCreate(self, out, flags):
        assert flags == 1  # one that waits for the default stream could not be captured
        self.streams += 1
        out._obj.value = 0x57
        return 0

    def cuStreamDestroy_v2(self, stream):
        assert stream.value == 0x57
        self.streams -= 1
        return 0

    def cuStreamBeginCapture_v2(self, stream, mode):
        assert (stream.value, mode, self.captured) == (0x57, 2, None)
        self.captured = []
        return 0

    def cuStreamEndCapture(self, stream, out):
        assert stream.value == 0x57
        self.drawn, self.captured = self.captured, None
        out._obj.value = 0x6F
        return 0

    def cuGraphInstantiateWithFlags(self, out, graph, flags):
        assert (graph.value, flags.value) == (0x6F, 0)
        out._obj.value = 0x700 + len(self.graphs)
        self.graphs[out._obj.value] = self.drawn
        return self.failing

    def cuGraphDestroy(self, graph):
        assert graph.value == 0x6F
        return 0

    def cuGraphExecDestroy(self, graph):
        self.graphs[graph.value] = None
        return 0

    def cuGraphLaunch(self, graph, stream):
        assert stream is None
        self._catch_up()
        for emulated, kernel, addresses in self.graphs[graph.value]:
            emulated.run(kernel, addresses)
        self.launched.append("graph")
        return self.failing

    def cuLaunchKernel(self, function, gx, gy, gz, bx, by, bz, shared, stream, parameters, extra):
        module, name = self.functions[function.value - 1]
        _, kernels, emulated = self.modules[module]
        kernel = kernels[name]
        assert (gx, gy, gz, bx, by, bz, shared, extra) == (kernel.grid, 1, 1, kernel.block, 1, 1, 0, None)
        assert (stream is None) == (self.captured is None)
        addresses = [ctypes.c_uint64.from_address(p).value for p in parameters]
        assert len(addresses) == len(kernel.buffers) + 1
        if self.captured is not None:
            self.captured.append((emulated, kernel, addresses))
            return self.failing
        self._catch_up()
        emulated.run(kernel, addresses)
        self.launched.append(name)
        return self.failing


class FakeGpu(gpu.GpuTarget):
    """The first GPU of a machine that has none."""

    def __init__(self, fake, monkeypatch):
        monkeypatch.setattr(gpu, "load_library", lambda: fake)
        super().__init__()
        self.fake = fake

    def backend(self, plan):
        made = super().backend(plan)
        if plan.kernels:
            self.fake.know(plan.kernels)
        return made
