"""The error for a value that is differentiated and leaves for plain Python, from where it comes back a constant."""

from __future__ import annotations

import linecache

from tapec.errors import LostDerivativeError
from tapec.recording import location_of, user_frame


def lost_derivative(how: str) -> LostDerivativeError:
    """The error, for the line that the user's program is at.

    Args:
        how: what took the value, as `Recorder.leak` hears it.
    """
    from tapec.leaving_advice import advice  # few programs need it

    frame, _ = user_frame(2)
    where = "" if frame is None else f"{location_of(frame)}: "
    text = "" if frame is None else linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    line = f"`{text}` " if text else ""
    return LostDerivativeError(
        f"{where}{line}takes the plain value of a tensor that is being differentiated, as {how} does; what is computed "
        f"from that has no derivative. Instead: {advice(frame, how)}. Where none is wanted, take it of "
        'tp.stop_gradient(t); print(t) and f"{t:.3f}" may look at any tensor.'
    )
