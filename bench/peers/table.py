"""Which peers there are, where each one's code lies, and how to find those that are installed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

CPU, EMULATED, CUDA = "cpu", "emulated", "cuda"
PROBE = """
import importlib.metadata as m, importlib.util as u, json, sys
def version(name, module):
    try:
        return m.version(name) if u.find_spec(module) else None
    except m.PackageNotFoundError:
        return "unknown version"
print(json.dumps([version(n, k) for n, k in json.loads(sys.argv[1])]))
"""


@dataclass(frozen=True)
class PeerKind:
    """One column of the results.

    Args:
        name: for the command line and in tables.
        library: key of `Workload.builders`.
        module: what is imported.
        packages: distributions that bring it.
        code: module and class of the `Peer`.
        compiles: what it runs is compiled at the first call.
        caches: what it has compiled is kept on disk for the next process.
        slow: compiles for tens of seconds: it takes no part where many sizes are measured, its compile times come after
            those of the others, and its disk caches can be filled beforehand.
        devices: those that it knows besides the CPU.
    """

    name: str
    library: str
    module: str
    packages: tuple[str, ...]
    code: tuple[str, str]
    compiles: bool = False
    caches: bool = False
    slow: bool = False
    devices: tuple[str, ...] = ()


_TENSORFLOW = ("tensorflow-cpu", "tensorflow")
_KINDS = (
    PeerKind(
        "tapec",
        "tapec",
        "tapec",
        ("tapec",),
        ("bench.peers.tapec_peer", "Tapec"),
        compiles=True,
        caches=True,
        devices=(EMULATED, CUDA),
    ),
    PeerKind(
        "jax", "jax", "jax", ("jax",), ("bench.peers.jax_peer", "Jax"), compiles=True, caches=True, devices=(CUDA,)
    ),
    PeerKind("torch", "torch", "torch", ("torch",), ("bench.peers.torch_peer", "Torch"), devices=(CUDA,)),
    PeerKind(
        "torch.compile",
        "torch",
        "torch",
        ("torch",),
        ("bench.peers.torch_peer", "CompiledTorch"),
        compiles=True,
        caches=True,
        slow=True,
        devices=(CUDA,),
    ),
    PeerKind(
        "tf.function",
        "tensorflow",
        "tensorflow",
        _TENSORFLOW,
        ("bench.peers.tensorflow_peer", "TensorFlow"),
        compiles=True,
    ),
    PeerKind(
        "tf+xla",
        "tensorflow",
        "tensorflow",
        _TENSORFLOW,
        ("bench.peers.tensorflow_peer", "TensorFlowXla"),
        compiles=True,
    ),
    PeerKind("autograd", "autograd", "autograd", ("autograd",), ("bench.peers.autograd_peer", "Autograd")),
    PeerKind("limit", "limit", "numba", ("numba",), ("bench.peers.limit_peer", "Limit")),
)
PEERS = {kind.name: kind for kind in _KINDS}


@dataclass(frozen=True)
class Installed:
    """A peer that can run.

    Args:
        kind: which.
        python: interpreter that has it.
        version: of its distribution.
    """

    kind: PeerKind
    python: str
    version: str


def place_of(kind: PeerKind, device: str) -> str | None:
    """Where a peer computes in a run on a device; None if it takes no part.

    Beside an emulated GPU, whose answers are looked at and not its times, the others compute on the CPU.
    """
    if device in kind.devices:
        return device
    return None if device == CUDA else CPU


def find(names: Sequence[str], pythons: Sequence[str]) -> tuple[list[Installed], list[str]]:
    """Those of the peers that some interpreter has, the first one that does, and the names of the others."""
    found: dict[str, Installed] = {}
    for python in pythons:
        missing = [PEERS[name] for name in names if name not in found]
        wanted = [(package, kind.module) for kind in missing for package in kind.packages]
        done = subprocess.run([python, "-c", PROBE, json.dumps(wanted)], capture_output=True, text=True, check=True)
        versions = dict(zip(map(tuple, wanted), json.loads(done.stdout), strict=True))
        for kind in missing:
            known = [v for package in kind.packages if (v := versions[package, kind.module]) is not None]
            if known:
                known.sort(key=lambda text: text == "unknown version")
                found[kind.name] = Installed(kind, python, known[0])
    return [found[name] for name in names if name in found], [name for name in names if name not in found]
