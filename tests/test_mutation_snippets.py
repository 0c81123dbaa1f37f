"""Programs that write in place: right on an eager tape and compiled, or a named error, and none silently wrong.

Each is run by NumPy for its value, and by central differences for its gradient. They cover what public issue threads of
other systems show as wrong or refused (../shared/research/users.md, section 6).
"""

import numpy as np
import pytest

import tapec as tp
from tapec.errors import TapecError

X = np.array([0.3, -0.7, 1.1, 0.6])


def assign_elements(x):
    out = np.zeros_like(x)
    for i in range(4):
        out[i] = x[i] ** 2
    return np.sum(out)


def overwrite_what_was_used(x):
    a = x.copy()
    y = a * a
    a[:] = 0.0
    return np.sum(y) + np.sum(a)


def overwrite_between_uses(x):
    a = x.copy()
    y = np.sin(a[1])
    a[1] = 5.0 * x[0]
    return y * a[1]


def recurrence(x):
    a = np.zeros_like(x)
    a[0] = x[0]
    for i in range(1, 4):
        a[i] = a[i - 1] * x[i]
    return a[3]


def backward_recurrence(x):
    a = x.copy()
    for i in range(2, -1, -1):
        a[i] += 0.5 * a[i + 1]
    return np.sum(a * a)


def accumulate_into_one_element(x):
    a = np.zeros_like(x)
    for i in range(4):
        a[0] += x[i] * x[i]
    return a[0]


def add_in_place(x):
    a = x.copy()
    a += x
    a += 1.0
    return np.sum(a * x)


def multiply_in_place(x):
    a = x.copy()
    a *= x
    a *= a
    return np.sum(a)


def divide_in_place(x):
    a = np.ones_like(x)
    a /= x
    return np.sum(a)


def power_in_place(x):
    a = x.copy()
    a **= 3
    return np.sum(a)


def slices(x):
    a = x.copy()
    a[1:3] = a[:2] * 2.0
    a[::2] += a[1::2]
    return np.sum(a * a)


def overlapping_slices(x):
    a = x.copy()
    a[1:] = a[:-1]
    return np.sum(a * x)


def reversed_in_place(x):
    a = x.copy()
    a[:] = a[::-1]
    return np.sum(a * x)


def swap(x):
    a = x.copy()
    a[0], a[3] = a[3], a[0]
    return a[0] ** 2 * a[3]


def swap_views(x):
    a = x.copy()
    a[:2], a[2:] = a[2:], a[:2]  # NumPy reads the second view after the first write
    return np.sum(a * x)


def view_then_write_to_the_base(x):
    a = x.copy()
    v = a[1:]
    a[1] = 3.0 * x[0]
    return np.sum(v * v)


def write_through_a_view(x):
    a = x.copy()
    v = a[1:]
    v[0] = x[0] * x[0]
    v *= 2.0
    return np.sum(a * a)


def write_through_a_view_of_a_view(x):
    a = x.copy()
    a[1:][1:][0] = x[0] * 4.0
    return np.sum(a * a)


def write_through_a_transpose(x):
    a = x.copy().reshape(2, 2)
    a.T[0] = x[2:] * x[:2]
    return np.sum(a * a)


def write_through_a_reshape(x):
    a = x.copy()
    m = a.reshape(2, 2)
    m[1, 0] = x[0] * x[3]
    return np.sum(a * a)


def write_rows(x):
    a = np.zeros_like(np.outer(np.ones(3), x))
    for i in range(3):
        a[i] = x * (i + 1)
        a[i, i] = 0.0
    return np.sum(a * a)


def write_columns(x):
    a = np.zeros_like(np.outer(x, x))
    for i in range(4):
        a[:, i] = x * x[i]
    return np.sum(a[1] * a[2])


def loop_over_rows(x):
    a = np.outer(x, x).copy()
    for row in a:
        row[0] = row[1] * row[2]
    return np.sum(a)


def mask_with_a_number(x):
    a = x.copy()
    a[a < 0.0] = 0.25
    return np.sum(a * a)


def mask_with_values(x):
    a = x.copy()
    negative = np.array([False, True, False, True])
    a[negative] = x[:2] * x[2:]
    return np.sum(a * a)


def mask_added_to(x):
    a = x.copy()
    a[np.array([True, False, True, True])] += x[0]
    return np.sum(a * a)


def index_array(x):
    a = np.zeros_like(x)
    a[[2, 0]] = x[[1, 3]] * 2.0
    return np.sum(a * x)


def index_array_that_repeats(x):
    a = np.zeros_like(x)
    a[[1, 1, 2]] = x[:3] ** 2
    return np.sum(a * x)


def index_arrays_on_two_axes(x):
    a = np.zeros_like(np.outer(x, x))
    a[[0, 1, 2], [2, 1, 0]] = x[:3] * x[1:]
    return np.sum(a * np.outer(x, x))


def negative_indices_and_ellipsis(x):
    a = x.copy().reshape(2, 2)
    a[..., -1] = a[..., 0] * x[0]
    a[-1, ...] *= 2.0
    return np.sum(a * a)


def branch_on_what_was_written(x):
    a = x.copy()
    for i in range(4):
        if a[i] < 0.0:
            a[i] = -a[i] * x[0]
    return np.sum(a * a)


def while_loop_that_writes(x):
    a, i = x.copy(), 0
    while i < 3:
        a[i + 1] = a[i] + a[i + 1]
        i += 1
    return a[3] ** 2


def written_twice(x):
    a = np.zeros_like(x)
    a[0] = x[0] ** 2
    a[0] = x[1] ** 2
    return a[0]


def never_read(x):
    a = x.copy()
    a[0] = np.exp(x[0])
    return np.sum(x * x)


def alias(x):
    a = x.copy()
    b = a
    b[0] = x[1] * x[2]
    return np.sum(a * b)


def copy_is_no_alias(x):
    a = x.copy()
    b = a.copy()
    b[0] = x[1] * x[2]
    return np.sum(a * b)


def argument_of_a_function(x):
    def clear(array, where):
        array[where] = 0.0

    a = x.copy()
    clear(a, slice(1, 3))
    return np.sum(a * x)


def kept_in_a_list(x):
    history, a = [], x.copy()
    for i in range(3):
        a[i] = a[i] * a[i + 1]
        history.append(a.copy())
    return sum(np.sum(h * h) for h in history)


def value_taken_before(x):
    a = x.copy()
    before = a[0] * 1.0
    a[0] = x[3]
    return before * a[0]


def insertion_sort(x):
    a = x.copy()
    for i in range(1, 4):
        j = i
        while j > 0 and a[j - 1] > a[j]:
            a[j - 1], a[j] = a[j] * 1.0, a[j - 1] * 1.0
            j -= 1
    return np.sum(a * np.arange(4.0))


def elimination(x):
    m = np.outer(x, x) + 3.0 * np.eye(4)
    m = m.copy()
    for k in range(3):
        for i in range(k + 1, 4):
            m[i] -= m[k] * (m[i, k] / m[k, k])
    return m[0, 0] * m[1, 1] * m[2, 2] * m[3, 3]


def sort_in_place(x):
    a = x.copy()
    a.sort()
    return np.sum(a * np.arange(4.0))


def stencil(x):
    u = x.copy()
    for _ in range(3):
        new = u.copy()
        new[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2.0 * u[1:-1] + u[:-2])
        u = new
    return np.sum(u * u)


def stencil_in_place(x):
    u = x.copy()
    for _ in range(3):
        u[1:-1] += 0.1 * (u[2:] - 2.0 * u[1:-1] + u[:-2])
    return np.sum(u * u)


PROGRAMS = [
    assign_elements, overwrite_what_was_used, overwrite_between_uses, recurrence, backward_recurrence,
    accumulate_into_one_element, add_in_place, multiply_in_place, divide_in_place, power_in_place, slices,
    overlapping_slices, reversed_in_place, swap, swap_views, view_then_write_to_the_base, write_through_a_view,
    write_through_a_view_of_a_view, write_through_a_transpose, write_through_a_reshape, write_rows, write_columns,
    loop_over_rows, mask_with_a_number, mask_with_values, mask_added_to, index_array, index_array_that_repeats,
    index_arrays_on_two_axes, negative_indices_and_ellipsis, branch_on_what_was_written, while_loop_that_writes,
    written_twice, never_read, alias, copy_is_no_alias, argument_of_a_function, kept_in_a_list, value_taken_before,
    insertion_sort, sort_in_place, elimination, stencil, stencil_in_place,
]  # fmt: skip


def differences(function, x):
    steps = 1e-6 * np.eye(len(x))
    return np.array([(function(x + h) - function(x - h)) / 2e-6 for h in steps])


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_right_on_a_tape_and_compiled(function):
    expected, slopes = function(X), differences(function, X)
    v = tp.Variable(X)
    with tp.GradientTape() as tape:
        y = function(v.value())
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-14)
    eager = tape.gradient(y, v).numpy()
    np.testing.assert_allclose(eager, slopes, rtol=1e-6, atol=1e-8)
    compiled = tp.value_and_grad(function)
    for _ in range(2):
        value, gradient = compiled(X)
        assert np.asarray(value).tobytes() == np.asarray(y.numpy()).tobytes()
        np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-8)
        assert gradient.tobytes() == eager.tobytes()


def writes_to_a_tensor(x):
    x[0] = 1.0


def writes_to_a_slice_of_a_tensor(x):
    x[1:][0] = 1.0


def resizes(x):
    x.copy().resize(2)


REFUSED = [
    writes_to_a_tensor, writes_to_a_slice_of_a_tensor, resizes,
]  # fmt: skip


@pytest.mark.parametrize("function", REFUSED, ids=lambda f: f.__name__)
def test_refused_by_name(function):
    v = tp.Variable(X)
    with tp.GradientTape(), pytest.raises((TapecError, TypeError, AttributeError)):
        function(v.value())
