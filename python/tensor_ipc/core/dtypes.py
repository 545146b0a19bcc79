"""Names of element types, and the NumPy dtypes behind them."""

from __future__ import annotations

from typing import Any

import numpy as np

_NUMPY_DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
}
# `dtype.name` is put together in Python at each call, which takes longer than all the rest here.
_NUMPY_NAMES = {dtype: name for name, dtype in _NUMPY_DTYPES.items()}
_ML_DTYPES_NAMES = frozenset(
    (
        *("bfloat16", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn"),
        *("float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
    )
)


def numpy_dtype(name: str) -> np.dtype[Any]:
    """Return the NumPy dtype of that name.

    Parameters
    ----------
    name
        As in ``PoolMetadata.dtype_str``: a NumPy name, or one of ``ml_dtypes``.

    Raises
    ------
    TypeError
        NumPy cannot hold that type, or not without the package ``ml_dtypes``.
    """
    known = _NUMPY_DTYPES.get(name)
    if known is not None:
        return known
    if name not in _ML_DTYPES_NAMES:
        msg = f"NumPy has no dtype for {name!r}"
        raise TypeError(msg)
    try:
        import ml_dtypes  # noqa: PLC0415 - optional, loaded for its own types only
    except ImportError:
        msg = f"NumPy needs the package ml_dtypes for {name!r}: pip install ml_dtypes"
        raise TypeError(msg) from None
    if not hasattr(ml_dtypes, name):
        msg = f"the installed ml_dtypes has no {name!r}: pip install --upgrade ml_dtypes"
        raise TypeError(msg)
    dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    return dtype


def dtype_name(dtype: np.dtype[Any]) -> str:
    """Return the name under which a pool carries `dtype`.

    Raises
    ------
    TypeError
        It cannot be shared, and why: Python objects are pointers into one process, byte-swapped
        values would be read wrongly, records and texts have no counterpart in other frameworks.
    """
    name = _NUMPY_NAMES.get(dtype)
    if name is not None:
        return name
    if dtype.hasobject:
        reason = "its elements are Python objects, which are pointers into this process"
    elif dtype.names is not None or dtype.subdtype is not None:
        reason = "it is structured; publish its fields in pools of their own"
    elif not dtype.isnative:
        reason = "it is byte-swapped; convert it with .astype(dtype.newbyteorder('='))"
    elif dtype.name in _ML_DTYPES_NAMES:
        return str(dtype.name)
    else:
        reason = "only booleans, integers, floats and complex numbers of fixed size can"
    msg = f"dtype {dtype} cannot be shared between processes: {reason}"
    raise TypeError(msg)
