"""Points in space: arrays whose last axis has three numbers, or four; forces, rotations, cameras, distances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.workload import Call, Workload, gradients

SOFTENING, MEANS = 0.01, 8
FOCAL, RADIAL = 500.0, (0.1, 0.01)


def atoms(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions near a lattice's, and ones where an atom meets itself."""
    rng = np.random.default_rng(0)
    side = np.arange(-(-(n ** (1 / 3)) // 1))
    lattice = np.stack(np.meshgrid(side, side, side), -1).reshape(-1, 3)[:n]
    return 1.2 * lattice + 0.05 * rng.normal(size=(n, 3)), np.eye(n)


def lennard_jones(m: Any, x: Any, same: Any) -> Any:
    d = x[:, None, :] - x[None, :, :]
    r2 = m.sum(d * d, -1) + same
    sixth = 1.0 / (r2 * r2 * r2)
    return 2.0 * m.sum((sixth * sixth - sixth) * (1.0 - same))


def bodies(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions and masses."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 3)), rng.random(n)


def gravity(m: Any, x: Any, masses: Any) -> Any:
    d = x[:, None, :] - x[None, :, :]
    r = m.sqrt(m.sum(d * d, -1) + SOFTENING)
    return -0.5 * m.sum(masses[:, None] * masses[None, :] / r)


def clouds(n: int) -> tuple[np.ndarray, ...]:
    """A quaternion, a shift, points, and where they should come to lie."""
    rng = np.random.default_rng(0)
    return rng.normal(size=4), rng.normal(size=3), rng.normal(size=(n, 3)), rng.normal(size=(n, 3))


def rigid(cross: str) -> Callable[..., Any]:
    """The mean square distance of moved points; `cross` is the library's name of the cross product."""

    def loss(m: Any, q: Any, shift: Any, p: Any, target: Any) -> Any:
        crossed = _function(m, cross)
        q = q / m.sqrt(m.sum(q * q))
        u, w = q[:3], q[3]
        c = crossed(u[None, :], p)
        r = p + 2.0 * (w * c + crossed(u[None, :], c)) + shift - target
        return m.mean(m.sum(r * r, 1))

    return loss


def scene(n: int) -> tuple[np.ndarray, ...]:
    """A rotation vector, a shift, points, and where they are seen."""
    rng = np.random.default_rng(0)
    return 0.3 * rng.normal(size=3), np.array([0.1, 0.2, 8.0]), rng.normal(size=(n, 3)), 100 * rng.normal(size=(n, 2))


def camera(cross: str) -> Callable[..., Any]:
    """Half the sum of squared errors of a camera that is turned by Rodrigues' formula and has radial distortion."""

    def loss(m: Any, turn: Any, shift: Any, p: Any, seen: Any) -> Any:
        crossed = _function(m, cross)
        angle = m.sqrt(m.sum(turn * turn))
        k = turn / angle
        cosine, sine = m.cos(angle), m.sin(angle)
        y = p * cosine + crossed(k[None, :], p) * sine + k * ((p @ k) * (1.0 - cosine))[:, None] + shift
        flat = y[:, :2] / y[:, 2:]
        rr = m.sum(flat * flat, 1)[:, None]
        e = FOCAL * flat * (1.0 + RADIAL[0] * rr + RADIAL[1] * rr * rr) - seen
        return 0.5 * m.sum(e * e)

    return loss


def _function(m: Any, name: str) -> Any:
    for part in name.split("."):
        m = getattr(m, part)
    return m


def clusters(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and points."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(MEANS, 3)), rng.normal(size=(n, 3))


def k_means(m: Any, means: Any, x: Any) -> Any:
    d = x[:, None, :] - means[None, :, :]
    return m.sum(m.amin(m.sum(d * d, -1), 1))


def by_hand(name: str, inputs: Callable[[int], tuple[np.ndarray, ...]]) -> Callable[[int], Call]:
    """A call of a function of `bench.limits.points`."""

    def limit(n: int) -> Call:
        from bench.limits import points

        return Call(getattr(points, name), inputs(n))

    return limit


def of_pairs(name: str, inputs: Any, loss: Any) -> Any:
    return gradients(inputs, loss, torch=loss, limit=by_hand(name, inputs))


def of_each(name: str, inputs: Any, loss: Any, wrt: tuple[int, ...]) -> Any:
    """Without autograd, whose derivative of a cross product takes no operands that broadcast."""
    plain, limit = loss("cross"), by_hand(name, inputs)
    return gradients(inputs, tapec=plain, jax=plain, torch=loss("linalg.cross"), wrt=wrt, limit=limit)


BINDS = "arithmetic: points are loaded once, and little else leaves the registers"
WORKLOADS = (
    Workload(
        "lennard_jones",
        "Lennard-Jones energy of {n} atoms, all pairs, by positions",
        of_pairs("lennard_jones", atoms, lennard_jones),
        sizes=(100,),
        sweep=(30, 500),
        quick=27,
        unit="atoms",
        binds=BINDS,
    ),
    Workload(
        "gravity",
        "Potential of {n} bodies with softening, all pairs, by positions",
        of_pairs("gravity", bodies, gravity),
        sizes=(256,),
        sweep=(64, 1_000),
        quick=20,
        unit="bodies",
        binds=BINDS,
    ),
    Workload(
        "rigid",
        "Fit of {n} points turned by a quaternion and shifted, by both",
        of_each("rigid", clouds, rigid, (0, 1)),
        sizes=(10_000,),
        sweep=(100, 100_000),
        quick=20,
        unit="points",
        binds=BINDS,
    ),
    Workload(
        "camera",
        "Reprojection error of {n} points in a camera, by camera and points",
        of_each("camera", scene, camera, (0, 1, 2)),
        sizes=(5_000,),
        sweep=(100, 50_000),
        quick=20,
        unit="points",
        tolerance=1e-8,
        binds=BINDS,
    ),
    Workload(
        "k_means",
        "Squared distances of {n} points to the nearest of 8 means, by the means",
        of_pairs("k_means", clusters, k_means),
        sizes=(10_000,),
        sweep=(100, 100_000),
        quick=20,
        unit="points",
        binds=BINDS,
    ),
)
