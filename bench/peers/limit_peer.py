"""Value and gradient written by hand, compiled by Numba or the C compiler."""

from __future__ import annotations

from bench.peers.base import NumpyPeer


class Limit(NumpyPeer):
    """Has no derivatives: each workload brings its own."""

    def __init__(self, threads: int, device: str = "cpu") -> None:
        import numba

        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
