"""`tf.dtypes`: NumPy's dtypes under TensorFlow's names."""

import numpy as np

from tapec.compat.unknown_names import refuses

__all__ = [
    "bool", "double", "float16", "float32", "float64", "half", "int8", "int16", "int32", "int64", "uint8", "uint16",
    "uint32", "uint64",
]  # fmt: skip

float16 = half = np.dtype(np.float16)
float32 = np.dtype(np.float32)
float64 = double = np.dtype(np.float64)
int8, int16, int32, int64 = (np.dtype(t) for t in (np.int8, np.int16, np.int32, np.int64))
uint8, uint16, uint32, uint64 = (np.dtype(t) for t in (np.uint8, np.uint16, np.uint32, np.uint64))
bool = np.dtype(np.bool_)

__getattr__ = refuses("tf.dtypes", __all__)
