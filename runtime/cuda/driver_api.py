"""NVIDIA's driver, `libcuda`, by its C interface: context, memory, modules and launches.

It has been tested against a library of the same names that emulates kernels on the host, never against a GPU.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

from tapec.errors import DeviceError, DeviceMemoryError, DeviceNotFoundError

_LIBRARY = "libcuda.so.1"
_OUT_OF_MEMORY = 2
_MAJOR, _MINOR = 75, 76  # attributes of a device: its compute capability
LEAST_CAPABILITY = (7, 0)
_NON_BLOCKING = 1  # kind of stream
_RELAXED = 2  # kind of capture: other calls of this thread, and of others, are not looked at


def load_library() -> Any:
    """The driver's library.

    Raises:
        DeviceNotFoundError: it is not installed.
    """
    try:
        return ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise DeviceNotFoundError(
            f"no NVIDIA driver: {_LIBRARY} can't be loaded ({error}). Install the driver that fits the GPU, or leave "
            '`device` out: everything works on the CPU, and tp.device("emulated") is there to try a program'
        ) from None


class Driver:
    """The first GPU of the machine.

    Attributes:
        name: of the GPU.
        capability: its compute capability, (7, 0) for `sm_70`.

    Raises:
        DeviceNotFoundError: there is no GPU, or only an older one.
    """

    def __init__(self, library: Any) -> None:
        self._library = library
        if code := library.cuInit(0):
            raise DeviceNotFoundError(f"the NVIDIA driver finds no GPU: cuInit says {self._error(code)}")
        count = ctypes.c_int()
        self._call("cuDeviceGetCount", ctypes.byref(count))
        if not count.value:
            raise DeviceNotFoundError("the NVIDIA driver finds no GPU; is one hidden by CUDA_VISIBLE_DEVICES?")
        device, context, name = ctypes.c_int(), ctypes.c_void_p(), ctypes.create_string_buffer(256)
        self._call("cuDeviceGet", ctypes.byref(device), 0)
        self._call("cuDeviceGetName", name, len(name), device)
        self.name = name.value.decode()
        self.capability = (self._attribute(_MAJOR, device), self._attribute(_MINOR, device))
        if self.capability < LEAST_CAPABILITY:
            major, minor = LEAST_CAPABILITY
            raise DeviceNotFoundError(
                f"{self.name} has compute capability {self.capability[0]}.{self.capability[1]}; tapec needs at least "
                f"{major}.{minor}"
            )
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self._context = context

    def _error(self, code: int) -> str:
        text = ctypes.c_char_p()
        self._library.cuGetErrorName(code, ctypes.byref(text))
        return f"{(text.value or b'an error without a name').decode()} ({code})"

    def _call(self, function: str, *arguments: Any) -> None:
        code = getattr(self._library, function)(*arguments)
        if code:
            raise DeviceError(f"{function} of the NVIDIA driver failed: {self._error(code)}")

    def _attribute(self, number: int, device: Any) -> int:
        value = ctypes.c_int()
        self._call("cuDeviceGetAttribute", ctypes.byref(value), number, device)
        return value.value

    def enter(self) -> None:
        """Makes the GPU that of the calling thread."""
        self._call("cuCtxSetCurrent", self._context)

    def allocate(self, nbytes: int) -> int:
        """Memory of the GPU.

        Raises:
            DeviceMemoryError: there is not so much.
        """
        address = ctypes.c_uint64()
        code = self._library.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(nbytes))
        if code == _OUT_OF_MEMORY:
            free, total = ctypes.c_size_t(), ctypes.c_size_t()
            self._call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
            raise DeviceMemoryError(
                f"{self.name} has too little memory: {nbytes:,} bytes asked for, {free.value:,} of {total.value:,} "
                "free. Use smaller arrays, or let go of some; x.cpu() brings one to the CPU"
            )
        if code:
            raise DeviceError(f"cuMemAlloc_v2 of the NVIDIA driver failed: {self._error(code)}")
        return address.value

    def free(self, address: int) -> None:
        """Gives memory back."""
        self._call("cuMemFree_v2", ctypes.c_uint64(address))

    def send(self, address: int, source: int, nbytes: int) -> None:
        """Copies from the host, behind everything that was asked for before; the source stays until that is done."""
        to, size = ctypes.c_uint64(address), ctypes.c_size_t(nbytes)
        self._call("cuMemcpyHtoDAsync_v2", to, ctypes.c_void_p(source), size, None)

    def upload(self, address: int, source: int, nbytes: int) -> None:
        """Copies from the host, when everything that was asked for before is done."""
        self._call("cuMemcpyHtoD_v2", ctypes.c_uint64(address), ctypes.c_void_p(source), ctypes.c_size_t(nbytes))

    def download(self, to: int, address: int, nbytes: int) -> None:
        """Copies to the host, behind everything that was asked for before."""
        self._call("cuMemcpyDtoH_v2", ctypes.c_void_p(to), ctypes.c_uint64(address), ctypes.c_size_t(nbytes))

    def copy(self, to: int, source: int, nbytes: int) -> None:
        """Copies inside the GPU."""
        self._call("cuMemcpyDtoD_v2", ctypes.c_uint64(to), ctypes.c_uint64(source), ctypes.c_size_t(nbytes))

    def synchronize(self) -> None:
        """Waits until the GPU has done all that it was asked for."""
        self._call("cuCtxSynchronize")

    def load(self, text: str) -> Callable[[str], Any]:
        """Compiles PTX; what gives a kernel by its name."""
        module = ctypes.c_void_p()
        self._call("cuModuleLoadData", ctypes.byref(module), ctypes.c_char_p(text.encode()))

        def kernel(name: str) -> Any:
            function = ctypes.c_void_p()
            self._call("cuModuleGetFunction", ctypes.byref(function), module, ctypes.c_char_p(name.encode()))
            return function

        return kernel

    def launch(self, function: Any, grid: int, block: int, addresses: Sequence[int], stream: Any = None) -> None:
        """Runs a kernel whose parameters are addresses, on the default stream or on another."""
        values = (ctypes.c_uint64 * len(addresses))(*addresses)
        each = ctypes.sizeof(ctypes.c_uint64)
        pointers = (ctypes.c_void_p * len(addresses))(
            *[ctypes.addressof(values) + i * each for i in range(len(addresses))]
        )
        self._call("cuLaunchKernel", function, grid, 1, 1, block, 1, 1, 0, stream, pointers, None)

    # Graphs: several launches that are asked for at once --------------------------------------------------------------

    def capture(self, launches: Callable[[Any], None]) -> Any:
        """What `launches` asks for on the stream that it gets, as one thing to launch; nothing of it runs now."""
        stream, graph, made = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        # The default stream can't be captured, and this one must not wait for it.
        self._call("cuStreamCreate", ctypes.byref(stream), _NON_BLOCKING)
        try:
            self._call("cuStreamBeginCapture_v2", stream, _RELAXED)
            try:
                launches(stream)
            finally:
                self._call("cuStreamEndCapture", stream, ctypes.byref(graph))
            try:
                self._call("cuGraphInstantiateWithFlags", ctypes.byref(made), graph, ctypes.c_uint64(0))
            finally:
                self._call("cuGraphDestroy", graph)
        finally:
            self._call("cuStreamDestroy_v2", stream)
        return made

    def launch_graph(self, graph: Any) -> None:
        """Runs on the default stream what `capture` gave."""
        self._call("cuGraphLaunch", graph, None)

    def destroy_graph(self, graph: Any) -> None:
        """Ends what `capture` gave; a run that has been asked for is done first."""
        self._call("cuGraphExecDestroy", graph)
