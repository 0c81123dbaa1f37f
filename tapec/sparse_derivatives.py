"""`tp.sparsity`, `tp.sparse_jacobian` and `tp.sparse_hessian`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

from tapec.argnums import Argnums
from tapec.argument_names import function_name
from tapec.arguments import take_apart
from tapec.errors import DensePatternWarning
from tapec.function import MAX_PATHS, Function
from tapec.recording import user_location
from tapec.sparse_recording import SparseRecording, record_sparse
from tapec.tensor import Tensor
from tapec.transforms import grad

if TYPE_CHECKING:
    from tapec.inspection import Inspection
    from tapec.sparse_plan import Mode as PlanMode
    from tapec.sparse_plan import Plan

Mode = Literal["auto", "forward", "reverse"]


def sparsity(python: Callable[..., Any], /, *args: Any, argnums: Argnums = 0, order: int = 1) -> Any:
    """The sparsity pattern of the Jacobian of `python`, or of the Hessian, from its graph.

    It holds every entry that can differ from zero for arguments that take the same way through the function, and some
    more: it knows which elements each op reads, but not that `x - x` is zero. Matrices that the function multiplies by,
    and indices, are taken as they are now.

    Args:
        python: a function of arrays, or nested containers of them, that returns the same.
        args: its arguments. It is run once with them.
        argnums: the position or the name of the argument to differentiate by, or a tuple of these.
        order: 1 for the Jacobian; 2 for the Hessian, whose entries are the pairs that interact nonlinearly.

    Returns:
        A boolean `scipy.sparse.csr_array`. Its rows are the elements of the results (of the arguments, for the
        Hessian), its columns those of the arguments, arrays one after another and each in row-major order.

    Raises:
        ValueError: `order` is neither 1 nor 2.
        ArgumentError, IntegerInputError, DTypeError: as `tp.jacobian`.
        NonScalarTargetError: for the Hessian of what is not a scalar function.
        DensePatternError: the pattern does not fit in memory.

    >>> import numpy as np, tapec as tp
    >>> tp.sparsity(lambda x: x[1:] * x[:-1], np.ones(4)).toarray().astype(int)
    array([[1, 1, 0, 0],
           [0, 1, 1, 0],
           [0, 0, 1, 1]])
    >>> tp.sparsity(lambda x: x[0] * x[1] + x[2], np.ones(3), order=2).toarray().astype(int)
    array([[0, 1, 0],
           [1, 0, 0],
           [0, 0, 0]])
    """
    if order not in (1, 2):
        raise ValueError(f"order is 1 or 2, got {order!r}")
    arguments = take_apart(args, {})
    placed, named = arguments.rebuild(arguments.tensors())
    with np.errstate(all="ignore"):
        if order == 1:
            return record_sparse(python, argnums, placed, named).pattern()
        pattern = record_sparse(grad(python, argnums), argnums, placed, named).pattern()
    return pattern + pattern.T.tocsr()


def sparse_jacobian(
    python: Callable[..., Any],
    /,
    argnums: Argnums = 0,
    mode: Mode = "auto",
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
) -> SparseDerivative:
    """A compiled function that gives the Jacobian of `python` as a `scipy.sparse.csr_array`.

    The function is cut into what picks elements of the arguments, what works on them, and what adds up the results;
    only the work in the middle is differentiated. There, variables that no result has in common (or results that no
    variable has) get one colour, and one product with the derivative gives all entries of a colour. A function that
    does the same for many items (an equation per grid point, a residual per observation) takes one product for each
    result of an item, or for each variable. All products are one call of machine code. Pattern and colours are worked
    out when arguments of new shapes come, when Python takes another way through the function, and when indices or the
    zeros of a matrix that it multiplies by change; otherwise they are kept.

    Args:
        python: a function of arrays, or nested containers of them, that returns the same.
        argnums: the position or the name of the argument to differentiate by, or a tuple of these.
        mode: `"forward"` takes products with variables, `"reverse"` with results; `"auto"` takes what is less work.
        strict: see `tp.function`.
        max_paths: see `tp.function`.

    Returns:
        A function. The rows of its result are the elements of `python`'s results, the columns those of the arguments,
        arrays one after another and each in row-major order. Entries are stored where the pattern has them, zero or
        not. Results of one pattern share their index arrays, which can't be written to; `.copy()` has its own.

    Raises:
        ValueError: `mode` is another one.
        ArgumentError, IntegerInputError, DTypeError: at a call, as `tp.jacobian`.
        DensePatternError: at a call, if the pattern does not fit in memory.

    Warns:
        DensePatternWarning: at a call, if as many products are needed as `tp.jacobian` takes.

    >>> import numpy as np, tapec as tp
    >>> jacobian = tp.sparse_jacobian(lambda x: x[1:] * x[:-1])
    >>> jacobian(np.array([1.0, 2.0, 3.0, 4.0])).toarray()
    array([[2., 1., 0., 0.],
           [0., 3., 2., 0.],
           [0., 0., 4., 3.]])
    >>> jacobian.colors
    array([0, 1, 0, 1])
    """
    if mode not in ("auto", "forward", "reverse"):
        raise ValueError(f"mode is 'auto', 'forward' or 'reverse', got {mode!r}")
    return SparseDerivative(python, python, argnums, mode, strict=strict, max_paths=max_paths)


def sparse_hessian(
    python: Callable[..., Any], /, argnums: Argnums = 0, *, strict: bool = False, max_paths: int = MAX_PATHS
) -> SparseDerivative:
    """A compiled function that gives the Hessian of `python`, a scalar function, as a `scipy.sparse.csr_array`.

    As `tp.sparse_jacobian` of `tp.grad`; where the whole matrix is coloured it is by stars, which needs fewer products
    because it is symmetric. Rows and columns are the elements of the arguments; both triangles are stored.

    Raises:
        NonScalarTargetError: at a call, if the result is not a scalar.

    >>> import numpy as np, tapec as tp
    >>> hessian = tp.sparse_hessian(lambda x: np.sum(x[0] * x[1:] ** 2))  # an arrow
    >>> hessian(np.array([1.0, 2.0, 3.0, 4.0])).toarray()
    array([[0., 4., 6., 8.],
           [4., 2., 0., 0.],
           [6., 0., 2., 0.],
           [8., 0., 0., 2.]])
    >>> hessian.colors
    array([0, 1, 1, 1])
    """
    gradient = grad(python, argnums)
    return SparseDerivative(python, gradient, argnums, "star", strict=strict, max_paths=max_paths)


@final
class SparseDerivative:
    """A compiled function whose result is a sparse matrix; made by `tp.sparse_jacobian` and `tp.sparse_hessian`.

    Args:
        python: what the user gave.
        differentiated: what the matrix is the Jacobian of.
        argnums: see `tp.sparse_jacobian`.
        mode: which products may be taken.
        strict: see `tp.function`.
        max_paths: see `tp.function`.

    >>> import numpy as np, tapec as tp
    >>> jacobian = tp.sparse_jacobian(np.diff)
    >>> jacobian(np.ones(4)).toarray()
    array([[-1.,  1.,  0.,  0.],
           [ 0., -1.,  1.,  0.],
           [ 0.,  0., -1.,  1.]])
    >>> jacobian.colors
    array([0, 1, 0, 1])
    """

    def __init__(
        self,
        python: Callable[..., Any],
        differentiated: Callable[..., Any],
        argnums: Argnums,
        mode: PlanMode,
        *,
        strict: bool,
        max_paths: int,
    ) -> None:
        self._name = function_name(python)
        self._python = differentiated
        self._argnums = argnums
        self._mode: PlanMode = mode
        self._plans: dict[str, Plan] = {}
        self._latest: Plan | None = None

        @wraps(python)
        def entries(*args: Any, **kwargs: Any) -> Any:
            return self._entries(args, kwargs)

        self._function = Function(entries, strict=strict, max_paths=max_paths)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The matrix for these arguments."""
        entries, key = self._function(*args, **kwargs)
        plan = self._plans[key]
        self._latest = plan
        return plan.matrix(np.asarray(entries))

    def inspect(self, *args: Any, **kwargs: Any) -> Inspection:
        """Every form of the program that computes the matrix's entries, and its figures; see `Function.inspect`."""
        return self._function.inspect(*args, **kwargs)

    @property
    def pattern(self) -> Any:
        """The pattern of the last call's matrix, a boolean `csr_array`; AttributeError before the first call."""
        return self._known().pattern

    @property
    def products(self) -> int:
        """How many products with a derivative the last call took."""
        return self._known().compression.count

    @property
    def colors(self) -> np.ndarray[Any, Any]:
        """The colour, from 0 up, of each column of the last matrix, or of each row if `direction` is `"reverse"`.

        So many products tell the whole matrix, whatever the function does. `products` can be fewer.
        """
        return self._known().coloring[1]

    @property
    def direction(self) -> str:
        """`"forward"` if `colors` are those of columns, `"reverse"` if those of rows."""
        return self._known().coloring[0]

    @property
    def recordings(self) -> int:
        """How often pattern and colours have been worked out: once for each path of each specialisation."""
        return self._function.recordings

    def __repr__(self) -> str:
        return f"<tapec sparse derivative of {self._name}: {self.recordings} recordings, {len(self._plans)} patterns>"

    def _known(self) -> Plan:
        if self._latest is None:
            raise AttributeError(f"the sparse derivative of {self._name} has no pattern before it has been called")
        return self._latest

    def _entries(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor, str]:
        """The matrix's entries in the order of the pattern, and the key of the plan."""
        from tapec.sparse_entries import entries
        from tapec.sparse_products import in_dtype, products

        recording = record_sparse(self._python, self._argnums, args, kwargs)
        key = self._planned(recording)
        plan = self._plans[key]
        return entries(in_dtype(products(recording, plan), recording.dtype), plan.layout), key

    def _planned(self, recording: SparseRecording) -> str:
        """The key of the plan for a recording, which is made if it is new."""
        key = recording.separate.key()
        if key not in self._plans:
            from tapec.sparse_plan import make_plan

            plan = make_plan(recording.shape, self._mode, recording.separate, lambda: recording.whole)
            self._plans[key] = plan
            rows, columns = recording.shape
            fewest = columns if plan.compression.direction == "forward" else rows
            if plan.compression.count >= fewest > 1:
                self._warn(
                    f"the derivative of {self._name}, {rows} by {columns}, needs {fewest} products: "
                    "it has no zeros to make use of. tp.jacobian or tp.hessian gives it as an array, faster"
                )
        return key

    def _warn(self, message: str) -> None:
        """Warns at the line that calls this."""
        where = user_location()
        if where is None:
            warnings.warn(message, DensePatternWarning, stacklevel=2)
        else:
            warnings.warn_explicit(message, DensePatternWarning, where.filename, where.line)
