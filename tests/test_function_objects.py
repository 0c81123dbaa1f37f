"""Compiled functions as objects, and objects that are no arrays among their results."""

import copy
import pickle
import warnings
from collections import defaultdict
from enum import Enum
from types import SimpleNamespace

import numpy as np
import pytest

import tapec as tp


@tp.function
def root(x):
    return np.sqrt(x)


def test_compiled_functions_are_pickled_by_name_and_copied_as_themselves():
    assert pickle.loads(pickle.dumps(root)) is root
    assert copy.copy(root) is root
    assert copy.deepcopy([root]) == [root]
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(tp.function(lambda x: x))


def generates(x):
    yield x * 2.0
    yield x * 3.0


async def waits(x):
    return x * 2.0


def awaited(coroutine):
    with pytest.raises(StopIteration) as ended:
        coroutine.send(None)
    return [ended.value.value]


def _closure(x):
    return lambda: x * 2.0


@pytest.mark.parametrize(
    ("python", "read"),
    [
        (generates, list),
        (waits, awaited),
        (lambda x: {"pair": (x, SimpleNamespace(y=x * 2.0))}, lambda r: [r["pair"][1].y]),
        (lambda x: defaultdict(list, y=x * 2.0), lambda r: [r["y"]]),
        (_closure, lambda r: [r()]),
    ],
    ids=["generator", "coroutine", "namespace", "defaultdict", "closure"],
)
def test_objects_that_each_call_makes_anew_are_not_those_of_the_first_call(python, read):
    f = tp.function(python)
    with pytest.warns(tp.errors.EagerFallbackWarning, match="among the results"):
        results = [f(1.0)]
    results += [f(2.0), f(3.0)]
    assert [float(read(r)[0]) for r in results] == [2.0, 4.0, 6.0]


def test_strict_functions_refuse_objects_that_each_call_makes_anew():
    with pytest.raises(tp.errors.LeakedTensorError, match="a generator among the results"):
        tp.function(generates, strict=True)(1.0)


class Colour(Enum):
    RED = 1


def test_objects_that_last_do_not_stand_in_the_way():
    marker, held = object(), tp.Variable(1.0)
    lasting = (
        None,
        True,
        3,
        2.5,
        1j,
        "s",
        b"b",
        np.float32,
        np.sin,
        len,
        Colour.RED,
        slice(3),
        ...,
        held,
        generates,
        root,
        np,
    )
    f = tp.function(lambda x, given: (x, given, lasting))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for x in (1.0, 2.0, 3.0):
            assert f(x, marker) == (x, marker, lasting)
    assert f.recordings == f.compiles == 1


def test_compiled_functions_do_not_warn_of_special_values_whichever_way_they_run():
    f = tp.function(lambda x: (np.sqrt(x), 1.0 / (x + 1.0), np.log(x), x.astype(np.int32)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            f(np.array([-1.0, np.nan, np.inf]))
        with tp.eager():
            f(np.array([-1.0, np.nan, np.inf]))


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_a_matrix_is_refused_since_its_operators_mean_something_else():
    matrix = np.matrix([[1.0, 2.0], [3.0, 4.0]])
    for _ in range(2):
        with pytest.raises(tp.errors.ArgumentError, match=r"argument 0: np\.matrix is not supported"):
            tp.function(lambda m: m * m)(matrix)
    with pytest.raises(tp.errors.DTypeError, match=r"np\.matrix is not"):
        tp.constant(1.0) * matrix
    with pytest.raises(tp.errors.DTypeError, match=r"np.matrix is not supported.*np.asarray"):
        tp.constant(matrix)
