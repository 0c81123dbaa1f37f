"""The file format: round trips, the format's own library as a witness, and files that are not whole."""

import json
import os
import stat

import numpy as np
import pytest
import safetensors.numpy

from tapec.errors import CorruptFileError
from tapec.ir import dtypes
from tapec.safetensors import read, write

ARRAYS = {
    **{d.name: np.arange(6).reshape(2, 3).astype(d.numpy) for d in dtypes.ALL},
    "scalar": np.float32(3.5).reshape(()),
    "empty": np.zeros((0, 4)),
    "special": np.array([np.nan, np.inf, -0.0, 5e-324]),
    "transposed": np.arange(12.0).reshape(3, 4).T,
    "big-endian": np.arange(3, dtype=">f8"),
    'näme "quoted"': np.ones(1),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.safetensors"


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].shape == array.shape, name
        assert found[name].dtype == array.dtype.newbyteorder("="), name
        assert found[name].tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes(), name


def test_round_trip(path):
    write(path, ARRAYS)
    same(read(path), ARRAYS)
    write(str(path), {})
    same(read(str(path)), {})


def test_the_formats_own_library_reads_what_is_written(path):
    write(path, ARRAYS)
    same(safetensors.numpy.load_file(path), ARRAYS)


def test_what_the_formats_own_library_writes_is_read(path):
    arrays = {name: np.array(a, a.dtype.newbyteorder("="), order="C") for name, a in ARRAYS.items()}
    safetensors.numpy.save_file(arrays, path, metadata={"made": "by hand"})
    same(read(path), arrays)


def test_arrays_are_aligned(path):
    write(path, ARRAYS)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    entries = json.loads(content[8 : 8 + length])
    for name, entry in entries.items():
        assert (8 + length + entry["data_offsets"][0]) % read(path)[name].itemsize == 0, name


def test_the_reserved_name(path):
    with pytest.raises(ValueError, match="__metadata__"):
        write(path, {"__metadata__": np.ones(1)})
    assert not path.exists()


def made(entries, data=b"", length=None):
    header = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return (len(header) if length is None else length).to_bytes(8, "little") + header + data


def entry(dtype="F32", shape=(1,), offsets=(0, 4)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes"),
        (b"1234567", "7 bytes"),
        (made({}, length=3), "3 bytes, and 2 follow"),
        (made({}, length=2**63), "and 2 follow"),
        (made(b"[]"), "does not begin"),
        (made(b"{'a'}"), "no JSON"),
        (made(b"{\xff}"), "no JSON"),
        (made(b'{"a":' * 100_000), "no JSON"),
        (made(b'{"a": 1, "a": 2}'), "twice"),
        (made({"a": 1}), "entry of 'a'"),
        (made({"a": {"dtype": "F32", "shape": [1]}}), "entry of 'a'"),
        (made({"a": entry(shape=(-1,))}, b"1234"), "entry of 'a'"),
        (made({"a": entry(shape=(1.0,))}, b"1234"), "entry of 'a'"),
        (made({"a": entry(shape=(True,))}, b"1234"), "entry of 'a'"),
        (made({"a": entry(offsets=(4, 0))}, b"1234"), "entry of 'a'"),
        (made({"a": entry(offsets=(0, 2, 4))}, b"1234"), "entry of 'a'"),
        (made({"a": entry("F8_E4M3", (2,))}, b"12"), "dtype F8_E4M3"),
        (made({"a": entry(["F32"])}, b"1234"), "dtype"),
        (made({"a": entry(shape=(2,))}, b"1234"), "has 4 bytes"),
        (made({"a": entry()}, b"123"), "ends at byte 4 of 3"),
        (made({"a": entry()}, b"12345"), "1 bytes follow"),
        (made({"a": entry(offsets=(4, 8))}, b"12345678"), "gap at byte 0"),
        (made({"a": entry(), "b": entry(offsets=(2, 6))}, b"123456"), "overlap or leave a gap at byte 2"),
    ],
)  # fmt: skip
def test_files_that_are_not_whole(path, content, message):
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_every_truncation_is_noticed(path):
    write(path, {"a": np.arange(5.0), "b": np.arange(3, dtype=np.int8)})
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(CorruptFileError):
            read(path)


def test_a_failing_write_leaves_the_old_file_and_no_other(path, monkeypatch):
    write(path, {"a": np.ones(2)})
    before = path.read_bytes()

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write(path, {"a": np.zeros(2)})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_the_data_is_on_disk_before_the_name_is_given(path, monkeypatch):
    events = []
    fsync, replace = os.fsync, type(path).replace

    def noting_fsync(descriptor):
        events.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def noting_replace(self, target):
        events.append("name")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(type(path), "replace", noting_replace)
    write(path, ARRAYS)
    assert events == ["file", "name", "folder"]


def test_permissions_are_those_of_any_new_file(path):
    write(path, {"a": np.ones(1)})
    other = path.with_name("other")
    other.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)
