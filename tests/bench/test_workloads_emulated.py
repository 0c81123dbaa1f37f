"""Programs of the benchmarks on an emulated GPU: the bits of the CPU."""

import numpy as np
import pytest
from random_graphs import assert_same_bits

import tapec as tp
from bench.peers.tapec_peer import Tapec
from bench.workloads import WORKLOADS
from tapec.structure import flatten

EMULATED = tp.device("emulated")
NAMES = ("functions_float32", "black_scholes", "logistic", "softmax", "gelu_block", "lstm_scan", "hmm", "gmm_d10")


@pytest.mark.parametrize("name", NAMES)
def test_workloads(name):
    workload = WORKLOADS[name]
    call = workload.builder("tapec", "tapec")(Tapec(1), workload.quick)
    there = tp.function(call.function, device=EMULATED)
    expected = [np.asarray(x) for x in flatten(call.function(*call.arguments))[0]]
    for _ in range(2):  # recorded, and run there
        assert_same_bits([np.asarray(x) for x in flatten(there(*call.arguments))[0]], expected)
