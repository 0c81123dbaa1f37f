"""tapec compiles the derivatives of ordinary Python and NumPy code; see README.md.

>>> import numpy as np, tapec as tp
>>> @tp.value_and_grad
... def energy(x):
...     return np.sum(x * x)
>>> energy(np.array([1.0, 2.0]))
(np.float64(5.0), array([2., 4.]))
"""

from tapec import errors as errors
from tapec import image as image
from tapec import layers as layers
from tapec import linalg as linalg
from tapec import nn as nn
from tapec import optimizers as optimizers
from tapec import random as random
from tapec import surface as _surface  # registers NumPy's functions and Python's operators on tensors
from tapec import testing as testing
from tapec.branches import cond as cond
from tapec.branches import switch as switch
from tapec.complex_tensor import ComplexTensor as ComplexTensor
from tapec.constants import constant as constant
from tapec.checkpointing import checkpoint as checkpoint
from tapec.checkpointing import recompute_grad as recompute_grad
from tapec.custom_gradients import custom_gradient as custom_gradient
from tapec.custom_jvps import custom_jvp as custom_jvp
from tapec.control_flow import fori_loop as fori_loop
from tapec.control_flow import scan as scan
from tapec.control_flow import while_loop as while_loop
from tapec.derivative_maps import jvp as jvp
from tapec.derivative_maps import linearize as linearize
from tapec.derivative_maps import vjp as vjp
from tapec.eager_mode import eager as eager
from tapec.forward_accumulator import ForwardAccumulator as ForwardAccumulator
from tapec.function import Function as Function
from tapec.function import function as function
from tapec.inspection import Inspection as Inspection
from tapec.jacobians import hessian as hessian
from tapec.jacobians import hvp as hvp
from tapec.jacobians import jacobian as jacobian
from tapec.module import Module as Module
from tapec.passthrough import identity as identity
from tapec.passthrough import stop_gradient as stop_gradient
from tapec.registered_gradient import RegisterGradient as RegisterGradient
from tapec.registered_gradient import no_gradient as no_gradient
from tapec.saving import load as load
from tapec.saving import save as save
from tapec.sparse_derivatives import SparseDerivative as SparseDerivative
from tapec.sparse_derivatives import sparse_hessian as sparse_hessian
from tapec.sparse_derivatives import sparse_jacobian as sparse_jacobian
from tapec.sparse_derivatives import sparsity as sparsity
from tapec.scattering import add_at as add_at
from tapec.scattering import segment_sum as segment_sum
from tapec.tape import GradientTape as GradientTape
from tapec.tape_arguments import UnconnectedGradients as UnconnectedGradients
from tapec.tensor import Tensor as Tensor
from tapec.transforms import grad as grad
from tapec.transforms import value_and_grad as value_and_grad
from tapec.variable import Variable as Variable
from tapec.vmap import vmap as vmap

__version__ = "0.1.0.dev0"

del _surface
