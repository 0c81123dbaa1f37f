"""The harness with a peer in a process of its own: what is measured, and what happens when it fails."""

import os
import signal
import sys

import numpy as np
import pytest

from bench import command
from bench.harness import Bench, Case, Settings
from bench.peers.table import PEERS, Installed, find
from bench.process import PeerFailed, PeerTooSlow, Process
from bench.results import Run
from bench.workload import Call, Workload
from bench.workloads import WORKLOADS

SETTINGS = Settings(threads=1, rounds=2, seconds=0.0, floor=0.0, starts=1, limit=60.0)
HERE = Installed(PEERS["tapec"], sys.executable, "0")


def case(name, peer=HERE):
    return Case(WORKLOADS[name], WORKLOADS[name].quick, (peer,))


def test_a_full_measurement_has_times_memory_and_starts():
    with Bench(SETTINGS, print) as bench:
        (result,) = bench.measure(case("rosenbrock"))
    assert result.status == "ok"
    assert result.times.samples == 2
    assert 0 < result.times.least <= result.times.median <= result.times.most
    assert 0 < result.first_s < result.cold_s
    assert result.warm_s > 0
    assert result.peak_bytes > 10_000_000
    assert result.error == 0.0


def test_a_peer_whose_library_is_missing_is_a_failure_with_a_reason():
    broken = Installed(PEERS["tapec"], "/bin/false", "0")
    with Bench(SETTINGS, print, shared=True) as bench:
        (result,) = bench.measure(case("rosenbrock", broken))
    assert result.status == "failed"
    assert "ended with status 1" in result.reason


def test_a_peer_that_is_too_slow_is_given_up_and_larger_sizes_are_not_tried(monkeypatch):
    def slow(process, limit, **request):
        raise PeerTooSlow("no answer after 1 s")

    with Bench(SETTINGS, print, shared=True) as bench:
        monkeypatch.setattr(Process, "ask", slow)
        (result,) = bench.measure(case("rosenbrock"))
        assert (result.status, result.times) == ("timed out", None)
        (larger,) = bench.measure(Case(WORKLOADS["rosenbrock"], 100, (HERE,)))
    assert larger.reason == "not tried, since n=5 timed out"


def test_an_answer_that_does_not_come_ends_in_time(tmp_path):
    with Process(HERE, 1, tmp_path, 60.0) as process:
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(PeerTooSlow, match="no answer after 0 s"):
            process.ask(0.1, do="memory")


def test_an_error_of_a_workload_is_said_and_ends_the_process(tmp_path):
    with Process(HERE, 1, tmp_path, 60.0) as process:
        with pytest.raises(PeerFailed, match="KeyError: 'no such'"):
            process.ask(60.0, do="prepare", workload="no such", size=1, answer=None)
        with pytest.raises(PeerFailed, match="ended with status 1"):
            process.ask(60.0, do="memory")


def test_an_error_before_the_first_request_is_said(tmp_path):
    with pytest.raises(PeerFailed, match=r"^OSError: "):  # no processors are left to run on
        Process(HERE, 0, tmp_path, 60.0)


def test_a_process_that_is_killed_is_a_failure_that_names_the_signal(tmp_path):
    with Process(HERE, 1, tmp_path, 60.0) as process:
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # gone: nothing can be written
        with pytest.raises(PeerFailed, match=f"signal {signal.SIGKILL.value}"):
            process.ask(60.0, do="memory")


def test_only_what_is_installed_is_found():
    found, missing = find(["tapec", "limit"], [sys.executable])
    assert [p.kind.name for p in found] == ["tapec", "limit"]
    assert missing == []


def test_what_is_not_there_is_said(capsys):
    assert command.main(["--workloads", "nothing"]) == 2
    assert "no workload begins with 'nothing'" in capsys.readouterr().err
    assert command.main(["--peers", "tapec,nobody"]) == 2
    assert "no peer nobody" in capsys.readouterr().err


def test_a_quick_run_saves_results_and_shows_outcomes(tmp_path, capsys):
    given = ["--quick", "--peers", "tapec", "--workloads", "rosenbrock", "--out", str(tmp_path)]
    assert command.main(given) == 0
    assert "Rosenbrock function of 5 variables, NumPy in and out     ok" in capsys.readouterr().out
    assert [r.status for r in Run.load(tmp_path / "results.json").results] == ["ok"]


def test_sizes_are_chosen():
    options = command._parser().parse_args(["--workloads", "rosenbrock", "--sweep"])
    assert command.chosen(options) == [("rosenbrock", n) for n in WORKLOADS["rosenbrock"].all_sizes]
    options = command._parser().parse_args(["--workloads", "rosenbrock,functions", "--sizes", "7,1e3"])
    assert command.chosen(options)[:2] == [("rosenbrock", 7), ("rosenbrock", 1000)]


def test_labels_have_the_size():
    workload = Workload("a", "of {n} things", {"tapec": lambda _, n: Call(np.sin, (n,))}, sizes=(1000,), quick=1)
    assert workload.label(1000) == "of 1,000 things"
