import pytest

from bench.harness import AnswersDiffer, Measured, check_same
from bench.readme import BEGIN, END, Usage, put, spell, table
from bench.worker import flat, time_of
from bench.workloads import WORKLOADS, Call


def test_ratio_is_peer_over_tapec():
    row = table([Measured("rosenbrock", {"tapec": 2e-6, "jax": 5e-6})]).splitlines()[-1]
    assert row.endswith("| 2.00 µs | 5.00 µs | 2.5 |")
    assert WORKLOADS["rosenbrock"].title in row


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.481, "481 ms"), (1.5, "1.50 s"), (1.23e-5, "12.3 µs"), (8.7e-7, "870 ns")]
)
def test_times_have_three_digits_and_a_unit(seconds, text):
    assert spell(seconds) == text


def test_only_what_is_between_the_markers_is_replaced():
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert put(text, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["nothing", BEGIN, f"{END} {BEGIN}"])
def test_a_missing_marker_is_an_error(text):
    with pytest.raises(ValueError, match="no <!-- measured"):
        put(text, "new")


def test_peers_that_differ_are_not_compared():
    check_same("rosenbrock", "a", [1.0, 2.0], "b", [1.0, 2.0 + 1e-13])
    with pytest.raises(AnswersDiffer, match="rosenbrock: a and b differ"):
        check_same("rosenbrock", "a", [1.0, 2.0], "b", [1.0, 2.1])
    with pytest.raises(AnswersDiffer):
        check_same("rosenbrock", "a", [1.0, 2.0], "b", [1.0])


def test_what_others_use_is_what_is_not_ours(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    before = Usage(all=100.0, own=10.0, clock=0.0)
    assert Usage(all=115.0, own=20.0, clock=10.0).others_since(before) == "25% in use by others"
    assert Usage(all=None, own=20.0, clock=10.0).others_since(before) == "use by others unknown"


def test_answers_are_flattened():
    assert flat((1.5, [[1, 2], [3, 4]])) == [1.5, 1.0, 2.0, 3.0, 4.0]


def test_the_time_of_a_call_is_per_call():
    assert 0 < time_of(Call(sum, ((1, 2, 3),))) < 1e-4


@pytest.mark.parametrize("name", list(WORKLOADS))
def test_workloads_run_and_give_finite_numbers(name):
    call = WORKLOADS[name].peers["tapec"]()
    numbers = flat(call.function(*call.arguments))
    assert numbers
    assert all(abs(x) < 1e6 for x in numbers)
