"""tapec compiles the derivatives of ordinary Python and NumPy code; see README.md.

>>> import numpy as np, tapec as tp
>>> @tp.value_and_grad
... def energy(x):
...     return np.sum(x * x)
>>> energy(np.array([1.0, 2.0]))
(np.float64(5.0), array([2., 4.]))
"""

from importlib import import_module as _import_module
from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING
from typing import Any as _Any

from tapec import errors as errors
from tapec import nn as nn
from tapec import surface as _surface  # registers NumPy's functions and Python's operators on tensors
from tapec.constants import constant as constant
from tapec.eager_mode import eager as eager
from tapec.function import Function as Function
from tapec.function import function as function
from tapec.mutable_array import Array as Array
from tapec.mutable_array import asarray as asarray
from tapec.passthrough import identity as identity
from tapec.passthrough import stop_gradient as stop_gradient
from tapec.tape import GradientTape as GradientTape
from tapec.tape_arguments import UnconnectedGradients as UnconnectedGradients
from tapec.tensor import Tensor as Tensor
from tapec.transforms import grad as grad
from tapec.transforms import value_and_grad as value_and_grad
from tapec.variable import Variable as Variable

if TYPE_CHECKING:
    from tapec import image as image
    from tapec import layers as layers
    from tapec import linalg as linalg
    from tapec import optimizers as optimizers
    from tapec import random as random
    from tapec import testing as testing
    from tapec.batched import vmap as vmap
    from tapec.branches import cond as cond
    from tapec.branches import switch as switch
    from tapec.checkpointing import checkpoint as checkpoint
    from tapec.checkpointing import recompute_grad as recompute_grad
    from tapec.complex_tensor import ComplexTensor as ComplexTensor
    from tapec.control_flow import fori_loop as fori_loop
    from tapec.control_flow import scan as scan
    from tapec.custom_gradients import custom_gradient as custom_gradient
    from tapec.custom_jvps import custom_jvp as custom_jvp
    from tapec.derivative_maps import jvp as jvp
    from tapec.derivative_maps import linearize as linearize
    from tapec.derivative_maps import vjp as vjp
    from tapec.devices import Device as Device
    from tapec.devices import device as device
    from tapec.exchange import from_dlpack as from_dlpack
    from tapec.forward_accumulator import ForwardAccumulator as ForwardAccumulator
    from tapec.implicit import fixed_point as fixed_point
    from tapec.implicit import root as root
    from tapec.inspection import Inspection as Inspection
    from tapec.jacobians import hessian as hessian
    from tapec.jacobians import hvp as hvp
    from tapec.jacobians import jacobian as jacobian
    from tapec.module import Module as Module
    from tapec.parallel_scan import associative_scan as associative_scan
    from tapec.registered_gradient import RegisterGradient as RegisterGradient
    from tapec.registered_gradient import no_gradient as no_gradient
    from tapec.saving import load as load
    from tapec.saving import save as save
    from tapec.scattering import add_at as add_at
    from tapec.scattering import segment_sum as segment_sum
    from tapec.sparse_derivatives import SparseDerivative as SparseDerivative
    from tapec.sparse_derivatives import sparse_hessian as sparse_hessian
    from tapec.sparse_derivatives import sparse_jacobian as sparse_jacobian
    from tapec.sparse_derivatives import sparsity as sparsity
    from tapec.transfer import to_device as to_device
    from tapec.while_loops import while_loop as while_loop

__version__ = "0.1.0.dev0"

# What is imported when somebody first asks for it, since importing tapec should take no longer than it must: the module
# that has each name.
_LATER = {
    "ComplexTensor": "tapec.complex_tensor",
    "Device": "tapec.devices",
    "ForwardAccumulator": "tapec.forward_accumulator",
    "Inspection": "tapec.inspection",
    "Module": "tapec.module",
    "RegisterGradient": "tapec.registered_gradient",
    "SparseDerivative": "tapec.sparse_derivatives",
    "add_at": "tapec.scattering",
    "associative_scan": "tapec.parallel_scan",
    "checkpoint": "tapec.checkpointing",
    "cond": "tapec.branches",
    "custom_gradient": "tapec.custom_gradients",
    "custom_jvp": "tapec.custom_jvps",
    "device": "tapec.devices",
    "fixed_point": "tapec.implicit",
    "fori_loop": "tapec.control_flow",
    "from_dlpack": "tapec.exchange",
    "hessian": "tapec.jacobians",
    "hvp": "tapec.jacobians",
    "image": "tapec",
    "jacobian": "tapec.jacobians",
    "jvp": "tapec.derivative_maps",
    "layers": "tapec",
    "linalg": "tapec",
    "linearize": "tapec.derivative_maps",
    "load": "tapec.saving",
    "no_gradient": "tapec.registered_gradient",
    "optimizers": "tapec",
    "random": "tapec",
    "recompute_grad": "tapec.checkpointing",
    "root": "tapec.implicit",
    "save": "tapec.saving",
    "scan": "tapec.control_flow",
    "segment_sum": "tapec.scattering",
    "sparse_hessian": "tapec.sparse_derivatives",
    "sparse_jacobian": "tapec.sparse_derivatives",
    "sparsity": "tapec.sparse_derivatives",
    "switch": "tapec.branches",
    "testing": "tapec",
    "to_device": "tapec.transfer",
    "vjp": "tapec.derivative_maps",
    "vmap": "tapec.batched",
    "while_loop": "tapec.while_loops",
}

del _surface


def __getattr__(name: str) -> _Any:
    """A public name that is not imported yet."""
    where = _LATER.get(name)
    if where is None:
        raise AttributeError(f"module 'tapec' has no attribute {name!r}")
    value = _import_module(f"tapec.{name}") if where == "tapec" else getattr(_import_module(where), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names: not the modules that tapec is made of, which Python enters here when they are imported."""
    inner = {name for name, value in globals().items() if isinstance(value, _ModuleType)} - {"errors", "nn", "compat"}
    return sorted({*globals(), *_LATER} - (inner - {*_LATER}) - {"TYPE_CHECKING"})
