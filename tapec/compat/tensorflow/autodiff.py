"""`tf.autodiff`."""

from tapec.compat.unknown_names import refuses
from tapec.forward_accumulator import ForwardAccumulator as ForwardAccumulator

__all__ = ["ForwardAccumulator"]

__getattr__ = refuses("tf.autodiff", __all__)
