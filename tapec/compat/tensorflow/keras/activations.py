"""`tf.keras.activations`: functions of `tp.nn`, and `get`, which finds one by its name."""

from tapec.compat.tensorflow.math import tanh as tanh
from tapec.compat.unknown_names import refuses
from tapec.layers.activation import get as get
from tapec.nn import elu as elu
from tapec.nn import gelu as gelu
from tapec.nn import leaky_relu as leaky_relu
from tapec.nn import log_softmax as log_softmax
from tapec.nn import mish as mish
from tapec.nn import relu as relu
from tapec.nn import relu6 as relu6
from tapec.nn import selu as selu
from tapec.nn import sigmoid as sigmoid
from tapec.nn import silu as silu
from tapec.nn import softmax as softmax
from tapec.nn import softplus as softplus
from tapec.nn import softsign as softsign

__all__ = [
    "elu", "gelu", "get", "leaky_relu", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softmax",
    "softplus", "softsign", "tanh",
]  # fmt: skip

__getattr__ = refuses("tf.keras.activations", __all__)
