"""How numbers and results are written."""

from __future__ import annotations

from bench.results import Result

_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))


def _scaled(number: float, units: tuple[tuple[float, str], ...]) -> str:
    for scale, unit in units:
        if number >= 0.9995 * scale:
            return f"{ratio(number / scale)} {unit}"
    least, unit = units[-1]
    return f"{number / least:.2g} {unit}"


def seconds(time: float | None) -> str:
    """Three digits and a unit."""
    return "" if time is None else _scaled(time, _TIMES)


def round_seconds(time: float) -> str:
    """A round number and a unit, for the ticks of an axis."""
    scale, unit = next((s, u) for s, u in (*_TIMES, (0.0, "ns")) if time >= 0.9995 * s)
    return f"{time / (scale or 1e-9):.4g} {unit}"


def size(count: float | None) -> str:
    """Three digits and a unit."""
    return "" if count is None else _scaled(count, _BYTES)


def ratio(number: float | None) -> str:
    """Three digits: how many times."""
    if number is None:
        return ""
    return f"{number:.{2 if number < 9.995 else 1 if number < 99.95 else 0}f}"


def outcome(result: Result | None) -> str:
    """A time, or why there is none."""
    if result is None:
        return "–"
    if result.status == "ok":
        return seconds(result.median_s)
    return result.status if result.times is None else f"{seconds(result.median_s)} ({result.status})"
