"""Many topics and pools in one process, as a configuration says."""

from __future__ import annotations

from tensor_ipc.rosext.bridge.config import (
    BridgeConfig,
    PoolToTopic,
    QoS,
    TopicToPool,
    config_from,
)
from tensor_ipc.rosext.bridge.run import run_bridge
from tensor_ipc.rosext.bridge.yaml_file import read_config

__all__ = [
    "BridgeConfig",
    "PoolToTopic",
    "QoS",
    "TopicToPool",
    "config_from",
    "read_config",
    "run_bridge",
]
