"""tapec under TensorFlow's names: `import tapec.compat.tensorflow as tf`.

What exists in tapec has here the name and the argument names that TensorFlow gives it, and TensorFlow's defaults:
Python's floats become float32, its integers int32. Everything else is tapec's: dtypes promote as NumPy's do, NumPy's
functions stay on the tape, and what tapec does not have is an `AttributeError` that says what there is. docs/guide.md
has a table of the differences.

>>> import tapec.compat.tensorflow as tf
>>> x = tf.Variable(3.0)
>>> with tf.GradientTape() as tape:
...     y = x**2
>>> tape.gradient(y, x)
<tapec.Tensor: shape=(), dtype=float32, numpy=6.0>
"""

from tapec.checkpointing import recompute_grad as recompute_grad
from tapec.compat.tensorflow import autodiff as autodiff
from tapec.compat.tensorflow import dtypes as dtypes
from tapec.compat.tensorflow import image as image
from tapec.compat.tensorflow import keras as keras
from tapec.compat.tensorflow import linalg as linalg
from tapec.compat.tensorflow import math as math
from tapec.compat.tensorflow import nest as nest
from tapec.compat.tensorflow import nn as nn
from tapec.compat.tensorflow import random as random
from tapec.compat.tensorflow._arrays import argsort as argsort
from tapec.compat.tensorflow._arrays import boolean_mask as boolean_mask
from tapec.compat.tensorflow._arrays import broadcast_to as broadcast_to
from tapec.compat.tensorflow._arrays import clip_by_value as clip_by_value
from tapec.compat.tensorflow._arrays import concat as concat
from tapec.compat.tensorflow._arrays import expand_dims as expand_dims
from tapec.compat.tensorflow._arrays import eye as eye
from tapec.compat.tensorflow._arrays import fill as fill
from tapec.compat.tensorflow._arrays import gather as gather
from tapec.compat.tensorflow._arrays import linspace as linspace
from tapec.compat.tensorflow._arrays import meshgrid as meshgrid
from tapec.compat.tensorflow._arrays import one_hot as one_hot
from tapec.compat.tensorflow._arrays import ones as ones
from tapec.compat.tensorflow._arrays import ones_like as ones_like
from tapec.compat.tensorflow._arrays import pad as pad
from tapec.compat.tensorflow._arrays import range as range
from tapec.compat.tensorflow._arrays import rank as rank
from tapec.compat.tensorflow._arrays import repeat as repeat
from tapec.compat.tensorflow._arrays import reshape as reshape
from tapec.compat.tensorflow._arrays import reverse as reverse
from tapec.compat.tensorflow._arrays import roll as roll
from tapec.compat.tensorflow._arrays import shape as shape
from tapec.compat.tensorflow._arrays import size as size
from tapec.compat.tensorflow._arrays import sort as sort
from tapec.compat.tensorflow._arrays import split as split
from tapec.compat.tensorflow._arrays import squeeze as squeeze
from tapec.compat.tensorflow._arrays import stack as stack
from tapec.compat.tensorflow._arrays import tile as tile
from tapec.compat.tensorflow._arrays import transpose as transpose
from tapec.compat.tensorflow._arrays import unstack as unstack
from tapec.compat.tensorflow._arrays import where as where
from tapec.compat.tensorflow._arrays import zeros as zeros
from tapec.compat.tensorflow._arrays import zeros_like as zeros_like
from tapec.compat.tensorflow._control import cond as cond
from tapec.compat.tensorflow._control import function as function
from tapec.compat.tensorflow._control import scan as scan
from tapec.compat.tensorflow._control import vectorized_map as vectorized_map
from tapec.compat.tensorflow._control import while_loop as while_loop
from tapec.compat.tensorflow._conversion import cast as cast
from tapec.compat.tensorflow._conversion import constant as constant
from tapec.compat.tensorflow._conversion import convert_to_tensor as convert_to_tensor
from tapec.compat.tensorflow._conversion import is_tensor as is_tensor
from tapec.compat.tensorflow._gradients import RegisterGradient as RegisterGradient
from tapec.compat.tensorflow._gradients import custom_gradient as custom_gradient
from tapec.compat.tensorflow._gradients import identity as identity
from tapec.compat.tensorflow._gradients import no_gradient as no_gradient
from tapec.compat.tensorflow._gradients import stop_gradient as stop_gradient
from tapec.compat.tensorflow._variable import Variable as Variable
from tapec.compat.tensorflow.dtypes import bool as bool
from tapec.compat.tensorflow.dtypes import double as double
from tapec.compat.tensorflow.dtypes import float16 as float16
from tapec.compat.tensorflow.dtypes import float32 as float32
from tapec.compat.tensorflow.dtypes import float64 as float64
from tapec.compat.tensorflow.dtypes import half as half
from tapec.compat.tensorflow.dtypes import int8 as int8
from tapec.compat.tensorflow.dtypes import int16 as int16
from tapec.compat.tensorflow.dtypes import int32 as int32
from tapec.compat.tensorflow.dtypes import int64 as int64
from tapec.compat.tensorflow.dtypes import uint8 as uint8
from tapec.compat.tensorflow.dtypes import uint16 as uint16
from tapec.compat.tensorflow.dtypes import uint32 as uint32
from tapec.compat.tensorflow.dtypes import uint64 as uint64
from tapec.compat.tensorflow.linalg import einsum as einsum
from tapec.compat.tensorflow.linalg import matmul as matmul
from tapec.compat.tensorflow.linalg import norm as norm
from tapec.compat.tensorflow.linalg import tensordot as tensordot
from tapec.compat.tensorflow.math import abs as abs
from tapec.compat.tensorflow.math import acos as acos
from tapec.compat.tensorflow.math import acosh as acosh
from tapec.compat.tensorflow.math import add as add
from tapec.compat.tensorflow.math import argmax as argmax
from tapec.compat.tensorflow.math import argmin as argmin
from tapec.compat.tensorflow.math import asin as asin
from tapec.compat.tensorflow.math import asinh as asinh
from tapec.compat.tensorflow.math import atan as atan
from tapec.compat.tensorflow.math import atan2 as atan2
from tapec.compat.tensorflow.math import atanh as atanh
from tapec.compat.tensorflow.math import cos as cos
from tapec.compat.tensorflow.math import cosh as cosh
from tapec.compat.tensorflow.math import cumsum as cumsum
from tapec.compat.tensorflow.math import divide as divide
from tapec.compat.tensorflow.math import equal as equal
from tapec.compat.tensorflow.math import exp as exp
from tapec.compat.tensorflow.math import floor as floor
from tapec.compat.tensorflow.math import greater as greater
from tapec.compat.tensorflow.math import greater_equal as greater_equal
from tapec.compat.tensorflow.math import less as less
from tapec.compat.tensorflow.math import less_equal as less_equal
from tapec.compat.tensorflow.math import logical_and as logical_and
from tapec.compat.tensorflow.math import logical_not as logical_not
from tapec.compat.tensorflow.math import logical_or as logical_or
from tapec.compat.tensorflow.math import maximum as maximum
from tapec.compat.tensorflow.math import minimum as minimum
from tapec.compat.tensorflow.math import multiply as multiply
from tapec.compat.tensorflow.math import negative as negative
from tapec.compat.tensorflow.math import not_equal as not_equal
from tapec.compat.tensorflow.math import pow as pow
from tapec.compat.tensorflow.math import reduce_all as reduce_all
from tapec.compat.tensorflow.math import reduce_any as reduce_any
from tapec.compat.tensorflow.math import reduce_logsumexp as reduce_logsumexp
from tapec.compat.tensorflow.math import reduce_max as reduce_max
from tapec.compat.tensorflow.math import reduce_mean as reduce_mean
from tapec.compat.tensorflow.math import reduce_min as reduce_min
from tapec.compat.tensorflow.math import reduce_prod as reduce_prod
from tapec.compat.tensorflow.math import reduce_sum as reduce_sum
from tapec.compat.tensorflow.math import round as round
from tapec.compat.tensorflow.math import sigmoid as sigmoid
from tapec.compat.tensorflow.math import sign as sign
from tapec.compat.tensorflow.math import sin as sin
from tapec.compat.tensorflow.math import sinh as sinh
from tapec.compat.tensorflow.math import sqrt as sqrt
from tapec.compat.tensorflow.math import square as square
from tapec.compat.tensorflow.math import subtract as subtract
from tapec.compat.tensorflow.math import tan as tan
from tapec.compat.tensorflow.math import tanh as tanh
from tapec.compat.tensorflow.math import truediv as truediv
from tapec.compat.unknown_names import refuses as _refuses
from tapec.module import Module as Module
from tapec.naming import name_scope as name_scope
from tapec.tape import GradientTape as GradientTape
from tapec.tape_arguments import UnconnectedGradients as UnconnectedGradients
from tapec.tensor import Tensor as Tensor

__getattr__ = _refuses("tf", globals())
