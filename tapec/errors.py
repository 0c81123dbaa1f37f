"""Every error that tapec raises on purpose, one class per cause.

Each message says what came, what was expected and what to do. Each class also derives from the built-in error that a
NumPy user would catch for the same mistake (`ValueError`, `TypeError`, `IndexError`, ...).
"""

from numpy.linalg import LinAlgError


class TapecError(Exception):
    """Base of all errors of tapec; `except tp.errors.TapecError` catches exactly those."""


class ShapeError(TapecError, ValueError):
    """Shapes do not fit together, or do not fit the op."""


class MatrixShapeError(ShapeError, LinAlgError):
    """A function of square matrices got others, or one of matrices a vector."""


class DTypeError(TapecError, TypeError):
    """A dtype that the op, or tapec as a whole, does not take."""


class AttributeValueError(TapecError, ValueError):
    """An attribute of an op (an axis, a permutation, a slice bound) is outside what it may be."""


class IndexOutOfRangeError(TapecError, IndexError):
    """An index is outside its axis; raised by eager and compiled code alike."""


class DensePatternError(TapecError, MemoryError):
    """The sparsity pattern of a derivative, or of an intermediate value, does not fit in memory."""


class LinearAlgebraError(TapecError, LinAlgError):
    """A matrix is singular or not positive definite, or an iteration did not converge; in eager and compiled code."""


class VerificationError(TapecError):
    """A graph breaks a rule of the IR: a defect of the pass, or the text, that made it."""


class ParseError(TapecError, ValueError):
    """Text that is not a graph in tapec's form of MLIR."""


class UnsupportedFunctionError(TapecError, TypeError):
    """A NumPy function that tapec does not record; the message names it and what to use instead."""


class BodyValueError(TapecError, TypeError):
    """Inside the body of a loop or branch Python asked for the value of a tensor, or assigned a Variable."""


class CarryError(TapecError, TypeError):
    """What a loop carries changes its structure, shape or dtype from one round to the next."""


class ConditionError(TapecError, TypeError):
    """What a loop goes on by, or a branch is chosen by, is no scalar of the right kind."""


class BranchError(TapecError, TypeError):
    """Branches give results of different structures, shapes or dtypes."""


class NonScalarTargetError(TapecError, TypeError):
    """`grad` of a function whose result is not a scalar."""


class NotDifferentiableError(TapecError, LookupError):
    """An op on the path has no derivative rule."""


class RegistrationError(TapecError, LookupError):
    """A gradient can't be registered: there is no such op, it has a gradient, or the function reads what it may not."""


class IntegerInputError(TapecError, TypeError):
    """A derivative was asked with respect to an integer or boolean input."""


class ConsumedTapeError(TapecError, RuntimeError):
    """A non-persistent tape was asked for a second gradient."""


class TapeThreadError(TapecError, RuntimeError):
    """A tape was used from a thread other than the one that recorded it."""


class LeakedTensorError(TapecError, RuntimeError):
    """Under `strict=True`: a recorded value left for plain Python (`float(t)`, ...) inside a compiled function."""


class LostDerivativeError(TapecError, RuntimeError):
    """A value that is differentiated left for plain Python (`float(t)`, `np.array([t])`, ...), and would come back from
    there without its derivative; the message says at which line, and what to write instead.
    """


class ArgumentError(TapecError, TypeError):
    """A compiled function got an argument that it can't specialise on, or changed one in place."""


class BatchedValueError(TapecError, TypeError):
    """Inside `vmap` Python wanted the one value of a tensor that has a value for each example."""


class AxisSizeError(TapecError, ValueError):
    """The axes that `vmap` maps over have different sizes, or an argument has no such axis."""


class CustomRuleError(TapecError, TypeError):
    """A function with a derivative rule of its own, or the rule, does not return what it should."""


class AuxiliaryResultError(TapecError, TypeError):
    """Under `has_aux=True` a function did not return a pair."""


class CorruptFileError(TapecError, ValueError):
    """A file of arrays is not whole, or no such file at all."""


class VariableMismatchError(TapecError, ValueError):
    """The arrays in a file do not fit the Variables that were to get them: names, shapes or dtypes differ."""


class CapturedArrayError(TapecError, RuntimeError):
    """A `tp.Array` from outside a compiled function is written to in it, or after it has been read in one."""


class WatchedArrayError(TapecError, RuntimeError):
    """A `tp.Array` that a tape watches is written to."""


class ReadOnlyViewError(TapecError, ValueError):
    """A view that can't be written to in NumPy either is written to."""


class DisconnectedGradientWarning(UserWarning):
    """A gradient is None, most likely by mistake; the message says why, at which line, and what to do."""


class DensePatternWarning(UserWarning):
    """A sparse derivative has no zeros to make use of: `tp.jacobian` or `tp.hessian` gives the same faster."""


class EagerFallbackWarning(UserWarning):
    """A compiled function runs eagerly from now on, for all calls or for some; the message says why and where."""


class HostStepWarning(UserWarning):
    """A program of a GPU has a step that the host does, to which its operands are copied; the message says which."""


class CacheWarning(UserWarning):
    """The disk cache of machine code is not used, or its configuration is wrong; the message says why."""


class MemoryBudgetError(TapecError, ValueError):
    """A `memory_budget` that no plan keeps; the message says how much is needed, and by which values."""


class CompilationError(TapecError):
    """Code generation failed: a defect of tapec, with the graph that shows it."""


class ProfilingError(TapecError):
    """A program did not run to its end while its steps were timed: what it reads has changed since it was inspected."""


class UnsupportedOnDeviceError(TapecError, NotImplementedError):
    """A device has no kernel for a step of the program, and does not leave it to the host either."""


class DeviceNotFoundError(TapecError, RuntimeError):
    """There is no device of the kind that was asked for, or no driver for it; the message says what was looked for."""


class DeviceMismatchError(TapecError, ValueError):
    """Arrays on different devices meet in one operation, or in one compiled function."""


class DeviceMemoryError(TapecError, MemoryError):
    """A device has too little memory; the message says how many bytes were asked for and how many are free."""


class DeviceError(TapecError, RuntimeError):
    """A driver refused a call, or a kernel ended badly."""
