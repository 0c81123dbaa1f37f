"""Disk caches that are filled before anything is measured; tapec, whose cache is fast, stands for a slow compiler."""

import sys
from dataclasses import replace

import pytest

from bench import command, start
from bench.caches import SMALL, Entry, Prepared, files
from bench.entrants import Case, Settings
from bench.harness import Bench
from bench.peers.table import PEERS, Installed
from bench.prepare import fill
from bench.process import PeerTooSlow, Process
from bench.results import Result
from bench.workloads import WORKLOADS

SLOW = Installed(replace(PEERS["tapec"], slow=True), sys.executable, "1")
CASE = Case(WORKLOADS["rosenbrock"], 5, (SLOW,))
SETTINGS = Settings(threads=1, rounds=2, seconds=0.0, floor=0.0, rest=0.0, starts=1, limit=60.0)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    said = []
    prepared = Prepared(tmp_path_factory.mktemp("caches"))
    entries = fill(SETTINGS, prepared, [CASE], said.append, 2)
    assert [(e.workload, e.size, e.status) for e in entries] == [(*SMALL, "ok"), ("rosenbrock", 5, "ok")]
    assert {line.split(":")[0] for line in said} == {"compile ops=11", "rosenbrock n=5"}
    return Prepared(prepared.folder)


def measured(prepared):
    with Bench(replace(SETTINGS, prepared=prepared), print, {}) as bench:
        (result,) = bench.measure(CASE)
    return result


def test_a_first_call_with_filled_caches_is_a_start_and_no_first_call(filled):
    result = measured(filled)
    assert result.status == "ok"
    assert (result.first_s, result.cold_s, result.start_reason) == (None, None, "")
    assert result.import_s < result.warm_s


def test_caches_that_lack_something_give_neither(tmp_path):
    prepared = Prepared(tmp_path)
    prepared.add(Entry("tapec", "1", 1, "rosenbrock", 5, 1.0))
    result = measured(prepared)
    assert (result.status, result.first_s, result.cold_s, result.warm_s) == ("ok", None, None, None)
    assert "the filled caches did not have" in result.start_reason


@pytest.mark.parametrize(
    "entry", [None, Entry("tapec", "2", 1, "rosenbrock", 5), Entry("tapec", "1", 2, "rosenbrock", 5)]
)
def test_caches_of_another_version_or_number_of_threads_are_not_used(tmp_path, entry):
    prepared = Prepared(tmp_path)
    if entry is not None:
        prepared.add(entry)
    result = measured(prepared)
    assert result.warm_s is None
    assert 0 < result.first_s < result.cold_s


def test_what_failed_when_caches_were_filled_is_not_tried_again(tmp_path):
    prepared, broken = Prepared(tmp_path), replace(SLOW, python="/bin/false")
    entries = fill(SETTINGS, prepared, [replace(CASE, peers=(broken,))], print, 1)
    assert [entry.status for entry in entries] == ["failed", "failed"]
    result = measured(prepared)
    assert (result.status, result.times) == ("failed", None)
    assert result.reason == "the process ended with status 1 (when its caches were filled)"


def test_what_a_compiler_leaves_that_is_ended_is_not_kept(tmp_path, monkeypatch):
    def too_slow(process, limit, **request):
        (process.caches / "half a library").write_bytes(b"")
        raise PeerTooSlow("no answer after 1 s")

    monkeypatch.setattr(Process, "ask", too_slow)
    entries = fill(SETTINGS, Prepared(tmp_path), [CASE], print, 2)
    assert [entry.status for entry in entries] == ["timed out", "timed out"]
    assert [path.name for path in files(tmp_path)] == ["prepared.json"]


def test_the_small_function_of_slow_compilers_comes_from_disk_and_the_other_one_is_compiled(filled, monkeypatch):
    ask, had, found = Process.ask, [], Result("rosenbrock", 5, "tapec", warm_s=1.0)

    def noted(process, limit, **request):
        before = files(process.caches)
        reply = ask(process, limit, **request)
        had.append((request["workload"], files(process.caches) == before))
        return reply

    monkeypatch.setattr(Process, "ask", noted)
    start.add(replace(SETTINGS, prepared=filled), print, CASE, [found])
    assert had == [("compile", True), ("rosenbrock", False)]
    assert found.compile_s > 0
    assert found.warm_s == 1.0


def test_a_start_that_takes_long_is_not_repeated():
    case = Case(WORKLOADS["cold_start"], 1000, (SLOW,))
    (result,) = start.measure(replace(SETTINGS, starts=3, long=1e-9), print, case)
    assert result.times.samples == 1


def test_a_limit_holds_for_one_peer():
    settings = replace(SETTINGS, limits={"jax": 5.0})
    assert (settings.limit_of("jax"), settings.limit_of("tapec")) == (5.0, 60.0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--prepare"], "--caches says which"),
        (["--caches", "/no/such/folder"], "nothing has been prepared in /no/such/folder"),
        (["--caches", "/no/such/folder", "--quick"], "do not go with it"),
        (["--prepare", "--caches", "/no/such/folder", "--peers", "tapec"], "none of the peers compiles for so long"),
        (["--limit", "5,nobody=7"], "no peer is called 'nobody'"),
    ],
)
def test_what_cannot_be_done_with_caches_is_said(given, said, capsys):
    assert command.main(given) == 2
    assert said in capsys.readouterr().err
