"""The file format safetensors: a header in JSON that says where each array lies, then the arrays.

Written to the format's description and checked against its own library in the tests. Why not that library:
docs/design/0012-saving.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np

from tapec.errors import CorruptFileError
from tapec.ir import dtypes

Array = np.ndarray[Any, Any]

# The element types that tapec holds, by the format's names; a file may hold others, which `read` refuses.
_NAMES: Final = {
    "BOOL": "i1", "I8": "i8", "I16": "i16", "I32": "i32", "I64": "i64", "U8": "ui8", "U16": "ui16", "U32": "ui32",
    "U64": "ui64", "BF16": "bf16", "F16": "f16", "F32": "f32", "F64": "f64",
}  # fmt: skip
_CODES: Final = {name: code for code, name in _NAMES.items()}
_LONGEST_HEADER = 100_000_000
_METADATA = "__metadata__"


def write(path: str | os.PathLike[str], arrays: Mapping[str, Array]) -> None:
    """Writes a file. It appears under its name at once and whole, or the one that was there stays.

    Raises:
        ValueError: a name is `__metadata__`, which the format keeps for itself.
        OSError: the file can't be written.
    """
    entries: dict[str, Any] = {}
    data: list[Array] = []
    end = 0
    if _METADATA in arrays:
        raise ValueError(f"the format keeps the name {_METADATA!r} for itself; rename the array")
    # The widest first, so that every array is aligned.
    for name, array in sorted(arrays.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):
        dense = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
        start, end = end, end + dense.nbytes
        entries[name] = {
            "dtype": _CODES[dtypes.of(dense.dtype).name],
            "shape": list(dense.shape),
            "data_offsets": [start, end],
        }
        data.append(dense)
    header = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)
    content = [a.reshape(-1).view(np.uint8).data for a in data]
    _replace(Path(path), [len(header).to_bytes(8, "little"), header, *content])


def _replace(path: Path, parts: list[Any]) -> None:
    """Writes beside `path`, waits until the disk has it, and only then gives it the name."""
    beside = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        with beside.open("xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)  # the new name is in the folder, which must reach the disk too
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The arrays in a file.

    Raises:
        CorruptFileError: the file is no safetensors file, or not a whole one, or holds a dtype that tapec does not.
        DTypeError: it holds bfloat16, and the package `ml_dtypes` is not installed.
        OSError: the file can't be read.
    """
    content = memoryview(Path(path).read_bytes())
    try:
        return _parse(content)
    except _FormatError as error:
        raise CorruptFileError(f"{os.fspath(path)} is not a whole safetensors file: {error}") from error


class _FormatError(Exception):
    """What is wrong with the bytes of a file."""


def _parse(content: memoryview) -> dict[str, Array]:
    if len(content) < 8:
        raise _FormatError(f"it has {len(content)} bytes, and the length of the header alone takes 8")
    length = int.from_bytes(content[:8], "little")
    if length > min(_LONGEST_HEADER, len(content) - 8):
        raise _FormatError(f"its header is said to take {length} bytes, and {len(content) - 8} follow")
    data = content[8 + length :]
    entries = _header(bytes(content[8 : 8 + length]))
    arrays, spans = {}, []
    for name, entry in entries.items():
        dtype, shape, start, end = _entry(name, entry)
        if end - start != prod(shape) * dtype.itemsize:
            raise _FormatError(f"{name!r} is {dtype}{shape} and has {end - start} bytes")
        spans.append((start, end))
        if end > len(data):
            raise _FormatError(f"{name!r} ends at byte {end} of {len(data)}")
        arrays[name] = np.frombuffer(data[start:end], dtype).reshape(shape).astype(dtype.newbyteorder("="))
    reached = 0
    for start, end in sorted(spans):
        if start != reached:
            raise _FormatError(f"arrays overlap or leave a gap at byte {min(start, reached)}")
        reached = end
    if reached != len(data):
        raise _FormatError(f"{len(data) - reached} bytes follow the last array")
    return arrays


def _header(text: bytes) -> dict[str, Any]:
    if not text.startswith(b"{"):
        raise _FormatError("its header does not begin with '{'")
    try:
        entries = json.loads(text.decode(), object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as error:
        raise _FormatError(f"its header is no JSON ({error})") from error
    entries.pop(_METADATA, None)
    return dict(entries)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _FormatError("its header names something twice")
    return found


def _entry(name: str, entry: Any) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise _FormatError(f"the entry of {name!r} is {entry!r}")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not (_sizes(shape) and _sizes(offsets) and len(offsets) == 2 and offsets[0] <= offsets[1]):
        raise _FormatError(f"the entry of {name!r} is {entry!r}")
    if not isinstance(code, str) or code not in _NAMES:
        raise _FormatError(f"{name!r} has the dtype {code}, and tapec holds {', '.join(_NAMES)}")
    return dtypes.by_name(_NAMES[code]).numpy.newbyteorder("<"), tuple(shape), offsets[0], offsets[1]


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and n >= 0 for n in value)
