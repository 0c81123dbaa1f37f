"""Behaviours of the tape: targets, sources, output gradients. Each test has its id in the yardstick."""

import gc
import weakref

import numpy as np
import pytest
from behaviour_values import constant, values

import tapec as tp


def tape_of(function, *points, persistent=False):
    xs = [constant(p) for p in points]
    with tp.GradientTape(persistent=persistent) as tape:
        tape.watch(xs)
        results = function(*xs)
    return tape, xs, results


def test_gt002_gathered_and_dense_contributions_add():
    tape, [x], y = tape_of(lambda x: x[[0, 1]] * np.sum(2 * x), np.arange(1.0, 9.0).reshape(4, 2))
    assert values(tape.gradient(y, x)) == [[92.0, 92.0], [92.0, 92.0], [20.0, 20.0], [20.0, 20.0]]


@pytest.mark.parametrize("compiled", [False, True])
def test_gt004_operations_that_change_nothing_give_new_tensors(compiled):
    def program(x):
        with tp.GradientTape() as tape:
            x1, x2, x3, x4 = tp.identity(x), x + 0, x - 0, x * 1
            tape.watch([x, x1, x2, x3, x4])
            loss = 2 * x + 3 * x1 + 3 * x2 + 3 * x3 + 3 * x4
        return tape.gradient(loss, [x, x1, x2, x3, x4])

    found = (tp.function(program) if compiled else program)(constant(10.0))
    assert values(found) == [2.0, 3.0, 3.0, 3.0, 3.0]


def test_gt008_several_targets_and_sources():
    tape, [x, y], targets = tape_of(lambda x, y: [2 * x, 3 * y], 3.0, 2.0)
    assert values(tape.gradient(targets, [x, y])) == [2.0, 3.0]


def test_gt012_output_gradients_of_the_identity():
    tape, [x], y = tape_of(tp.identity, 3.0)
    assert values(tape.gradient(y, x, output_gradients=constant(2.0))) == 2.0


def test_gt018_the_source_itself_as_the_target():
    tape, [x], y = tape_of(lambda x: x, 3.0)
    assert y is x
    assert values(tape.gradient(y, x)) == 1.0


def test_gt020_a_compiled_function_then_a_gather():
    compiled = tp.function(lambda x: x + 1)
    tape, [x], y = tape_of(lambda x: compiled(x)[[0]], [1.0])
    assert values(tape.gradient(y, x)) == [1.0]


def test_gt022_one_target_named_twice():
    tape, [x], y = tape_of(lambda x: x, 3.0)
    assert values(tape.gradient([y, y], x)) == 2.0


def test_gt024_a_target_that_is_no_number():
    x = constant(1.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = x > 0.0
    with pytest.warns(UserWarning, match="target tensor must be floating .* got bool"):
        assert tape.gradient(y, x) is None


def test_gt026_several_targets_and_sources_with_some_that_are_no_numbers():
    x, y, label = constant(1.0), constant(2.0), tp.constant(np.array(True))
    with tp.GradientTape() as tape:
        tape.watch([x, y])
        targets = [x + 11 * y - 10 * y, 10 * y, label]
    with pytest.warns(UserWarning, match="must be floating") as caught:
        assert values(tape.gradient(targets, [x, y, label])) == [1.0, 11.0, None]
    assert len(caught) == 2


def test_gt028_a_persistent_tape_of_nothing_but_its_source_leaks_nothing():
    x = constant(np.full((2, 2), 2.0))
    with tp.GradientTape(persistent=True) as tape:
        tape.watch(x)
    assert values(tape.gradient(x, x)) == [[1.0, 1.0], [1.0, 1.0]]
    alive = weakref.ref(x)
    del x, tape
    gc.collect()
    assert alive() is None


def test_gt046_an_integer_result_as_the_target():
    x = constant([1.0, 3.0])
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = np.argmax(x)
    with pytest.warns(UserWarning, match="target tensor must be floating"):
        assert tape.gradient(y, x) is None


def test_gt056_sources_named_twice_and_in_any_order():
    tape, [x, y], z = tape_of(lambda x, y: x * x + x * y, 3.0, 5.0, persistent=True)
    assert values(tape.gradient(z, [x, x])) == [11.0, 11.0]
    assert values(tape.gradient(z, [y, x])) == [3.0, 11.0]


def test_gt068_both_gradients_of_a_persistent_tape():
    tape, [x], (y, z) = tape_of(lambda x: (x * x, (x * x) * (x * x)), 3.0, persistent=True)
    assert values(tape.gradient(z, [x])) == [108.0]
    assert values(tape.gradient(y, [x])) == [6.0]


def test_gt042_the_same_gradient_twice():
    tape, [x], y = tape_of(lambda x: x**3, 2.0, persistent=True)
    assert [values(tape.gradient(y, x)) for _ in range(2)] == [12.0, 12.0]


def test_gt072_intermediate_sources_need_no_watch():
    def program(x):
        y = x * x
        return y, y * y

    tape, [x], (y, z) = tape_of(program, 3.0)
    assert values(tape.gradient(z, [x, y])) == [108.0, 18.0]


@pytest.mark.parametrize("how", ["zero", tp.UnconnectedGradients.ZERO])
def test_gt074_gt254_zeros_for_what_is_not_connected(how):
    tape, [x, _], z = tape_of(lambda _, y: y * 2, np.ones((2, 2)), np.ones((2, 2)), persistent=True)
    assert tape.gradient(z, x) is None
    assert values(tape.gradient(z, x, unconnected_gradients=how)) == [[0.0, 0.0], [0.0, 0.0]]


def test_gt076_gt256_an_unknown_word_for_unconnected_gradients():
    tape, [x], y = tape_of(lambda x: x * 2, 1.0)
    with pytest.raises(ValueError, match="Unknown value for unconnected_gradients: 'nonsense'"):
        tape.gradient(y, x, unconnected_gradients="nonsense")


def test_gt092_a_source_among_the_targets():
    tape, [x], y = tape_of(lambda x: 2 * x, 3.0)
    assert values(tape.gradient((x, y), x)) == 3.0


def test_gt094_a_stack_of_one_tensor_twice():
    v = tp.Variable([1.0])
    with tp.GradientTape() as tape:
        a = v + 1
        y = np.mean(np.stack([a, a]))
    assert values(tape.gradient(y, [v])) == [[1.0]]


@pytest.mark.parametrize("make", [tp.constant, tp.Variable])
def test_gt106_equal_values_are_different_sources(make):
    a, b = make(2.0), make(2.0)
    with tp.GradientTape() as tape:
        tape.watch([a, b])
        targets = [a**3, b**2]
    assert values(tape.gradient(targets, [a, b])) == [12.0, 4.0]


def test_gt232_a_part_of_a_product():
    w = tp.Variable(np.ones((2, 2)))
    with tp.GradientTape() as tape:
        first, second = np.split(np.ones((2, 2)) @ w.value().T, 2)
        loss = np.sum(np.split(w @ np.ones((2, 2)), 2)[1])
    assert first.shape == second.shape == (1, 2)
    assert values(tape.gradient(loss, w)) == [[0.0, 0.0], [2.0, 2.0]]


def test_gt238_a_chain_and_its_middle():
    def program(x):
        y = 2 * x
        return y, 3 * y

    tape, [x], (y, z) = tape_of(program, 1.0)
    assert values(tape.gradient(z, [x, y])) == [6.0, 3.0]


def test_gt240_contributions_of_ten_uses_add():
    def program(x):
        y = 2 * x
        return y, sum([y] * 10)

    tape, [x], (y, z) = tape_of(program, 1.0)
    assert values(tape.gradient(z, [x, y])) == [20.0, 10.0]


def test_gt246_a_read_of_a_variable():
    v = tp.Variable(1.0)
    with tp.GradientTape() as tape:
        y = v.value()
    assert values(tape.gradient(y, v)) == 1.0


@pytest.mark.parametrize("form", ["both", "sum", "identities"])
def test_gt250_targets_that_depend_on_each_other(form):
    def program(x):
        y = x**2
        y2 = (y**2) ** 2
        return {"both": [y, y2], "sum": y + y2, "identities": [tp.identity(y), tp.identity(y2)]}[form]

    tape, [x], targets = tape_of(program, 3.0)
    assert values(tape.gradient(targets, x)) == 17502.0


def test_gt268_a_target_behind_stop_gradient():
    tape, [x], y = tape_of(tp.stop_gradient, np.ones((100, 32)))
    assert tape.gradient(y, x) is None


def test_gt350_an_unwatched_array():
    x = constant([1.0, 2.0])
    with tp.GradientTape() as tape:
        y = np.sum(x * x)
    assert tape.gradient(y, x) is None


def test_gt386_a_cast_between_floats():
    x = constant(2.0, np.float32)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = x.astype(np.float64) ** 2
    found = tape.gradient(y, x)
    assert (found.item(), found.dtype) == (4.0, np.float32)


def test_gt388_output_gradients_with_none():
    tape, [a, b], targets = tape_of(lambda a, b: [a * 2, b * 3], 1.0, 1.0)
    with pytest.raises(ValueError, match="`output_gradients` holds None"):
        tape.gradient(targets, [a, b], output_gradients=[None, constant(2.0)])


def test_gt390_none_as_the_target():
    tape, [x], _ = tape_of(lambda x: x * 2, 1.0)
    with pytest.raises(TypeError, match=r"Argument `target` should be .* but received None"):
        tape.gradient(None, x)


def test_gt392_a_python_number_as_a_source():
    tape, _, y = tape_of(lambda x: x * 2, 1.0)
    with pytest.raises(TypeError, match=r"Argument `sources` should be .* but received 3.0 of type float"):
        tape.gradient(y, 3.0)


def test_gt394_no_sources():
    tape, _, y = tape_of(lambda x: x * 2, 1.0)
    assert tape.gradient(y, []) == []


def test_gt410_elements_gathered_twice():
    tape, [x], y = tape_of(lambda x: x[[0, 0, 2]] ** 2, [1.0, 2.0, 3.0])
    assert values(tape.gradient(y, x)) == [4.0, 0.0, 6.0]


def test_gt420_a_dict_of_targets():
    tape, [x], targets = tape_of(lambda x: {"a": x * x, "b": 2 * x}, 3.0)
    assert values(tape.gradient(targets, x)) == 8.0


def test_gt422_a_target_cast_to_integers():
    x = constant(2.0)
    with tp.GradientTape() as tape:
        tape.watch(x)
        y = (x * x).astype(np.int32)
    with pytest.warns(UserWarning, match="target tensor must be floating"):
        assert tape.gradient(y, x) is None


def test_gt418_a_numpy_function_of_a_tensor_stays_on_the_tape():
    """Decided difference: in TensorFlow it is a plain array, and the gradient None (docs/guide.md)."""
    tape, [x], y = tape_of(lambda x: tp.constant(np.sin(x)) * 2, 0.5)
    assert values(tape.gradient(y, x)) == pytest.approx(2 * np.cos(0.5), rel=1e-15)


def test_gt252_stopped_nodes_are_constants():
    """A node behind stop_gradient is as good as one that is handed in as a constant: all subsets of a graph of four."""
    rng = np.random.default_rng(0)
    start = [rng.normal(size=(3, 3)) for _ in range(2)]

    def run(stopped, given):
        """The nodes; those in `given` are taken from there, and those in `stopped` are stopped."""
        nodes = [constant(m) for m in start]
        with tp.GradientTape(persistent=True) as tape:
            tape.watch(nodes)
            results = []
            for i in range(4):
                a, b = (nodes + results)[i : i + 2]
                node = constant(given[i]) if i in given else a @ b
                results.append(tp.stop_gradient(node) if i in stopped else node)
            total = np.sum(results[-1] * results[-1])
        return tape, nodes, results, total

    plain = [values(r) for r in run((), {})[2]]
    for subset in range(16):
        stopped = [i for i in range(4) if subset >> i & 1]
        tape, nodes, results, total = run(stopped, {})
        other, sources, members, same = run((), {i: plain[i] for i in stopped})
        found = tape.gradient(total, nodes + results, unconnected_gradients="zero")
        expected = other.gradient(same, sources + members, unconnected_gradients="zero")
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            if i - 2 not in stopped:  # a stopped node is a source in its own right, a constant is not watched
                np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)
