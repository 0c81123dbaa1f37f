"""Layers of neural networks: `tp.layers`. They make their Variables when they are first called, as Keras' do.

>>> import numpy as np, tapec as tp
>>> model = tp.layers.Sequential([tp.layers.Dense(8, activation="relu"), tp.layers.Dense(1)])
>>> model(np.zeros((4, 3))).shape, len(model.trainable_variables)
((4, 1), 4)
"""

from tapec.layers import initializers as initializers
from tapec.layers.activation import Activation as Activation
from tapec.layers.convolution import Conv2D as Conv2D
from tapec.layers.dense import Dense as Dense
from tapec.layers.dropout import Dropout as Dropout
from tapec.layers.embedding import Embedding as Embedding
from tapec.layers.flatten import Flatten as Flatten
from tapec.layers.layer import Layer as Layer
from tapec.layers.normalization import BatchNorm as BatchNorm
from tapec.layers.normalization import LayerNorm as LayerNorm
from tapec.layers.pooling import AveragePool2D as AveragePool2D
from tapec.layers.pooling import MaxPool2D as MaxPool2D
from tapec.layers.sequential import Sequential as Sequential
