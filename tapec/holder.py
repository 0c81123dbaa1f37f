"""What holds a tensor that it may exchange for another: Variables, Arrays and the views of these."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from tapec.array_protocol import ArrayProtocol
from tapec.tensor import Tensor


class Holder(ArrayProtocol):
    """Reads as the tensor that it holds at the time."""

    __slots__ = ()

    @abstractmethod
    def __tapec_tensor__(self) -> Tensor:
        """The present value; active recorders hear of the read."""

    def numpy(self) -> np.ndarray[Any, Any]:
        """The present values as a read-only NumPy array, which later changes do not reach.

        What is computed from it is not recorded.
        """
        return self.__tapec_tensor__().numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return self.__tapec_tensor__().__array__(dtype, copy)

    def item(self, *index: int) -> bool | int | float:
        """One element as a Python number; see `Tensor.item`."""
        return self.__tapec_tensor__().item(*index)

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers; not recorded."""
        return self.__tapec_tensor__().tolist()

    def __bool__(self) -> bool:
        return bool(self.__tapec_tensor__())

    def __int__(self) -> int:
        return int(self.__tapec_tensor__())

    def __floor__(self) -> int:
        return self.__tapec_tensor__().__floor__()

    def __ceil__(self) -> int:
        return self.__tapec_tensor__().__ceil__()

    def __trunc__(self) -> int:
        return int(self)

    def __index__(self) -> int:
        return self.__tapec_tensor__().__index__()

    def __float__(self) -> float:
        return float(self.__tapec_tensor__())
