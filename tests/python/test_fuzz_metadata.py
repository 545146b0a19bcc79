"""`PoolMetadata.from_json` over anything: metadata, or ValueError and nothing else."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np
import pytest

from tensor_ipc import MetadataCreator, PoolMetadata

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import example, given, settings
from hypothesis import strategies as st

METADATA = MetadataCreator.from_numpy_sample("cam/left", np.zeros((4, 6), np.uint16), 5)

# TENSOR_IPC_FUZZ_EXAMPLES: how many documents each test makes up; for longer runs.
many = settings(
    max_examples=int(os.environ.get("TENSOR_IPC_FUZZ_EXAMPLES", "200")),
    deadline=None,
    database=None,
    derandomize="TENSOR_IPC_FUZZ_EXAMPLES" not in os.environ,
)

texts = st.text(max_size=40) | st.text(st.characters(), max_size=5)
numbers = st.integers() | st.integers(-(2**70), 2**70) | st.floats()
scalars = st.none() | st.booleans() | numbers | texts
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(texts, inner, max_size=6),
)
fields = st.sampled_from([*json.loads(METADATA.to_json()), "surplus"])
near_misses = st.dictionaries(fields, documents | st.lists(st.integers(0, 2**63), max_size=40))


def _read(text: str) -> PoolMetadata | None:
    try:
        return PoolMetadata.from_json(text)
    except ValueError:
        return None


def _require_same_again(text: str) -> None:
    metadata = _read(text)
    if metadata is not None:
        assert PoolMetadata.from_json(metadata.to_json()) == metadata
        assert hash(metadata) == hash(PoolMetadata.from_json(metadata.to_json()))


@many
@given(st.text())
@example("\ud800")
@example("\ufeff{}")
def test_any_text(text: str) -> None:
    _require_same_again(text)


@many
@given(documents)
def test_any_document(document: Any) -> None:
    _require_same_again(json.dumps(document))


@many
@given(near_misses)
@example({"shape": [2**63 - 1] * 5000})
@example({"shape": [1] * 33})
@example({"element_size": -1, "total_size": 10**400})
@example({"name": "\ud800"})
@example({"shm_name": "../../etc/passwd"})
def test_metadata_with_other_fields(changes: dict[str, Any]) -> None:
    _require_same_again(json.dumps({**json.loads(METADATA.to_json()), **changes}))


@many
@given(st.integers(0), st.integers(0), st.text(max_size=3))
def test_metadata_with_other_letters(first: int, second: int, letters: str) -> None:
    text = METADATA.to_json()
    start, end = sorted((first % (len(text) + 1), second % (len(text) + 1)))
    _require_same_again(text[:start] + letters + text[end:])


@pytest.mark.parametrize("key", ["name", "shape", "history_len", "surplus"])
def test_any_depth(key: str) -> None:
    # At some depth the text can still be read, and what was read can no longer be shown.
    document = json.loads(METADATA.to_json())
    for depth in range(sys.getrecursionlimit() - 400, sys.getrecursionlimit() + 50):
        document[key] = None
        nested = json.dumps(document).replace(
            f'"{key}": null', f'"{key}": ' + "[" * depth + "]" * depth
        )
        assert _read(nested) is None


def test_a_frame_has_at_most_as_many_dimensions_as_the_core() -> None:
    assert PoolMetadata("a", (1,) * 32, "int8").shape == (1,) * 32
    with pytest.raises(ValueError, match="at most 32 dimensions"):
        PoolMetadata("a", (1,) * 33, "int8")
