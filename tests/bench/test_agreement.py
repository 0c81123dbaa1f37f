import numpy as np

from bench.agreement import compare, distance


def test_distance_is_relative_to_the_largest_element():
    assert distance([np.array([1.0, 100.0])], [np.array([1.5, 100.0])]) == 0.005
    assert distance([np.zeros(3)], [np.zeros(3)]) == 0.0


def test_other_shapes_and_other_infinities_are_infinitely_far():
    assert distance([np.zeros(3)], [np.zeros(4)]) == np.inf
    assert distance([np.zeros(3)], [np.zeros(3), np.zeros(1)]) == np.inf
    assert distance([np.array([np.nan])], [np.array([0.0])]) == np.inf
    assert distance([np.array([np.inf, 1.0])], [np.array([np.inf, 1.0])]) == 0.0


def test_the_odd_one_out_differs():
    verdicts = compare({"a": [np.array(1.5)], "b": [np.array(1.0)], "c": [np.array(1.0 + 1e-12)]}, 1e-10)
    assert {name: v.agrees for name, v in verdicts.items()} == {"a": False, "b": True, "c": True}
    assert verdicts["a"].error == (1.5 - 1.0) / 1.5


def test_of_two_that_differ_neither_is_right():
    verdicts = compare({"a": [np.array(1.5)], "b": [np.array(1.0)]}, 1e-10)
    assert not any(v.agrees for v in verdicts.values())


def test_what_is_not_a_number_is_no_answer():
    verdicts = compare({name: [np.array([1.0, np.nan])] for name in "abc"}, 1e-10)
    assert not any(v.agrees for v in verdicts.values())
    assert verdicts["a"].error == np.inf
