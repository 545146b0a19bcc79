"""OpenCV, which the demo needs and the library does not."""

from __future__ import annotations

import importlib
from typing import Any

from tensor_ipc.demo.errors import DemoError

INSTALL_HINT = 'pip install "tensor-ipc[demo]"'


def opencv() -> Any:
    """Return the ``cv2`` module.

    Raises
    ------
    DemoError
        It is not installed.
    """
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        msg = f"the demo needs OpenCV to read and draw pictures: {INSTALL_HINT} ({error})"
        raise DemoError(msg) from error
