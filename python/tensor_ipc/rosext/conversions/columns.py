"""Sequences of one message that belong together: ranges with intensities, positions with efforts.

One of them is an array of shape ``(n,)``, a view; several are the columns of a copy of shape
``(n, k)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tensor_ipc.errors import ArrayLayoutError, FieldPathError, MessageLayoutError
from tensor_ipc.rosext.conversions.buffers import numbers_of, replace_numbers
from tensor_ipc.rosext.conversions.numbers import require_dtype, require_shape

if TYPE_CHECKING:
    from tensor_ipc.rosext.conversions.options import ReadOptions, WriteOptions


class Columns(NamedTuple):
    """The sequences that a type of message has.

    Attributes
    ----------
    names
        Of the fields. The first is there in every message.
    dtype
        Of all of them.
    """

    names: tuple[str, ...]
    dtype: np.dtype[Any]

    def read(
        self, message: Any, options: ReadOptions
    ) -> tuple[np.ndarray[Any, Any], dict[str, str]]:
        """Return the chosen sequences, or all that are not empty."""
        chosen = options.fields
        if chosen is None:
            chosen = tuple(name for name in self.names if len(getattr(message, name)))
            chosen = chosen or self.names[:1]
        self._check(chosen)
        columns = [
            numbers_of(getattr(message, name), self.dtype, f"{type(message).__name__}.{name}")
            for name in chosen
        ]
        if len({column.size for column in columns}) > 1:
            sizes = ", ".join(f"{name} has {c.size}" for name, c in zip(chosen, columns))
            msg = f"{type(message).__name__}: expected as many numbers in each of them, {sizes}"
            raise MessageLayoutError(msg)
        array = columns[0] if len(columns) == 1 else np.stack(columns, axis=1)
        return array, {"fields": ",".join(chosen)}

    def chosen(self, array: np.ndarray[Any, Any], options: WriteOptions) -> tuple[str, ...]:
        """Return what the columns of `array` are, after a look at its shape and dtype."""
        names = options.fields
        if names is None and "fields" in options.metadata:
            names = tuple(options.metadata["fields"].split(","))
        if names is None:
            count = array.shape[1] if array.ndim == 2 else 1
            names = self.names[:count]
            if not 1 <= count <= len(self.names):
                msg = (
                    f"expected 1 to {len(self.names)} columns: {self.names}, got {array.shape}"
                )
                raise ArrayLayoutError(msg)
        self._check(names)
        one_column = len(names) == 1 and array.ndim == 1
        what = " and ".join(names)
        require_shape(array, (None,) if one_column else (None, len(names)), what)
        require_dtype(array, self.dtype, what)
        return names

    def write(self, message: Any, array: np.ndarray[Any, Any], names: tuple[str, ...]) -> None:
        """Fill the sequences `names`, empty the others."""
        table = array.reshape(len(array), len(names))
        for name in self.names:
            column = table[:, names.index(name)] if name in names else table[:0, 0]
            replace_numbers(message, name, self.dtype, column.size, _copier(column))

    def _check(self, names: tuple[str, ...]) -> None:
        if not names or len(set(names)) < len(names) or not set(names) <= set(self.names):
            msg = f"fields: expected some of {', '.join(self.names)}, each once, got {names}"
            raise FieldPathError(msg)


def _copier(column: np.ndarray[Any, Any]) -> Any:
    return lambda into: np.copyto(into, column)
