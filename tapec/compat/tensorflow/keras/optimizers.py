"""`tf.keras.optimizers`: `tp.optimizers`."""

from tapec.compat.unknown_names import refuses
from tapec.optimizers import SGD as SGD
from tapec.optimizers import Adam as Adam
from tapec.optimizers import AdamW as AdamW
from tapec.optimizers import Optimizer as Optimizer
from tapec.optimizers import RMSprop as RMSprop

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop"]

__getattr__ = refuses("tf.keras.optimizers", __all__)
