"""Without a GPU: the stand-in for the driver, which CMake builds (`scripts/test cuda`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Iterator

import numpy as np
import pytest
from device_arrays import DeviceArray, Driver, OnDevice, Stream

NEEDED = "TENSOR_IPC_FAKE_CUDA"

_library = os.environ.get(NEEDED, "")
if _library:
    os.environ["TENSOR_IPC_CUDA_DRIVER"] = str(Path(_library).resolve(strict=True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if _library:
        return
    here = Path(__file__).parent
    reason = f"needs the stand-in for the CUDA driver, named by {NEEDED} (scripts/test cuda)"
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def the_driver() -> Driver:
    return Driver()


@pytest.fixture
def driver(the_driver: Driver) -> Iterator[Driver]:
    """The stand-in, with nothing of other tests: no failures, no counts, all work done."""
    the_driver.reset()
    yield the_driver
    the_driver.hold(False)
    the_driver.drain()
    the_driver.reset()


MakeArray = Callable[..., Any]


@pytest.fixture
def on_device(driver: Driver) -> Iterator[MakeArray]:
    """Makes arrays in device memory, freed after the test."""
    made: list[OnDevice] = []

    def make(
        values: Any, *, kind: type[DeviceArray] = DeviceArray, **options: Any
    ) -> DeviceArray:
        array = kind(driver, np.asarray(values), **options)
        made.append(array)
        return array

    yield make
    driver.hold(False)
    driver.drain()
    for array in made:
        array.free()


@pytest.fixture
def stream(driver: Driver) -> Iterator[Stream]:
    """A stream of the user's, which the default stream neither waits for nor holds up."""
    made = Stream(driver)
    yield made
    driver.hold(False)
    driver.drain()
    made.destroy()
