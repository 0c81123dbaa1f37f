"""Runs in parts: what is kept, what is refused, and how long the rest will take."""

import json
import sys

import pytest

from bench import command
from bench.entrants import Case, Settings
from bench.estimate import Estimate
from bench.harness import Bench
from bench.peers.table import PEERS, Installed
from bench.results import Result, Run, Times
from bench.tasks import Task, outline
from bench.usage import Usage
from bench.workloads import WORKLOADS

GIVEN = ["--quick", "--peers", "tapec", "--workloads", "rosenbrock,functions"]


@pytest.fixture
def measured(monkeypatch):
    """Names of the workloads that are measured, by a bench that measures nothing."""
    names = []

    def measure(bench, case, threads=()):
        if len(names) == 1:
            names.append("interrupted")
            raise KeyboardInterrupt
        names.append(case.workload.name)
        return [Result(case.workload.name, case.size, peer.kind.name, times=Times.of([1.0])) for peer in case.peers]

    monkeypatch.setattr(Bench, "measure", measure)
    return names


def changed(path, change):
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_what_was_measured_is_kept_and_the_rest_is_measured(measured, tmp_path):
    assert command.main([*GIVEN, "--out", str(tmp_path)]) == 130
    assert command.main(["--resume", str(tmp_path)]) == 0
    assert measured == ["rosenbrock", "interrupted", "functions", "functions_float32"]
    run = Run.load(tmp_path / "results.json")
    assert [r.workload for r in run.results] == ["rosenbrock", "functions", "functions_float32"]
    assert list(run.done) == ["calls: rosenbrock n=5", "calls: functions n=1,000", "calls: functions_float32 n=1,000"]
    assert run.left == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda run: run["machine"].update(code="another"), "code was another, is "),
        (lambda run: run["machine"].update(processor="another"), "processor was another, is "),
        (lambda run: run["machine"]["packages"].update(numpy="1.0"), "packages was numpy 1.0, is "),
        (lambda run: run["machine"]["peers"].update(jax="1.0"), "peers was jax 1.0, is None"),
        (lambda run: run["skipped"].append("jax"), "not installed was jax, is none"),
        (lambda run: run["machine"].pop("code"), "does not say which code it has measured"),
        (lambda run: run["options"].update(prepared=True), "was begun with --caches"),
        (lambda run: run.pop("machine"), "holds no results"),
    ],
)
def test_another_machine_or_other_software_is_refused(measured, tmp_path, capsys, change, said):
    assert command.main([*GIVEN, "--out", str(tmp_path)]) == 130
    changed(tmp_path / "results.json", change)
    before = (tmp_path / "results.json").read_text(encoding="utf-8")
    assert command.main(["--resume", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
    assert (tmp_path / "results.json").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--rounds", "3"], "--rounds is not as in the run that is resumed"),
        (["--workloads", "heat"], "--workloads is not as in the run"),
        (["--out", "elsewhere"], "leave --out out"),
    ],
)
def test_other_options_are_refused(measured, tmp_path, capsys, more, said):
    assert command.main([*GIVEN, "--out", str(tmp_path)]) == 130
    assert command.main(["--resume", str(tmp_path), *more]) == 2
    assert said in capsys.readouterr().err


def test_limits_may_be_others_in_each_part(measured, tmp_path):
    assert command.main([*GIVEN, "--out", str(tmp_path)]) == 130
    assert command.main(["--resume", str(tmp_path), "--limit", "5,tapec=7"]) == 0


def test_a_folder_without_a_run_is_refused(tmp_path, capsys):
    assert command.main(["--resume", str(tmp_path)]) == 2
    assert "there is no run in" in capsys.readouterr().err


def test_results_take_the_place_of_those_of_the_same_case():
    run = Run(
        {}, {}, [Result("heat", 1, "tapec"), Result("heat", 1, "jax")], [], [Result("heat", 1, "tapec", threads=1)]
    )
    run.put([Result("heat", 1, "tapec", reason="new"), Result("heat", 1, "tapec", reason="new", threads=1)])
    assert [(r.peer, r.reason) for r in run.results] == [("jax", ""), ("tapec", "new")]
    assert [(r.threads, r.reason) for r in run.scaling] == [(1, "new")]


def test_use_by_others_is_that_of_all_parts(monkeypatch):
    begun = Usage(all=0.0, own=0.0, clock=0.0)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setattr(Usage, "now", staticmethod(lambda: Usage(all=90.0, own=60.0, clock=60.0)))
    assert begun.part_of({}) == {"minutes": 1.0, "others": pytest.approx(0.5)}
    assert begun.part_of({"minutes": 3.0, "others": 0.1}) == {"minutes": 4.0, "others": pytest.approx(0.2)}
    assert begun.part_of({"minutes": 3.0, "others": None}) == {"minutes": 4.0, "others": None}


def test_the_plan_says_how_long_it_takes_and_until_when():
    tasks = [Task("calls", "a", 60.0, print), Task("calls", "b", 30.0, print), Task("sizes", "a", 6.0, print)]
    first, second = outline(tasks, 0.0)
    assert first.startswith("calls: 2, about 1.5 minutes, until ")
    assert second.startswith("sizes: 1, about 0.1 minutes, until ")


class TestEstimates:
    settings = Settings(
        threads=2, seconds=0.5, rest=0.0, starts=3, long=10.0, limit=20.0, limits={"torch.compile": 70.0}
    )
    tapec, slow, jax = (Installed(PEERS[name], sys.executable, "0") for name in ("tapec", "torch.compile", "jax"))
    run = Run(
        {},
        {},
        [
            Result("heat", 100, "tapec", times=Times.of([2.0]), import_s=1.0, first_s=5.0, compile_s=4.0, warm_s=0.5),
            Result("heat", 100, "torch.compile", status="timed out"),
            Result("compile", 10, "tapec", times=Times.of([6.0]), import_s=1.0, compile_s=6.0),
        ],
        [],
    )
    estimate = Estimate(settings, run)

    def test_of_calls(self):
        heat = Case(WORKLOADS["heat"], 100, (self.tapec,))
        assert self.estimate.calls(heat, 3) == pytest.approx(0.3 + 1.0 + 5.0 + 3 * 2.0)
        assert self.estimate.calls(heat, 3, counts=2, shared=True) == pytest.approx(2 * (5.0 + 3 * 2.0))

    def test_of_a_peer_that_was_too_slow(self):
        heat = Case(WORKLOADS["heat"], 200, (self.slow,))
        assert self.estimate.calls(heat, 0) >= 70.0

    def test_of_compilation_and_a_start(self):
        heat = Case(WORKLOADS["heat"], 100, (self.tapec,))
        assert self.estimate.compilation(heat) == pytest.approx((0.3 + 1.0 + 6.0 + 4.0) + (0.3 + 0.5))

    def test_long_starts_are_not_repeated(self):
        once = Case(WORKLOADS["compile"], 10, (self.tapec,))
        assert self.estimate.start(once) == pytest.approx(0.3 + 1.0 + 6.0 + 6.0)

    def test_of_peers_that_are_not_known(self):
        heat = Case(WORKLOADS["heat"], 100, (self.jax,))
        assert Estimate(self.settings, None).calls(heat, 3) > 0
