"""std_msgs/msg/*MultiArray: numbers in any number of dimensions, which may have names."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from tensor_ipc.errors import ArrayLayoutError, MessageLayoutError, UserMetadataError
from tensor_ipc.rosext.conversions.buffers import numbers_of, replace_numbers
from tensor_ipc.rosext.conversions.numbers import require_dtype
from tensor_ipc.rosext.conversions.options import Converter, ReadOptions, WriteOptions
from tensor_ipc.rosext.conversions.scalars import DTYPES
from tensor_ipc.rosext.conversions.submessages import resize
from tensor_ipc.rosext.conversions.texts import join_names, split_names


def _multi_array(dtype: np.dtype[Any], *, one_by_one: bool = False) -> Converter:
    """Return the conversion; `one_by_one` where rclpy has bytes of length 1 in a list."""

    def read(message: Any, _: ReadOptions) -> tuple[np.ndarray[Any, Any], dict[str, str]]:
        what = f"{type(message).__name__}.data"
        data = message.data
        if one_by_one and _is_list_of_bytes(data):
            data = b"".join(data)
        numbers = numbers_of(data, dtype, what)
        dim, offset = message.layout.dim, index(message.layout.data_offset)
        if not 0 <= offset <= numbers.size:
            msg = f"{what}: data_offset is {offset}, there are {numbers.size} numbers"
            raise MessageLayoutError(msg)
        numbers = numbers[offset:]
        if not dim:
            return numbers, {}
        array = _strided(
            numbers, [index(d.size) for d in dim], [index(d.stride) for d in dim], what
        )
        return array, {"labels": join_names(d.label for d in dim)}

    def write(message: Any, array: np.ndarray[Any, Any], options: WriteOptions) -> None:
        what = f"{type(message).__name__}.data"
        require_dtype(array, dtype, what)
        if array.ndim == 0:
            msg = f"{what}: expected at least one dimension, got an array of shape ()"
            raise ArrayLayoutError(msg)
        labels = _labels(array, options)
        layout = message.layout
        dims = resize(
            layout,
            "dim",
            len(labels),
            "std_msgs/msg/MultiArrayDimension",
            {"label": "", "size": 0, "stride": 0},
        )
        if one_by_one and _is_list_of_bytes(message.data):
            message.data = [bytes([number]) for number in array.ravel().tolist()]
        else:
            replace_numbers(
                message,
                "data",
                dtype,
                array.size,
                lambda into: np.copyto(into.reshape(array.shape), array),
            )
        stride = array.size
        for one, label, size in zip(dims, labels, array.shape):
            one.label, one.size, one.stride = label, size, stride
            stride //= max(size, 1)
        layout.dim, layout.data_offset = dims, 0

    return Converter(read, write)


def _is_list_of_bytes(data: Any) -> bool:
    return isinstance(data, list) and all(isinstance(item, bytes) for item in data)


def _strided(
    numbers: np.ndarray[Any, Any], sizes: list[int], strides: list[int], what: str
) -> np.ndarray[Any, Any]:
    """Return the array that the layout describes, as a view.

    A dimension's stride counts the numbers of all of it, so the step from item to item is the
    stride of the dimension inside. The outermost one is no step of anything; many publishers
    leave all at 0.
    """
    steps = [1]
    for size, stride in zip(sizes[:0:-1], strides[:0:-1]):
        dense = size * steps[0]
        steps.insert(0, stride or dense)
        if stride and stride < dense:
            msg = f"{what}: a dimension of {size} needs a stride of {dense}, found {stride}"
            raise MessageLayoutError(msg)
    whole = max(sizes[0] * steps[0], strides[0])
    last = sum((size - 1) * step for size, step in zip(sizes, steps))
    needed = last + 1 if all(sizes) else 0
    if min(sizes) < 0 or not needed <= numbers.size <= whole:
        msg = (
            f"{what}: dimensions of sizes {sizes} and strides {strides} need {needed} to {whole} "
            f"numbers, found {numbers.size}"
        )
        raise MessageLayoutError(msg)
    item_strides = tuple(step * numbers.strides[0] for step in steps)
    return np.lib.stride_tricks.as_strided(numbers, tuple(sizes), item_strides)


def _labels(array: np.ndarray[Any, Any], options: WriteOptions) -> tuple[str, ...]:
    """Return a label for each dimension; none at all for a plain sequence."""
    if "labels" not in options.metadata:
        return () if array.ndim == 1 else ("",) * array.ndim
    labels = split_names(options.metadata["labels"])
    if len(labels) != array.ndim:
        msg = f"user metadata 'labels': {len(labels)} for an array of shape {array.shape}"
        raise UserMetadataError(msg)
    return labels


# std_msgs has no CharMultiArray.
CONVERTERS = {
    f"std_msgs/msg/{name}MultiArray": _multi_array(dtype, one_by_one=name == "Byte")
    for name, dtype in DTYPES.items()
    if name != "Char"
}
