"""Optimizers: `tp.optimizers`. They update Variables by gradients, eagerly or inside a compiled training step.

>>> import tapec as tp
>>> x, optimizer = tp.Variable(4.0), tp.optimizers.SGD(0.25)
>>> for _ in range(3):
...     with tp.GradientTape() as tape:
...         loss = x * x
...     optimizer.apply_gradients([(tape.gradient(loss, x), x)])
>>> x.item()
0.5
"""

from tapec.optimizers.adam import Adam as Adam
from tapec.optimizers.adam import AdamW as AdamW
from tapec.optimizers.optimizer import Optimizer as Optimizer
from tapec.optimizers.rmsprop import RMSprop as RMSprop
from tapec.optimizers.sgd import SGD as SGD
