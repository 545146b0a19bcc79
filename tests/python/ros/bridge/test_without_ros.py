"""Without ROS everything can be imported, and constructing says what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support import StartChild

# As if there were none, whatever is installed.
NO_ROS = """
    import sys

    sys.modules.update({"rclpy": None, "sensor_msgs": None, "std_msgs": None})
"""


def test_constructing_says_how_to_get_ros(start_child: StartChild) -> None:
    child = start_child(
        NO_ROS
        + """
    import numpy as np
    import tensor_ipc
    from tensor_ipc import ROSTensorConsumer, ROSTensorProducer, rosext
    from tensor_ipc.rosext.pool2ros_producer import ROSTensorProducer as same_producer
    from tensor_ipc.rosext.ros2pool_consumer import ROSTensorConsumer as same_consumer
    from tensor_ipc.rosext.bridge import config_from, run_bridge

    assert ROSTensorProducer is same_producer is rosext.ROSTensorProducer
    assert ROSTensorConsumer is same_consumer is rosext.ROSTensorConsumer
    metadata = tensor_ipc.MetadataCreator.from_numpy_sample("p", np.zeros(3))
    config = config_from({"engine": "rclpy", "topics": [{"topic": "/t", "pool": "p"}]}, "here")
    for attempt in (
        lambda: ROSTensorProducer(metadata, None, "/t", "sensor_msgs/msg/Image"),
        lambda: ROSTensorConsumer(metadata, None, "/t", "sensor_msgs/msg/Image"),
        lambda: ROSTensorProducer.follow("p", None, "/t", "sensor_msgs/msg/Image"),
        lambda: run_bridge(config),
    ):
        try:
            attempt()
        except tensor_ipc.MissingFrameworkError as error:
            assert isinstance(error, ImportError)
            assert "setup.sh" in str(error) and "pip install" in str(error), error
        else:
            raise AssertionError("no error")
    assert tensor_ipc.list_pools() == []
    """
    )

    code, _, errors = child.finish()

    assert errors == ""
    assert code == 0


def test_ros_is_not_available_where_it_cannot_be_found(start_child: StartChild) -> None:
    child = start_child(
        """
    import importlib.util
    importlib.util.find_spec = lambda name, package=None: None
    from tensor_ipc import rosext
    assert rosext.ROS_AVAILABLE is False
    """
    )

    code, _, errors = child.finish()

    assert (code, errors) == (0, "")
