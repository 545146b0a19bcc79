"""Names and numbers as one text, for the user metadata of a frame.

Names are joined by commas, with everything unusual in them percent-encoded; numbers by spaces.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping
from urllib.parse import quote, unquote

import numpy as np

from tensor_ipc.errors import UserMetadataError


def join_names(names: Iterable[str]) -> str:
    """Return one text that `split_names` takes apart again."""
    return ",".join(quote(name, safe="/ ") for name in names)


def split_names(text: str) -> tuple[str, ...]:
    """Return the names that `join_names` joined; one empty name for an empty text."""
    return tuple(unquote(name) for name in text.split(","))


def join_numbers(numbers: Iterable[float], dtype: type[np.floating[Any]] = np.float64) -> str:
    """Return one text, with as many digits as it takes to read back the same `dtype`."""
    return " ".join(str(dtype(number)) for number in numbers)


def split_numbers(
    metadata: Mapping[str, str],
    key: str,
    count: int,
    dtype: type[np.floating[Any]] = np.float64,
) -> list[float]:
    """Return the numbers that `join_numbers` put under that key, each as `dtype` has it.

    Raises
    ------
    UserMetadataError
        They are not as many, or no numbers.
    """
    try:
        numbers = [float(dtype(word)) for word in metadata[key].split(" ")]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        msg = f"user metadata {key!r}: expected {count} numbers, got {metadata[key]!r}"
        raise UserMetadataError(msg)
    return numbers
