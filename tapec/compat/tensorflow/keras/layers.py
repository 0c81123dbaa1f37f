"""`tf.keras.layers`: `tp.layers`. A layer of one's own defines `build(shape)` and `call(x, training)`."""

from tapec.compat.unknown_names import refuses
from tapec.layers import Activation as Activation
from tapec.layers import AveragePool2D as AveragePool2D
from tapec.layers import BatchNorm as BatchNormalization
from tapec.layers import Conv2D as Conv2D
from tapec.layers import Dense as Dense
from tapec.layers import Dropout as Dropout
from tapec.layers import Embedding as Embedding
from tapec.layers import Flatten as Flatten
from tapec.layers import Layer as Layer
from tapec.layers import LayerNorm as LayerNormalization
from tapec.layers import MaxPool2D as MaxPool2D

__all__ = [
    "Activation", "AveragePool2D", "AveragePooling2D", "BatchNormalization", "Conv2D", "Dense", "Dropout", "Embedding",
    "Flatten", "Layer", "LayerNormalization", "MaxPool2D", "MaxPooling2D",
]  # fmt: skip

AveragePooling2D = AveragePool2D
MaxPooling2D = MaxPool2D

__getattr__ = refuses("tf.keras.layers", __all__)
