"""`tf.keras`: `tp.layers` and `tp.optimizers`."""

from tapec.compat.tensorflow.keras import activations as activations
from tapec.compat.tensorflow.keras import initializers as initializers
from tapec.compat.tensorflow.keras import layers as layers
from tapec.compat.tensorflow.keras import optimizers as optimizers
from tapec.compat.unknown_names import refuses
from tapec.layers import Sequential as Sequential

__all__ = ["Sequential", "activations", "initializers", "layers", "optimizers"]

__getattr__ = refuses("tf.keras", __all__)
