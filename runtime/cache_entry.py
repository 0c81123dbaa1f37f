"""One entry of the disk cache as bytes: a payload behind a header that tells a whole entry of ours from all else."""

from __future__ import annotations

import struct
from typing import Final

try:
    from _blake2 import blake2b  # `hashlib` loads OpenSSL, for which a start with a filled cache would wait 5 ms
except ImportError:  # an interpreter that was built without its own hashes
    from hashlib import blake2b

MAGIC: Final = b"tapec cache\n"
FORMAT: Final = 2  # of the header and of every payload: raise it when either changes
KEY_SIZE: Final = 32

_HEADER: Final = struct.Struct("<12sI32s32sQ")  # magic, format, key, digest of the payload, length of the payload
HEADER_SIZE: Final = _HEADER.size


def digest_of(data: bytes) -> bytes:
    """`KEY_SIZE` bytes that no other data have, in practice."""
    return blake2b(data, digest_size=KEY_SIZE).digest()


def key_of(*parts: bytes | str) -> bytes:
    """The name of what these parts determine: `KEY_SIZE` bytes, in practice never the same for two lists of parts."""
    digest = blake2b(b"%d" % FORMAT, digest_size=KEY_SIZE)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.digest()


def packed(key: bytes, payload: bytes) -> bytes:
    """The entry as it is written."""
    return _HEADER.pack(MAGIC, FORMAT, key, digest_of(payload), len(payload)) + payload


def unpacked(key: bytes, data: bytes) -> bytes | None:
    """The payload; None if `data` is not a whole, unchanged entry of this format under this key."""
    if len(data) < HEADER_SIZE:
        return None
    magic, version, written_key, digest, length = _HEADER.unpack_from(data)
    payload = data[HEADER_SIZE:]
    if (magic, version, written_key, length) != (MAGIC, FORMAT, key, len(payload)):
        return None
    return payload if digest_of(payload) == digest else None
