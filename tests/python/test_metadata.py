"""PoolMetadata and MetadataCreator: fields, equality, JSON, and what they refuse."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import pickle
import random
from typing import Any

import numpy as np
import pytest

from tensor_ipc import (
    InvalidPoolNameError,
    MetadataCreator,
    PoolMetadata,
    TensorConsumer,
    TensorProducer,
)

METADATA = MetadataCreator.from_numpy_sample("cam/left", np.zeros((4, 6), np.uint16), 5)


def test_metadata_of_a_sample_has_all_fields() -> None:
    assert dataclasses.asdict(METADATA) == {
        "name": "cam/left",
        "shape": (4, 6),
        "dtype_str": "uint16",
        "backend_type": "numpy",
        "history_len": 5,
        "device": "cpu",
        "element_size": 2,
        "total_size": 4 * 6 * 2 * 5,
        "shm_name": METADATA.shm_name,
        "creator_pid": os.getpid(),
        "payload_json": "",
        "varying_extent": False,
    }


def test_name_of_the_segment_is_in_the_namespace(namespace: str) -> None:
    metadata = PoolMetadata("cam/left", (2,), "int8")

    assert metadata.shm_name == f"tensoripc_{namespace}=cam+left"


def test_metadata_from_positional_fields_fills_in_the_rest() -> None:
    metadata = PoolMetadata("a", (2, 3), "float32")

    assert metadata.history_len == 1
    assert metadata.element_size == 4
    assert metadata.total_size == 24
    assert metadata.device == "cpu"
    assert metadata.numpy_dtype == np.float32


def test_equality_ignores_process_and_payload() -> None:
    same = dataclasses.replace(METADATA, creator_pid=1, payload_json='{"a": 1}')

    assert same == METADATA
    assert hash(same) == hash(METADATA)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"shape": (6, 4)},
        {"dtype_str": "int16"},
        {"backend_type": "torch"},
        {"history_len": 6},
        {"device": "cuda:0"},
        {"element_size": 3},
        {"total_size": 1},
        {"shm_name": "x"},
    ],
)
def test_equality_compares_every_other_field(change: dict[str, Any]) -> None:
    assert dataclasses.replace(METADATA, **change) != METADATA


def test_metadata_does_not_equal_other_things() -> None:
    assert METADATA != "cam/left"
    assert dataclasses.asdict(METADATA) != METADATA


def test_json_round_trip_keeps_every_field() -> None:
    again = PoolMetadata.from_json(METADATA.to_json())

    assert dataclasses.asdict(again) == dataclasses.asdict(METADATA)
    assert isinstance(again.shape, tuple)


def test_copies_are_equal() -> None:
    assert pickle.loads(pickle.dumps(METADATA)) == METADATA
    assert copy.deepcopy(METADATA) == METADATA


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "1",
        '"text"',
        "{}",
        "NaN",
        '{"name": "a"}',
        '{"name": "a", "shape": [1]}',
        '{"name": 1, "shape": [1], "dtype_str": "int8"}',
        '{"name": null, "shape": [1], "dtype_str": "int8"}',
        '{"name": "a", "shape": 1, "dtype_str": "int8"}',
        '{"name": "a", "shape": "12", "dtype_str": "int8"}',
        '{"name": "a", "shape": [1.5], "dtype_str": "int8"}',
        '{"name": "a", "shape": [true], "dtype_str": "int8"}',
        '{"name": "a", "shape": [null], "dtype_str": "int8"}',
        '{"name": "a", "shape": [[1]], "dtype_str": "int8"}',
        '{"name": "a", "shape": {"0": 1}, "dtype_str": "int8"}',
        '{"name": "a", "shape": [1], "dtype_str": "nonsense"}',
        '{"name": "a", "shape": [1], "dtype_str": "O"}',
        '{"name": "a", "shape": [1], "dtype_str": 8}',
        '{"name": "a", "shape": [1], "dtype_str": "int8", "history_len": "2"}',
        '{"name": "a", "shape": [1], "dtype_str": "int8", "history_len": 2.0}',
        '{"name": "a", "shape": [1], "dtype_str": "int8", "history_len": true}',
        '{"name": "a", "shape": [1], "dtype_str": "int8", "extra": 0}',
        "[" * 100_000,
        '{"name": "a", "shape": ' + "[" * 100_000,
    ],
)
def test_bad_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        PoolMetadata.from_json(text)


def _mutated(generator: random.Random) -> str:
    document = json.loads(METADATA.to_json())
    values = [
        *(
            None,
            True,
            False,
            0,
            -1,
            1.5,
            2**63,
            2**64,
            -(2**70),
            1e400,
            "",
            "x",
            "int8",
            "a\0b",
        ),
        *([], [0], [-1], [2**62, 2**62], [1] * 40, ["1"], {}, {"a": []}, "\ud800", "é"),
    ]
    for _ in range(generator.randint(1, 3)):
        key = generator.choice([*list(document), "surplus"])
        if generator.random() < 0.2:
            document.pop(key, None)
        else:
            document[key] = generator.choice(values)
    text = json.dumps(document)
    if generator.random() < 0.2:
        at = generator.randrange(len(text))
        text = text[:at] + generator.choice('{}[],:"0é\n\x00') + text[at + 1 :]
    return text


@pytest.mark.parametrize("seed", range(20))
def test_any_json_gives_metadata_or_a_value_error(seed: int) -> None:
    generator = random.Random(seed)
    for _ in range(100):
        text = _mutated(generator)
        try:
            metadata = PoolMetadata.from_json(text)
        except ValueError:
            continue
        again = PoolMetadata.from_json(metadata.to_json())
        assert again == metadata, text


@pytest.mark.parametrize("seed", range(20))
def test_any_metadata_makes_a_consumer_or_a_value_error(seed: int) -> None:
    generator = random.Random(1000 + seed)
    for _ in range(100):
        text = _mutated(generator)
        try:
            metadata = PoolMetadata.from_json(text)
            with TensorConsumer(metadata) as consumer:
                assert consumer.get() is None
        except ValueError:
            pass
        except TypeError as error:
            assert "dtype" in str(error)  # noqa: PT017 - any metadata may or may not raise


@pytest.mark.parametrize(
    "change",
    [
        {"shape": (0,)},
        {"shape": (-1, 3)},
        {"shape": (2**62, 2**62)},
        {"shape": (2**70,)},
        {"shape": (1,) * 40},
        {"history_len": 0},
        {"history_len": -1},
        {"history_len": 2**40},
        {"device": ""},
        {"device": "x" * 40},
        {"backend_type": "x" * 40},
        {"name": ""},
    ],
)
def test_impossible_metadata_is_a_value_error_on_both_sides(change: dict[str, Any]) -> None:
    fields = {**dataclasses.asdict(METADATA), "element_size": 0, "total_size": 0, **change}

    with pytest.raises(ValueError, match=r"."):
        TensorProducer(PoolMetadata(**fields))
    with pytest.raises(ValueError, match=r"."):
        TensorConsumer(PoolMetadata(**fields))


@pytest.mark.parametrize("sample", [None, [1, 2], 3, "text", memoryview(b"abc"), {"a": 1}])
def test_sample_that_is_no_array_is_a_type_error(sample: Any) -> None:
    with pytest.raises(TypeError, match=r"expected numpy\.ndarray, got"):
        MetadataCreator.from_numpy_sample("a", sample)
    with pytest.raises(
        TypeError,
        match=r"expected numpy\.ndarray, torch\.Tensor or an array in the memory of a GPU, got",
    ):
        MetadataCreator.from_sample("a", sample)


@pytest.mark.parametrize("history_len", [0, -3])
def test_history_below_one_is_a_value_error(history_len: int) -> None:
    with pytest.raises(ValueError, match="history_len must be at least 1"):
        MetadataCreator.from_numpy_sample("a", np.zeros(3), history_len)


def test_backend_is_found_or_given() -> None:
    found = MetadataCreator.from_sample("a", np.zeros(3), 2)
    given = MetadataCreator.from_sample("a", np.zeros(3), 2, "numpy")

    assert found == given == MetadataCreator.from_numpy_sample("a", np.zeros(3), 2)


def test_unknown_backend_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="unknown backend 'abacus'"):
        MetadataCreator.from_sample("a", np.zeros(3), 2, "abacus")


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "a b", "../x y", "a;rm -rf ~", "$(id)", "`id`", "a|b", "a&b", "a>b", "a*b"),
        *("a\0b", "a\nb", "naïve", "a=b", "a+b", "a\\b", "'a'", '"a"', "x" * 201),
    ],
)
def test_bad_name_is_refused_everywhere(name: str) -> None:
    with pytest.raises(InvalidPoolNameError) as refusal:
        MetadataCreator.from_numpy_sample(name, np.zeros(3))
    with pytest.raises(InvalidPoolNameError):
        TensorProducer(PoolMetadata(name, (3,), "float32"))
    with pytest.raises(InvalidPoolNameError):
        TensorConsumer(PoolMetadata(name, (3,), "float32"))
    with pytest.raises(InvalidPoolNameError):
        TensorConsumer.attach(name)
    assert isinstance(refusal.value, ValueError)
