"""A tensor among Python's own: conversions, iteration, text, copies, and what recorders hear of them."""

import copy
import pickle

import numpy as np
import pytest
from noting_recorder import Noting

import tapec.surface  # noqa: F401  (fills the tables)
from tapec.array_protocol import ArrayProtocol
from tapec.constants import constant
from tapec.errors import DTypeError, ShapeError, UnsupportedFunctionError
from tapec.recording import ACTIVE
from tapec.tensor import Tensor


@pytest.fixture
def noting():
    recorder = Noting()
    ACTIVE.recorders.append(recorder)
    yield recorder
    ACTIVE.recorders.remove(recorder)


@pytest.mark.cpu
def test_text():
    x = constant(np.array([2.5, 0.25], np.float32))
    assert repr(x) == "<tapec.Tensor: shape=(2,), dtype=float32, numpy=array([2.5 , 0.25], dtype=float32)>"
    assert repr(constant(6.0)) == "<tapec.Tensor: shape=(), dtype=float64, numpy=6.0>"
    assert str(constant(6.0)) == "tapec.Tensor(6.0, shape=(), dtype=float64)"
    assert f"{constant(1.23456):.2f}" == "1.23"


def test_looking_at_a_tensor_neither_records_nor_leaks(noting):
    x = constant([1.0, 2.0])
    noting.ops.clear()
    repr(x), str(x), f"{x}", len(x), x.shape, x.dtype, x.ndim, x.size, x.nbytes, x.itemsize, x.type
    np.shape(x), np.ndim(x), np.size(x), np.result_type(x, np.float32), copy.copy(x), copy.deepcopy(x)
    assert noting.ops == noting.leaks == noting.observed == []


def test_what_leaves_is_told(noting):
    x = constant([1.5, 2.0])
    first = x[0]
    float(first), first.item(), x.numpy(), np.asarray(x), x.tolist(), pickle.dumps(x)
    assert len(noting.leaks) == 6
    assert noting.observed == []


def test_integers_and_truth_are_observed(noting):
    n = constant(np.array(3))
    assert [int(n), n.item(), n.__index__(), list(range(n)), bool(n)] == [3, 3, 3, [0, 1, 2], True]
    assert noting.observed == [3, 3, 3, 3, 1]
    assert int(constant(2.75)) == 2
    assert bool(constant(2.75) > 3) is False
    assert bool(constant(0.0)) is False
    assert noting.observed[-3:] == [2, 0, 0]
    assert noting.leaks == []


def test_several_elements_have_no_truth_value():
    with pytest.raises(ValueError, match="ambiguous"):
        bool(constant([1.0, 2.0]))
    for convert in (float, int, constant([0.5]).__class__.__index__):
        with pytest.raises(TypeError):
            convert(constant([1.0, 2.0]))
    with pytest.raises(TypeError):
        range(constant(2.0))
    with pytest.raises(ValueError, match="one element"):
        constant([1.0, 2.0]).item()
    assert constant([1.0, 2.0]).item(1) == 2.0


def test_sequences():
    x = constant([[1.0, 2.0], [3.0, 4.0]])
    assert [row.tolist() for row in x] == [[1.0, 2.0], [3.0, 4.0]]
    assert len(x) == 2
    a, b = x
    assert (a + b).tolist() == [4.0, 6.0]
    assert 3.0 in x
    assert 5.0 not in x
    for refused in (len, iter):
        with pytest.raises(TypeError):
            refused(constant(1.0))
    with pytest.raises(TypeError, match=r"immutable.*np\.where"):
        x[0] = 1.0


def test_identity_and_copies():
    x = constant(1.0)
    assert copy.copy(x) is x
    assert copy.deepcopy([x])[0] is x
    assert pickle.loads(pickle.dumps(x)).tolist() == 1.0
    assert (x == None) is False  # noqa: E711
    assert isinstance(x, ArrayProtocol)


def test_values_cannot_be_written_to():
    source = np.array([1.0, 2.0])
    x = constant(source)
    source[0] = 9.0
    assert x.tolist() == [1.0, 2.0]
    for view in (x.numpy(), np.asarray(x)):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1.0
    np.array(x)[0] = 5.0
    assert x.tolist() == [1.0, 2.0]


def test_arrays_are_copied_while_somebody_records(noting):
    a = np.array([1.0, 2.0])
    result = constant([1.0, 1.0]) * a
    a[0] = 7.0
    assert noting.operands[-1].tolist() == [1.0, 2.0]
    assert result.tolist() == [1.0, 2.0]


def test_lists_of_tensors_are_operands():
    x = constant(2.0)
    assert (constant([1.0, 1.0]) + [x, 3.0]).tolist() == [3.0, 4.0]
    with pytest.raises(ShapeError, match="equal shapes"):
        constant([1.0, 1.0]) + [x, constant([1.0])]


def test_constant():
    assert constant([1, 2]).dtype == np.int64
    assert constant(1.0).dtype == np.float64
    assert constant([1, 2], np.float32).dtype == np.float32
    assert constant(constant([1.5]), dtype=np.int32).tolist() == [1]
    assert not constant(1.0)._weak
    assert constant(np.array([1, 2], ">i4")).dtype.isnative
    for value in (1j, "a", None, np.longdouble(1), np.array([object()]), np.ma.masked_array([1.0])):
        with pytest.raises(DTypeError):
            constant(value)
    with pytest.raises(DTypeError):
        constant(1.0, np.complex128)


@pytest.mark.parametrize("other", ["a", None, {}, object(), b"x"])
def test_operators_leave_what_is_no_number_to_the_other_side(other):
    with pytest.raises(TypeError, match="unsupported operand"):
        constant(1.0) + other
    with pytest.raises(TypeError):
        other @ constant(1.0)
    assert (constant(1.0) != other) is True


def test_complex_operands_are_taken_by_operators_and_refused_elsewhere():
    assert (constant(1.0) + 1j).item() == 1 + 1j
    with pytest.raises(DTypeError, match="complex"):
        np.concatenate([constant([1.0]), np.array([1j])])


def test_unsupported_functions_name_themselves_and_what_to_do():
    x = constant([[1.0, 2.0], [3.0, 4.0]])
    for call, words in (
        (lambda: np.lexsort((x,)), r"lexsort.*docs/numpy\.md.*tp\.custom_gradient"),
        (lambda: np.unique(x, axis=0), r"unique does not take `axis`"),
        (lambda: np.histogram(x, "auto"), r"'auto' on tensors: give their number"),
        (lambda: np.frompyfunc(float, 1, 1)(x), r"^the ufunc float \(vectorized\) is not"),
        (lambda: np.sum(x, out=np.zeros(())), "sum.*out"),
        (lambda: np.fill_diagonal(x, 0), "begin with a copy"),
        (lambda: np.pad(x, 1, mode="mean"), "mode='mean'"),
        (lambda: np.quantile(x, 0.5, method="lower"), "lower"),
        (lambda: np.nan_to_num(x, copy=False), "copy"),
    ):
        with pytest.raises(UnsupportedFunctionError, match=words):
            call()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x, y: x + y, r"\(2, 3\) and \(4,\)"),
        (lambda x, y: x @ y, r"\(2, 3\) and \(4,\).*3 != 4"),
        (lambda x, y: np.dot(x, y), r"\(2, 3\) and \(4,\)"),
        (lambda x, y: np.inner(x, y), r"\(2, 3\) and \(4,\)"),
        (lambda x, y: np.tensordot(x, y, 1), r"\(2, 3\) and \(4,\)"),
        (lambda x, y: np.einsum("ij,j", x, y), r"\(2, 3\), \(4,\)"),
        (lambda x, y: np.concatenate([x, y]), r"\(2, 3\) and \(4,\)"),
        (lambda x, y: np.stack([x, y]), r"\(2, 3\), \(4,\)"),
        (lambda x, y: np.where(x > 0, x, y), r"\(2, 3\) and \(4,\)"),
        (lambda x, _: x.reshape(4, 2), r"\(2, 3\).*\(4, 2\)"),
        (lambda x, _: x.reshape(4, -1), r"\(2, 3\).*\(4, -1\)"),
        (lambda x, _: np.broadcast_to(x, (2, 4)), r"\(2, 3\).*\(2, 4\)"),
        (lambda x, _: np.max(x[:0]), r"zero-size.*\(0, 3\)"),
        (lambda x, _: np.matmul(x, 2.0), r"\(2, 3\) and \(\)"),
        (lambda x, _: np.split(x, 2, axis=1), r"\(2, 3\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named_with_the_line(call, words):
    with pytest.raises(ShapeError, match=words) as caught:
        call(constant(np.ones((2, 3))), constant(np.ones(4)))
    assert "test_tensor_protocol.py:" in str(caught.value)


def test_axes_out_of_range():
    x = constant(np.ones((2, 3)))
    for call in (lambda: x.sum(2), lambda: np.max(x, axis=-3), lambda: x.sum((0, 0)), lambda: np.transpose(x, (0, 0))):
        with pytest.raises(ValueError, match="ax"):
            call()


def test_results_are_tensors():
    x = constant(np.ones((2, 3)))
    assert type(np.ones(3) + x) is Tensor
    assert type(np.float64(2) * x) is Tensor
    assert type(np.ones(3) < x) is Tensor
    assert type(round(x)) is Tensor
    assert type(np.sort(x)) is Tensor
