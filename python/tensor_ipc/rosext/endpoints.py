"""Subscriptions and publishers that say when the other side's QoS does not match."""

from __future__ import annotations

import importlib
from typing import Any, Callable


def subscribe(
    node: Any,
    message_class: Any,
    topic: str,
    callback: Callable[[Any], object],
    qos: Any,
    on_incompatible_qos: Callable[[str], object],
) -> Any:
    """Return a subscription of `node`, which resolves and remaps `topic` as for any node."""
    told = _events().SubscriptionEventCallbacks(
        incompatible_qos=lambda event: on_incompatible_qos(_policy_name(event))
    )
    return node.create_subscription(message_class, topic, callback, qos, event_callbacks=told)


def advertise(
    node: Any,
    message_class: Any,
    topic: str,
    qos: Any,
    on_incompatible_qos: Callable[[str], object],
) -> Any:
    """Return a publisher of `node`, which resolves and remaps `topic` as for any node."""
    told = _events().PublisherEventCallbacks(
        incompatible_qos=lambda event: on_incompatible_qos(_policy_name(event))
    )
    return node.create_publisher(message_class, topic, qos, event_callbacks=told)


def _events() -> Any:
    try:
        return importlib.import_module("rclpy.event_handler")
    except ModuleNotFoundError:  # its name up to Humble
        return importlib.import_module("rclpy.qos_event")


def _policy_name(event: Any) -> str:
    qos = importlib.import_module("rclpy.qos")
    return str(qos.qos_policy_name_from_kind(event.last_policy_kind)).lower()
