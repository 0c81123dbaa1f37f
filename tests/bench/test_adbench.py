"""ADBench's problems (github.com/microsoft/ADBench, MIT licence): its smallest inputs, and what its `Manual` gives."""

import numpy as np
import pytest

import tapec as tp
from bench.workloads import bundles, mixtures

ALPHAS = np.array([-0.649014, 1.181166, -0.758453])
MEANS = np.array([[0.092339, 0.186260], [0.345561, 0.396767], [0.538817, 0.419195]])
ICF = np.array([[0.586443, -0.851887, 0.800321], [-1.509405, 0.875874, -0.242790], [0.166813, -1.965419, -1.270071]])
POINTS = np.array([[1.175171, 2.029160]])
OBJECTIVE = 8.07380408004975791
GRADIENT = [
    0.10866285550865246, -0.7412700395238985, 0.6326071840152461, 1.1169257653278701, 0.16333301355145527,
    -0.021998982407119314, 0.2277782922542361, 1.2096302561283219, -0.06063759207339564, 2.5852999405116224,
    0.1126326945242138, 0.3857443098496118, 0.07351805731823055, 5.418363627155952, -0.32149440967744647,
    1.7189230977500494, 0.8600910907908669, -0.9946409304663227,
]  # fmt: skip

CAMERA = np.array([1.797201, 0.590697, -0.635786, 90.859550, 29.361415, 28.777534, 211.628116, -0.284531, -14.762924,
                   0.058931, 0.069976])  # fmt: skip
POINT, WEIGHT, FEATURE = np.array([4.173048, 5.586898, 1.403869]), 0.417022, np.array([-525.672849, 161.811929])


def test_the_mixture():
    inputs = (ALPHAS, MEANS, ICF, POINTS)
    value, found = tp.value_and_grad(lambda *a: mixtures.tapec(np, *a), argnums=(0, 1, 2))(*inputs)
    assert value == pytest.approx(OBJECTIVE, rel=1e-12)
    np.testing.assert_allclose(np.concatenate([g.ravel() for g in found]), GRADIENT, rtol=1e-11)


def test_the_bundle():
    def residual(parameters):
        return bundles.residual(np, lambda parts: np.concatenate(parts, axis=-1), parameters, FEATURE)

    parameters = np.concatenate([CAMERA, POINT, [WEIGHT]])
    found = np.asarray(tp.function(residual)(parameters))
    np.testing.assert_allclose(found, [-2.690488492352369e-01, 2.599447926779375e-01], rtol=1e-8)
    block = tp.jacobian(residual)(parameters)
    np.testing.assert_allclose(
        block[0, :3], [2.288772022082468e02, 6.345748114955455e02, -7.822228662593405e02], rtol=1e-9
    )
    values = np.append(block, -2 * WEIGHT)  # ten observations, all of them the same
    assert 10 * values.sum() == pytest.approx(-1.165596163846241e04, rel=1e-10)
    assert np.sqrt(10) * np.linalg.norm(values) == pytest.approx(4.799383025697731e03, rel=1e-10)
