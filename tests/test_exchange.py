"""DLPack and `__cuda_array_interface__`: the same memory in other libraries, and theirs here."""

import ctypes
import gc
import weakref

import numpy as np
import pytest
from fake_driver import FakeDriver, FakeGpu
from random_graphs import assert_same_bits

import tapec as tp
from tapec import devices
from tapec.errors import ArgumentError, DTypeError, EagerFallbackWarning
from tapec.runtime.dlpack import CUDA, _managed, exported, imported

X = np.arange(12.0).reshape(3, 4)
DTYPES = ("f8", "f4", "f2", "i8", "i4", "u8", "u1", "?")


class Given:
    """An array of another library, on any device."""

    def __init__(self, array, device=(CUDA, 0), old=False):
        self.array, self.device, self.old = array, device, old
        self.streams = []
        self.bits = 8 * array.itemsize

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, *, stream=None, **options):
        if self.old and options:
            raise TypeError("unknown arguments")
        self.streams.append(stream)
        a = self.array
        version = options.get("max_version")
        made = exported(a.ctypes.data, a.dtype, a.shape, a.strides, self, self.device, version, writable=False)
        _managed(made)[1].tensor.bits = self.bits
        return made


@pytest.fixture
def gpu(monkeypatch):
    """A fake GPU as `tp.device("cuda")`."""
    fake = FakeDriver()
    found = devices.Device("cuda", FakeGpu(fake, monkeypatch))
    monkeypatch.setitem(devices._KNOWN, "cuda", found)
    return found


@pytest.mark.cpu  # about memory that NumPy shares
def test_numpy_reads_tensors():
    for dtype in DTYPES:
        t = tp.constant(X.astype(dtype))
        for view in (t, t.T, t[1:, ::2], t[:0], t[0, 0]):
            found = np.from_dlpack(view)
            assert_same_bits([found], [view.numpy()])
            assert not found.flags.writeable
        assert np.shares_memory(np.from_dlpack(t), t)
        own = np.from_dlpack(t, copy=True)
        assert own.flags.writeable
        assert not np.shares_memory(own, t)


def test_numpys_arrays_are_taken():
    for dtype in DTYPES:
        x = X.astype(dtype)
        for view in (x, x.T, x[1:, ::2]):
            t = tp.from_dlpack(view)
            assert np.shares_memory(t, x)
            assert_same_bits([t.numpy(), (t.T == t.T).numpy()], [view, np.ones(view.T.shape, bool)])
    with pytest.raises(DTypeError, match="complex"):
        tp.from_dlpack(X + 1j)
    with pytest.raises(ArgumentError, match="a list does not know DLPack"):
        tp.from_dlpack([1.0])
    with pytest.raises(ArgumentError, match="device 8"):
        tp.from_dlpack(Given(X, (8, 0)))


def test_memory_lives_as_long_as_it_is_needed():
    t = tp.constant(X)
    alive = weakref.ref(t._array)
    found = np.from_dlpack(t)
    del t
    gc.collect()
    assert_same_bits([found], [X])
    del found
    gc.collect()
    assert alive() is None
    x = X.copy()
    base, t = weakref.ref(x), tp.from_dlpack(x)
    del x
    gc.collect()
    assert_same_bits([t.numpy()], [X])
    del t
    gc.collect()
    assert base() is None


def test_capsules_that_nobody_takes_hold_nothing():
    t = tp.constant(X)
    alive = weakref.ref(t._array)
    t.__dlpack__(), t.__dlpack__(max_version=(1, 1))
    del t
    gc.collect()
    assert alive() is None


def test_consumers_of_the_old_protocol():
    capsule = tp.constant(X).__dlpack__()
    assert imported(capsule).shape == (3, 4)
    with pytest.raises(BufferError, match="used"):
        imported(capsule)


def test_what_can_not_be_had():
    t = tp.constant(X)
    with pytest.raises(BufferError, match=r"device \(2, 0\)"):
        t.__dlpack__(dl_device=(CUDA, 0))
    with pytest.raises(BufferError, match="no streams"):
        t.__dlpack__(stream=1)
    with pytest.raises(AttributeError, match="no __cuda_array_interface__"):
        t.__cuda_array_interface__


def test_tapes_and_functions():
    x = tp.Variable(X)
    with tp.GradientTape() as tape:
        y = np.sum(x * tp.from_dlpack(X))
    assert_same_bits([tape.gradient(y, x).numpy()], [X])

    @tp.function
    def f(x):
        return x * tp.constant(np.from_dlpack(x))

    with pytest.warns(EagerFallbackWarning, match="__dlpack__"):
        assert_same_bits([f(tp.constant(X)).numpy()], [X * X])


def test_jax():
    jax = pytest.importorskip("jax")
    t = tp.constant(X.astype(np.float32))
    assert_same_bits([np.asarray(jax.numpy.from_dlpack(t))], [t.numpy()])
    theirs = jax.numpy.arange(5.0)
    ours = tp.from_dlpack(theirs)
    assert ours._array.ctypes.data == theirs.unsafe_buffer_pointer()
    assert_same_bits([(ours + 1.0).numpy()], [np.arange(1.0, 6.0, dtype=ours.dtype)])


def test_torch():
    torch = pytest.importorskip("torch")
    t = tp.constant(X)
    theirs = torch.from_dlpack(t)
    assert theirs.data_ptr() == t._array.ctypes.data
    assert_same_bits([tp.from_dlpack(theirs.T).numpy()], [X.T])


def test_the_emulated_device_is_memory_of_the_host():
    t = tp.to_device(X, "emulated")
    found = np.from_dlpack(t)
    assert found.ctypes.data == t._array.address
    assert not found.flags.writeable
    alive = weakref.ref(t._array)
    del t
    gc.collect()
    assert_same_bits([found], [X])
    del found
    gc.collect()
    assert alive() is None


def test_a_gpus_memory(gpu):
    t = tp.to_device(X, "cuda")
    assert t.__dlpack_device__() == (CUDA, 0)
    for capsule in (t.__dlpack__(stream=1), t.__dlpack__(stream=-1, max_version=(1, 1))):
        found = imported(capsule)
        assert found[:4] == (t._array.address, (CUDA, 0), X.dtype, X.shape)
        found.release()
    again = tp.from_dlpack(t)
    assert again._array.address == t._array.address
    assert again.device is gpu
    assert_same_bits([(again * 2.0).numpy()], [X * 2.0])
    fake = gpu.memory.driver._library
    assert fake.waits == 0
    t.__dlpack__(stream=7)  # somebody works on another stream
    assert fake.waits == 1
    own = imported(t.__dlpack__(stream=1, copy=True))
    assert own.address != t._array.address
    here = np.from_dlpack(t, device="cpu")
    assert_same_bits([here], [X])
    with pytest.raises(BufferError, match="without a copy"):
        np.from_dlpack(t, device="cpu", copy=False)


@pytest.mark.parametrize("old", [False, True])
def test_memory_that_others_give(gpu, old):
    given = Given(X.copy(), old=old)
    t = tp.from_dlpack(given)
    assert given.streams == [1]  # where tapec works
    assert t._array.address == given.array.ctypes.data
    assert_same_bits([np.sum(t, 1).numpy()], [X.sum(1)])
    alive = weakref.ref(given)
    del given
    gc.collect()
    assert alive() is not None
    del t
    gc.collect()
    assert alive() is None


def test_memory_that_can_not_be_taken(gpu):
    with pytest.raises(BufferError, match="not contiguous"):
        tp.from_dlpack(Given(X.T))
    with pytest.raises(ArgumentError, match="GPU 1"):
        tp.from_dlpack(Given(X, (CUDA, 1)))
    wide = Given(X)
    wide.bits = 128
    with pytest.raises(DTypeError):
        tp.from_dlpack(wide)
    odd = Given(X.reshape(-1)[1:])  # kernels read 16 bytes at a time
    t = tp.from_dlpack(odd)
    assert t._array.address != odd.array.ctypes.data
    assert_same_bits([t.numpy()], [X.reshape(-1)[1:]])


def test_memory_that_others_had_waits_for_them(gpu):
    fake = gpu.memory.driver._library
    t = tp.to_device(X, "cuda")
    imported(t.__dlpack__(stream=1)).release()
    del t
    gc.collect()
    assert fake.waits == 1


def test_cuda_array_interface(gpu):
    t = tp.to_device(X, "cuda")
    interface = t.__cuda_array_interface__
    assert interface["data"] == (t._array.address, True)
    assert (interface["shape"], interface["typestr"], interface["strides"]) == ((3, 4), "<f8", None)
    assert (interface["version"], interface["stream"]) == (3, 1)

    class Theirs:
        def __init__(self, **more):
            self.data = X.copy()
            self.__cuda_array_interface__ = {
                "version": 3, "shape": X.shape, "typestr": "<f8", "data": (self.data.ctypes.data, False), **more,
            }  # fmt: skip

    theirs = Theirs(stream=7)
    waits = gpu.memory.driver._library.waits
    (taken,) = tp.to_device([theirs], "cuda")
    assert gpu.memory.driver._library.waits == waits + 1
    assert taken._array.address == theirs.data.ctypes.data
    alive = weakref.ref(theirs)
    del theirs
    gc.collect()
    assert_same_bits([(taken + t).numpy()], [X + X])
    del taken
    gc.collect()
    assert alive() is None
    with pytest.raises(BufferError, match="not contiguous"):
        tp.to_device(Theirs(strides=(8, 24)), "cuda")


def test_nothing_waits_for_the_gpu(gpu):
    fake = gpu.memory.driver._library
    w = tp.to_device(tp.Variable(X), "cuda")
    f = tp.function(lambda x: np.exp(x @ w.value().T) * 2.0)
    x = tp.to_device(X, "cuda")
    f(x)
    fake.downloads = fake.waits = 0
    for _ in range(3):
        with tp.GradientTape() as tape:
            loss = np.sum(np.tanh(x * w) ** 2)
        w.assign_sub(tape.gradient(loss, w) * 0.1)
        y = f(x)
    assert (fake.downloads, fake.waits) == (0, 0)
    assert np.take(y, tp.to_device(np.array([1]), "cuda"), 0).shape == (1, 3)
    assert fake.downloads == 1  # an index may be out of range: that is looked at
    y.numpy()
    assert fake.downloads == 2


def test_launches_that_fail_leave_everything_usable(gpu):
    fake = gpu.memory.driver._library
    x = tp.to_device(X, "cuda")
    x + 1.0
    fake.failing = 719
    with pytest.raises(tp.errors.DeviceError, match="CUDA_ERROR_LAUNCH_FAILED"):
        x + 1.0
    fake.failing = 0
    assert_same_bits([(x + 1.0).numpy(), (tp.constant(X) + 1.0).numpy()], [X + 1.0] * 2)


@pytest.mark.cpu  # about memory that NumPy shares
def test_layouts():
    """The offsets of DLPack's header, version 1.0."""
    t = tp.constant(X)
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.argtypes, pointer.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_void_p
    new = t.__dlpack__(max_version=(1, 0))
    address = pointer(new, b"dltensor_versioned")
    assert ctypes.c_uint32.from_address(address).value == 1
    assert ctypes.c_uint64.from_address(address + 24).value & 1  # read-only
    assert ctypes.c_uint64.from_address(address + 32).value == t._array.ctypes.data
    old = t.__dlpack__()
    assert ctypes.c_uint64.from_address(pointer(old, b"dltensor")).value == t._array.ctypes.data
