"""SciPy's ufuncs on tensors: values and dtypes are SciPy's, derivatives are there, and compiled runs give the bits."""

import numpy as np
import pytest
from scipy import special

import tapec as tp
from tapec.array_protocol import FOREIGN_UFUNCS
from tapec.constants import constant
from tapec.testing import check_grads

ONE = np.array([0.1, 0.25, 0.5, 0.875])
OTHER = np.array([0.3, 2.0, 0.625, 0.75])
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan])
EXPIT = special.expit
NAMES = sorted(FOREIGN_UFUNCS["scipy.special"])


def arguments(name, dtype, one=ONE, other=OTHER):
    return [x.astype(dtype) for x in (one, other)[: getattr(special, name).nin]]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NAMES)
def test_values_and_dtypes_are_scipys(name, dtype):
    function = getattr(special, name)
    for given in (
        arguments(name, dtype),
        [
            x.reshape(shape)
            for x, shape in zip(arguments(name, dtype, SPECIAL, SPECIAL), ((-1, 1), (1, -1)), strict=False)
        ],
    ):
        with np.errstate(all="ignore"):
            found, expected = function(*map(constant, given)), function(*given)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found.numpy(), expected, rtol=32 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)
    assert function(*[constant(np.array([1]))] * function.nin).dtype == np.float64


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_to_second_order(name):
    check_grads(getattr(special, name), arguments(name, np.float64), order=2)


def test_compiled_runs_give_the_bits():
    def all_of_them(x, y):
        return [getattr(special, name)(*(x, y)[: getattr(special, name).nin]) for name in NAMES]

    compiled = tp.function(all_of_them, strict=True)
    with tp.eager():
        expected = compiled(ONE, OTHER)
    for _ in range(3):
        for found, wanted in zip(compiled(ONE, OTHER), expected, strict=True):
            assert found.tobytes() == wanted.tobytes()


def test_products_with_zero():
    assert tp.grad(special.xlogy, argnums=(0, 1))(0.0, 2.0) == (np.log(2.0), 0.0)
    assert tp.grad(special.xlogy)(0.0, 0.0) == -np.inf
    assert tp.grad(lambda p: np.sum(special.entr(p)))(np.array([0.0, 1.0])).tolist() == [np.inf, -1.0]


def test_others_are_refused_by_name():
    with pytest.raises(tp.errors.UnsupportedFunctionError, match=r"gammaln is not recorded .* tp\.custom_gradient"):
        special.gammaln(constant(1.0))


def test_a_ufunc_that_only_has_the_name_is_another(monkeypatch):
    monkeypatch.setattr(special, "expit", None)
    with pytest.raises(tp.errors.UnsupportedFunctionError, match="the ufunc expit"):
        EXPIT(constant(1.0))
