"""A worker's process as its owner sees it: requests with a time limit, and what went wrong."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, final

from bench.peers.table import CPU, CUDA, Installed, place_of

ROOT = Path(__file__).resolve().parent.parent


class PeerFailed(Exception):
    """The peer raised an error or its process ended; the message says why."""


class PeerTooSlow(Exception):
    """The peer did not answer in time."""


def environment(threads: int, caches: Path, device: str = CPU) -> dict[str, str]:
    """The worker's environment: so many threads, disk caches in one folder, and no GPU where none is asked for."""
    counted = ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM")
    return os.environ | {
        **{f"{name}_NUM_THREADS": str(threads) for name in counted},
        "PYTHONPATH": str(ROOT),
        "TAPEC_CACHE": "1",
        "TAPEC_CACHE_DIR": str(caches / "tapec"),
        "JAX_COMPILATION_CACHE_DIR": str(caches / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "JAX_PLATFORMS": CUDA if device == CUDA else "cpu",
        "TORCHINDUCTOR_CACHE_DIR": str(caches / "inductor"),
        "NUMBA_CACHE_DIR": str(caches / "numba"),
        **({} if device == CUDA else {"CUDA_VISIBLE_DEVICES": ""}),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "1",
    }


def measured_capabilities(threads: int) -> dict[str, float]:
    """Of `bench.machine`, in a process that may use so many threads."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.machine", str(threads)]
        there = environment(threads, Path(folder))
        done = subprocess.run(command, cwd=ROOT, env=there, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


@final
class Process:
    """One peer's process; a context that ends it.

    Args:
        installed: the peer.
        threads: it may use.
        caches: folder of its disk caches.
        limit: seconds for the import.
        device: of the run.

    Raises:
        PeerFailed, PeerTooSlow: the library could not be imported.
    """

    def __init__(self, installed: Installed, threads: int, caches: Path, limit: float, device: str = CPU) -> None:
        self.name, self.caches = installed.kind.name, caches
        caches.mkdir(parents=True, exist_ok=True)
        place = place_of(installed.kind, device) or CPU
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        self._popen = subprocess.Popen(
            [installed.python, "-m", "bench.worker", self.name, str(threads), place],
            cwd=ROOT,
            env=environment(threads, caches, place),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        self._pending = b""
        try:
            self._answer(limit)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Its number."""
        return self._popen.pid

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def ask(self, limit: float, **request: Any) -> dict[str, Any]:
        """The worker's answer.

        Raises:
            PeerFailed: the peer raised, which ends its process, or the process was gone.
            PeerTooSlow: there was no answer after `limit` seconds.
        """
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.write(json.dumps(request).encode() + b"\n")
            self._popen.stdin.flush()
        except BrokenPipeError:
            raise PeerFailed(self._ended()) from None
        return self._answer(limit)

    def close(self) -> None:
        """Ends the process and those that it has started."""
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # closing writes what was kept, to a process that may be gone
                    pipe.close()
        with suppress(ProcessLookupError):  # all of them may have ended by themselves
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()
        self._log.close()

    def _answer(self, limit: float) -> dict[str, Any]:
        assert self._popen.stdout is not None
        end, channel = time.monotonic() + limit, self._popen.stdout.fileno()
        while b"\n" not in self._pending:
            ready, _, _ = select.select([channel], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise PeerTooSlow(f"no answer after {limit:.0f} s")
            chunk = os.read(channel, 1 << 16)
            if not chunk:
                raise PeerFailed(self._ended())
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise PeerFailed(reply["error"])
        return reply

    def _ended(self) -> str:
        code = self._popen.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        ending = f"signal {-code}" if code < 0 else f"status {code}"
        return f"the process ended with {ending}" + (f": {lines[-1][:300]}" if lines else "")
