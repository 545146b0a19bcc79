"""A bridge's configuration in a YAML file."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from tensor_ipc.errors import BridgeConfigError, MissingFrameworkError
from tensor_ipc.rosext.bridge.config import config_from

if TYPE_CHECKING:
    import os

    from tensor_ipc.rosext.bridge.config import BridgeConfig


def read_config(path: str | os.PathLike[str]) -> BridgeConfig:
    """Read and check a file.

    Raises
    ------
    BridgeConfigError
        It cannot be read, is no YAML, or a key is missing, unknown or wrong; the text names file
        and key, or the line.
    MissingFrameworkError
        PyYAML is not installed.
    """
    try:
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        msg = f"PyYAML reads {path}, and is not there: pip install 'tensor-ipc[ros]'"
        raise MissingFrameworkError(msg) from error
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read: {error}"
        raise BridgeConfigError(msg) from error
    except yaml.YAMLError as error:
        msg = f"{path}: no YAML: {error}"
        raise BridgeConfigError(msg) from error
    return config_from(content, str(path))
