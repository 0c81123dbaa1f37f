"""The harness with a peer in a process of its own: what is measured, and what happens when it fails."""

import os
import signal
import sys
from dataclasses import replace

import numpy as np
import pytest

from bench import command, start
from bench.entrants import Case, Settings
from bench.estimate import Estimate
from bench.harness import Bench
from bench.options import chosen, parser
from bench.peers.table import PEERS, Installed, find
from bench.plan import Plan, thread_counts
from bench.process import PeerFailed, PeerTooSlow, Process
from bench.results import Result, Run
from bench.tasks import Task, carry_out
from bench.workload import Call, Workload
from bench.workloads import WORKLOADS

SETTINGS = Settings(threads=1, rounds=2, seconds=0.0, floor=0.0, rest=0.0, starts=1, limit=60.0)
HERE = Installed(PEERS["tapec"], sys.executable, "0")


def test_slow_peers_have_fewer_turns():
    settings = Settings(threads=1, rounds=15, seconds=0.06, fewest=3)
    assert [settings.turns(one) for one in (0.0, 0.05, 0.12, 0.19, 0.5, 3.0)] == [15, 15, 15, 9, 3, 3]
    assert replace(settings, rounds=2).turns(3.0) == 2


def case(name, peer=HERE):
    return Case(WORKLOADS[name], WORKLOADS[name].quick, (peer,))


def test_a_full_measurement_has_times_memory_and_starts():
    with Bench(SETTINGS, print, {}) as bench:
        (result,) = bench.measure(case("rosenbrock"))
    assert result.status == "ok"
    assert result.times.samples == 2
    assert 0 < result.times.least <= result.times.median <= result.times.most
    assert 0 < result.first_s < result.cold_s
    assert (result.compile_s, result.warm_s) == (None, None)
    assert [step.depth for step in result.steps] == [0] * len(result.steps) != []
    assert result.peak_bytes > 10_000_000
    if sys.platform == "linux":
        assert 0 < result.file_bytes < result.peak_bytes
    assert 0 < result.base_bytes <= result.peak_bytes
    assert result.error == 0.0


def test_compile_times_and_warm_starts_are_added():
    result = Result("rosenbrock", 5, "tapec")
    start.add(SETTINGS, print, case("rosenbrock"), [result])
    assert result.compile_s > 0
    assert result.warm_s > 0
    assert result.start_reason == ""


def test_why_there_is_no_compile_time_is_said():
    result = Result("rosenbrock", 5, "tapec")
    broken = Installed(PEERS["tapec"], "/bin/false", "0")
    start.add(SETTINGS, print, case("rosenbrock", broken), [result])
    assert (result.status, result.compile_s) == ("ok", None)
    assert "ended with status 1" in result.start_reason


def test_the_compile_time_is_what_the_compiling_workload_measures():
    (result,) = start.measure(SETTINGS, print, case("compile"))
    assert result.status == "ok"
    assert result.compile_s == result.times.median > 0


def test_numbers_of_threads_are_measured_side_by_side():
    with Bench(SETTINGS, print, {}, shared=True) as bench:
        results = bench.measure(case("rosenbrock"), [1, 2])
    assert [(r.threads, r.status, r.times.samples) for r in results] == [(1, "ok", 2), (2, "ok", 2)]


def test_threads_are_powers_of_two_and_all():
    assert [thread_counts(n) for n in (1, 2, 3, 8, 12)] == [[1], [1, 2], [1, 2, 3], [1, 2, 4, 8], [1, 2, 4, 8, 12]]


def test_what_is_left_when_the_time_is_up_is_said():
    done = []
    tasks = [Task(group, "one", 1.0, lambda group=group: done.append(group)) for group in ("calls", "sizes", "sizes")]
    assert carry_out(tasks, None, lambda *_: None) == []
    assert carry_out(tasks, 1e-9, lambda *_: None) == [
        "calls: 1 not measured, since 1e-09 minutes were over",
        "sizes: 2 not measured, since 1e-09 minutes were over",
    ]
    assert done == ["calls", "sizes", "sizes"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_it_has(number, tmp_path, capsys, monkeypatch):
    measure = Bench.measure

    def interrupted(bench, case):
        if case.workload.name != "rosenbrock":
            signal.raise_signal(number)
        return measure(bench, case)

    monkeypatch.setattr(Bench, "measure", interrupted)
    given = ["--quick", "--peers", "tapec", "--workloads", "rosenbrock,functions", "--out", str(tmp_path)]
    assert command.main(given) == 130
    assert [r.workload for r in Run.load(tmp_path / "results.json").results] == ["rosenbrock"]
    assert "calls: 2 not measured, since the run was interrupted" in capsys.readouterr().out
    assert "since the run was interrupted" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_what_matters_most_comes_first():
    options = parser().parse_args(["--workloads", "rosenbrock,compile", "--sweep"])
    slow, settings = Installed(PEERS["torch.compile"], sys.executable, "0"), Settings(threads=2)
    with Plan(options, settings, [HERE, slow], Run({}, {}, [], []), print, Estimate(settings, None)) as plan:
        groups = [task.group for task in plan.tasks()]
    assert groups == [
        *["calls"] * 7,
        "numbers of threads",
        "compile times and starts",
        "compile times of slow compilers",
        *["further sizes"] * 4,
    ]


def test_a_peer_whose_library_is_missing_is_a_failure_with_a_reason():
    broken = Installed(PEERS["tapec"], "/bin/false", "0")
    with Bench(SETTINGS, print, {}, shared=True) as bench:
        (result,) = bench.measure(case("rosenbrock", broken))
    assert result.status == "failed"
    assert "ended with status 1" in result.reason


def test_a_peer_that_is_too_slow_is_given_up_and_larger_sizes_are_not_tried(monkeypatch):
    def slow(process, limit, **request):
        raise PeerTooSlow("no answer after 1 s")

    with Bench(SETTINGS, print, {}, shared=True) as bench:
        monkeypatch.setattr(Process, "ask", slow)
        (result,) = bench.measure(case("rosenbrock"))
        assert (result.status, result.times) == ("timed out", None)
        (larger,) = bench.measure(Case(WORKLOADS["rosenbrock"], 100, (HERE,)))
    assert larger.reason == "not tried, since n=5 timed out"


@pytest.mark.parametrize("shared", [True, False])
def test_a_peer_that_is_too_slow_does_not_run_while_others_do(monkeypatch, shared):
    ask, close, ended, asked = Process.ask, Process.close, [], []

    def one_is_slow(process, limit, **request):
        if process.name == "tapec":
            raise PeerTooSlow("no answer after 1 s")
        asked.append(tuple(ended))
        return ask(process, limit, **request)

    def noted(process):
        ended.append(process.name)
        close(process)

    monkeypatch.setattr(Process, "ask", one_is_slow)
    monkeypatch.setattr(Process, "close", noted)
    by_hand = Installed(PEERS["limit"], sys.executable, "0")
    with Bench(SETTINGS, print, {}, shared=shared) as bench:
        slow, other = bench.measure(Case(WORKLOADS["rosenbrock"], 5, (HERE, by_hand)))
    assert (slow.status, other.status) == ("timed out", "ok")
    assert set(asked) == {("tapec",)}
    assert ended == ["tapec", "limit"]


def test_an_answer_that_does_not_come_ends_in_time(tmp_path):
    with Process(HERE, 1, tmp_path, 60.0) as process:
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(PeerTooSlow, match="no answer after 0 s"):
            process.ask(0.1, do="memory")


def test_an_error_of_a_workload_is_said_and_ends_the_process(tmp_path):
    with Process(HERE, 1, tmp_path, 60.0) as process:
        with pytest.raises(PeerFailed, match="KeyError: 'no such'"):
            process.ask(60.0, do="prepare", workload="no such", size=1, answer=None, memory=False)
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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--workloads", "nothing"], "no workload begins with 'nothing'"),
        (["--workloads", "rosenbrok"], "is it rosenbrock?"),
        (["--peers", "tapec,nobody"], "no peer is called 'nobody'"),
        (["--peers", "tensorflow"], "is it tf.function or tf+xla?"),
        (["--peers", "pytorch"], "is it torch"),
        (["--peer-python", "/no/such/python"], "there is no interpreter at /no/such/python"),
        (["--quick", "--sweep"], "do not go with it"),
        (["--write", "--workloads", "heat"], "--write replaces whole tables"),
        (["--threads", "100000"], "this machine has"),
        (["--render", "/no/such/results.json"], "there is no file /no/such/results.json"),
        (["--out", __file__], "is no folder"),
    ],
)
def test_what_cannot_be_done_is_said(given, said, capsys):
    assert command.main(given) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--rounds", "0"], "0 is not one of 1, 2, 3"),
        (["--sizes", "ten"], "'ten' is no number"),
        (["--sizes", "1.5"], "1.5 is not one of"),
        (["--limit", "-1"], "-1 is not above 0"),
        (["--workloads", ","], "no name is given"),
    ],
)
def test_a_bad_value_is_said_with_the_options(given, said, capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main(given)
    assert said in capsys.readouterr().err


def test_a_file_without_results_is_said(tmp_path, capsys):
    for content in ("", "{}", "[]"):
        (tmp_path / "results.json").write_text(content)
        assert command.main(["--render", str(tmp_path / "results.json"), "--out", str(tmp_path)]) == 2
        assert "holds no results" in capsys.readouterr().err


def test_a_quick_run_saves_results_and_shows_outcomes(tmp_path, capsys):
    given = ["--quick", "--peers", "tapec", "--workloads", "rosenbrock,bratu", "--out", str(tmp_path)]
    assert command.main(given) == 0
    assert "Rosenbrock function of 5 variables, NumPy in and out     ok" in capsys.readouterr().out
    assert [r.status for r in Run.load(tmp_path / "results.json").results] == ["ok", "ok"]


def test_workloads_are_chosen_by_the_beginnings_of_their_names():
    options = parser().parse_args(["--workloads", "rosenbrock, functions"])
    assert chosen(options) == ["rosenbrock", "functions", "functions_float32"]
    assert parser().parse_args(["--sizes", "7,1e3,7"]).sizes == [7, 1000]


def test_labels_have_the_size():
    workload = Workload("a", "of {n} things", {"tapec": lambda _, n: Call(np.sin, (n,))}, sizes=(1000,), quick=1)
    assert workload.label(1000) == "of 1,000 things"
