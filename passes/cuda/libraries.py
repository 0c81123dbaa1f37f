"""Which of NVIDIA's libraries does a step that has no kernel of ours."""

from __future__ import annotations

from tapec.ir.primitive import Primitive
from tapec.ops import transform
from tapec.passes.materialize import FACTORIZATIONS

LIBRARIES: dict[Primitive, str] = {
    transform.fft: "cuFFT",
    transform.rfft: "cuFFT",
    transform.irfft: "cuFFT",
    **dict.fromkeys(FACTORIZATIONS, "cuSOLVER"),
}
