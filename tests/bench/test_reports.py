import re
from dataclasses import replace

import pytest

from bench import command
from bench.process import ROOT
from bench.report import markdown, page, scaling, shares, words
from bench.report.bounds import least_seconds
from bench.report.comparison import by_speedup, geometric_mean, rows
from bench.report.text import report
from bench.results import Result, Run, StepShare, Times
from bench.workloads import WORKLOADS

COMMITTED = ROOT / "bench" / "results" / "results.json"
MACHINE = {
    "processor": "a processor",
    "cores": 2,
    "threads": 2,
    "others": 0.25,
    "python": "3.11",
    "peers": {"jax": "1.0"},
    "date": "2026-01-02T03:04:05",
}


def result(workload, size, peer, seconds=None, **more):
    times = None if seconds is None else Times.of([seconds, seconds, 2 * seconds])
    return Result(workload, size, peer, times=times, **more)


@pytest.fixture
def run():
    return Run(
        MACHINE,
        {"quick": False},
        [
            result("rosenbrock", 5, "tapec", 2e-6),
            result("rosenbrock", 5, "jax", 6e-6),
            result("rosenbrock", 5, "torch", 1e-6, status="differs", reason="by much"),
            result("rosenbrock", 5, "limit", 1e-6),
            result("functions", 1000, "tapec", 3e-6),
            result("functions", 1000, "jax", 1e-6),
            result("compile", 10, "tapec", status="timed out", reason="no answer after 1 s"),
        ],
        ["autograd"],
    )


@pytest.mark.parametrize(
    ("peer", "status", "expected"),
    [
        ("jax", "ok", 0),
        ("jax", "failed", 0),
        ("jax", "differs", 1),
        ("tapec", "failed", 1),
        ("tapec", "timed out", 1),
        ("tapec", "differs", 1),
    ],
)
def test_the_exit_status_is_1_where_tapec_fails_and_where_answers_differ(tmp_path, peer, status, expected):
    results = [result("rosenbrock", 5, name, 1e-6) for name in ("tapec", "jax", "torch")]
    next(r for r in results if r.peer == peer).status = status
    Run(MACHINE, {"quick": True}, results, []).save(tmp_path / "results.json")
    assert command.main(["--render", str(tmp_path / "results.json"), "--out", str(tmp_path)]) == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.481, "481 ms"),
        (1.5, "1.50 s"),
        (1.23e-5, "12.3 µs"),
        (8.7e-7, "870 ns"),
        (9.999e-4, "1.00 ms"),
        (0.0, "0 ns"),
    ],
)
def test_times_have_three_digits_and_a_unit(seconds, text):
    assert words.seconds(seconds) == text


def test_wrong_answers_do_not_win(run):
    first, second, _ = rows(run, WORKLOADS)
    assert first.best.peer == "jax"
    assert first.speedup == pytest.approx(3.0)
    assert first.over_limit == pytest.approx(2.0)
    assert second.speedup == pytest.approx(1 / 3)


def test_sizes_that_were_asked_for_count(run):
    run.results.append(result("rosenbrock", 7, "tapec", 1e-6))
    assert [row.counts for row in rows(run, WORKLOADS) if row.workload.name == "rosenbrock"] == [True, False]
    run.options["sizes"] = [7]
    assert [row.counts for row in rows(run, WORKLOADS) if row.workload.name == "rosenbrock"] == [False, True]


def test_the_worst_come_first(run):
    assert [row.workload.name for row in by_speedup(rows(run, WORKLOADS))] == ["compile", "functions", "rosenbrock"]


def test_the_mean_is_geometric_and_of_what_there_is():
    assert geometric_mean([2.0, None, 8.0]) == pytest.approx(4.0)
    assert geometric_mean([None]) is None


def test_the_text_names_what_is_behind_and_what_failed(run):
    shown = report(run, rows(run, WORKLOADS))
    assert "slower than the best peer: 1\n  0.33  sum(sin" in shown
    assert "not installed: autograd" in shown
    assert "tapec timed out at compile 10: no answer after 1 s" in shown
    assert "torch differs at rosenbrock 5: by much" in shown
    assert "25% in use by others" in shown
    assert "Other programs used 25% of the machine" in shown
    assert "Other programs" not in report(replace(run, machine=MACHINE | {"others": 0.05}), [])


def test_the_table_has_the_numbers_of_the_run(run):
    lines = markdown.table(rows(run, WORKLOADS)).splitlines()
    assert lines[2].endswith("| 2.00 µs | 6.00 µs | jax | 3.00 | 1.00 µs |")
    assert lines[4].endswith("| timed out |  |  |  |  |")
    assert lines[-1].endswith("| 1.00 | |")


def test_only_what_is_between_the_markers_is_replaced():
    text = f"before\n{markdown.BEGIN}\nold\n{markdown.END}\nafter\n"
    assert markdown.put(text, "new") == f"before\n{markdown.BEGIN}\nnew\n{markdown.END}\nafter\n"


@pytest.mark.parametrize("text", ["nothing", markdown.BEGIN, f"{markdown.END} {markdown.BEGIN}"])
def test_a_missing_marker_is_an_error(text):
    with pytest.raises(ValueError, match="no <!-- measured"):
        markdown.put(text, "new")


def test_results_come_back_from_their_file(run, tmp_path):
    run.save(tmp_path / "deep" / "results.json")
    assert Run.load(tmp_path / "deep" / "results.json") == run


def test_quartiles_and_extremes():
    times = Times.of([4.0, 1.0, 2.0, 3.0, 5.0])
    assert (times.least, times.lower, times.median, times.upper, times.most) == (1.0, 2.0, 3.0, 4.0, 5.0)
    assert times.spread == pytest.approx(2 / 3)
    assert Times.of([2.0]).spread == 0.0


def test_what_binds_stands_beside_the_machines_limits(run):
    run.machine |= {"bytes_per_s": 1e9, "flops_float64": 1e9, "flops_float32": 1e9}
    lines = markdown.what_binds(run, rows(run, WORKLOADS)).splitlines()
    assert lines[2].startswith("| Rosenbrock function of 5 variables")
    assert WORKLOADS["rosenbrock"].binds in lines[2]
    assert "| 80.0 ns | 1.00 µs | 2.00 µs |" in lines[2]


def test_the_least_time_is_the_longer_of_moving_and_multiplying():
    workload = WORKLOADS["mlp_adam"]
    cost, slow = workload.cost(32), {"bytes_per_s": 1e12, "flops_float32": 1e9, "flops_float64": 1.0}
    assert least_seconds(workload, 32, slow) == cost.flops / 1e9
    assert least_seconds(workload, 32, slow | {"bytes_per_s": 1.0}) == cost.bytes
    assert least_seconds(workload, 32, {}) is None
    assert least_seconds(WORKLOADS["eager"], 200, slow) is None


def test_the_page_has_everything_and_needs_nothing(run):
    run.results.append(result("rosenbrock", 100, "tapec", 4e-6, first_s=0.1, warm_s=0.05, peak_bytes=10**8))
    run.results.append(result("rosenbrock", 100, "jax", 9e-6, first_s=0.2, warm_s=0.3, peak_bytes=10**8))
    text = page.page(run, rows(run, WORKLOADS))
    for name in ("Time beside the best peer's", "time per call of rosenbrock"):
        assert f"<title>{name}</title>" in text
    assert "no answer after 1 s" in text
    assert "100 MB" in text
    assert "too long to be tried" not in text
    run.results.append(result("rosenbrock", 100, "torch.compile", 9e-6))
    assert "torch.compile compiles for too long to be tried at further sizes" in page.page(run, rows(run, WORKLOADS))
    assert "How cost grows with size" in text
    assert not re.search(r"""(src|href)=["'](?!#)""", text)


def test_compile_times_stand_beside_first_calls(run):
    run.results[0].first_s, run.results[0].compile_s, run.results[1].compile_s = 0.4, 0.25, 0.5
    shown = markdown.performance(run, rows(run, WORKLOADS))
    assert "| 400 ms | 250 ms |" in shown
    assert "| compile time | tapec | jax |" in shown
    assert "| 250 ms | 500 ms |" in shown
    assert "500 ms" in page.page(run, rows(run, WORKLOADS))


def test_memory_is_compared_on_what_all_peers_have_run(run):
    ours, theirs, _, by_hand, others, _, _ = run.results
    ours.base_bytes, ours.peak_bytes, ours.file_bytes, ours.call_bytes = 40_000_000, 120_000_000, 80_000_000, 1_000
    theirs.peak_bytes, theirs.call_bytes = 200_000_000, 2_000
    others.peak_bytes, others.call_bytes = 900_000_000, 9_000  # JAX has no such number there
    by_hand.peak_bytes, by_hand.call_bytes = 1, 1
    shown = markdown.performance(run, rows(run, WORKLOADS))
    assert "| tapec | 40.0 MB | 120 MB | 80.0 MB | 1.00 kB |" in shown
    assert "| jax |  | 200 MB |  | 2.00 kB |" in shown
    assert "Medians over the 1 workloads" in shown
    assert "<td" in page.page(run, rows(run, WORKLOADS)).partition("Memory of processes")[2]


def test_steps_count_by_themselves_the_longest_first():
    steps = [
        StepShare("first", 0, 1, 0.15),
        StepShare("loop x 2", 0, 1, 0.8),
        StepShare("inner", 1, 50, 0.5),
        StepShare("innermost", 2, 100, 0.4),
        StepShare("other", 1, 50, 0.2),
        StepShare("last", 0, 1, 0.05),
    ]
    found = shares.shares(steps)
    assert [(s.words, round(s.seconds, 9)) for s in found] == [
        ("innermost (100 times)", 0.4),
        ("other (50 times)", 0.2),
        ("first", 0.15),
        ("rest of loop × 2", 0.1),
        ("rest of inner (50 times)", 0.1),
        ("last", 0.05),
    ]
    assert sum(s.share for s in found) == pytest.approx(1.0)


def test_where_the_time_goes_is_said(run):
    run.results[0].steps = [StepShare("a step", 0, 1, 1.5e-6), StepShare("others", 0, 1, 0.5e-7)]
    shown = markdown.performance(run, rows(run, WORKLOADS))
    assert "| 2.00 µs | 1.55 µs | 97% a step; 3% others |" in shown
    assert "97% a step" in page.page(run, rows(run, WORKLOADS))


def test_what_threads_bring_stands_beside_the_bandwidth_of_memory(run):
    run.machine["by_threads"] = {"1": {"bytes_per_s": 1e10}, "2": {"bytes_per_s": 1.5e10}}
    for peer, alone, both in (("tapec", 4e-3, 2e-3), ("jax", 6e-3, 5e-3), ("limit", 3e-3, 1e-3)):
        run.scaling += [result("rosenbrock", 1000, peer, t, threads=n) for n, t in ((1, alone), (2, both))]
    run.scaling.append(result("rosenbrock", 1000, "torch", threads=2, status="failed", reason="no reason"))
    (found,) = scaling.scalings(run, WORKLOADS)
    assert found.speedups("tapec") == {1: 1.0, 2: pytest.approx(2.0)}
    shown = markdown.by_threads(run)
    assert "| memory: STREAM's triad | 10.0 GB/s | 15.0 GB/s | 1.50 × |  |" in shown
    assert "| 4.00 ms | 2.00 ms | 2.00 × | 1.20 × (jax) |" in shown
    text = page.page(run, rows(run, WORKLOADS))
    assert f"<title>{scaling.TITLE}</title>" in text
    assert "NumPy in and out, 2 threads" in text  # among what did not work


def test_what_was_not_measured_is_said(run):
    run.left = ["further sizes: 3 not measured, since 30 minutes were over"]
    run.results[0].start_reason = "no answer after 2 s"
    for shown in (report(run, rows(run, WORKLOADS)), page.page(run, rows(run, WORKLOADS))):
        assert "3 not measured, since 30 minutes were over" in shown
        assert "no answer after 2 s" in shown


def test_both_pages_take_their_tables(run, tmp_path):
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "docs/performance.md"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    markdown.write(tmp_path, run, rows(run, WORKLOADS))
    assert "| 2.00 µs | 6.00 µs | jax | 3.00 | 1.00 µs |" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "no answer" not in (tmp_path / "docs/performance.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not COMMITTED.exists(), reason="no full run is committed")
def test_the_tables_are_those_of_the_committed_run(tmp_path):
    (tmp_path / "docs").mkdir()
    pages = ("README.md", "docs/performance.md")
    for name in pages:
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    committed = Run.load(COMMITTED)
    markdown.write(tmp_path, committed, rows(committed, WORKLOADS))
    for name in pages:
        assert (tmp_path / name).read_text(encoding="utf-8") == (ROOT / name).read_text(encoding="utf-8")
