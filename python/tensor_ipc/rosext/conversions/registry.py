"""Which conversion a type of message has."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from tensor_ipc.errors import UnknownMessageTypeError
from tensor_ipc.rosext.conversions import (
    compressed_image,
    geometry,
    geometry_batch,
    image,
    imu,
    joint_state,
    laser_scan,
    multi_array,
    occupancy_grid,
    point_cloud,
    scalars,
)
from tensor_ipc.rosext.conversions.message_types import full_name

if TYPE_CHECKING:
    from tensor_ipc.rosext.conversions.options import Converter

CONVERTERS: dict[str, Converter] = {
    "sensor_msgs/msg/Image": image.CONVERTER,
    "sensor_msgs/msg/CompressedImage": compressed_image.CONVERTER,
    "sensor_msgs/msg/PointCloud2": point_cloud.CONVERTER,
    "sensor_msgs/msg/LaserScan": laser_scan.CONVERTER,
    "sensor_msgs/msg/JointState": joint_state.CONVERTER,
    "nav_msgs/msg/OccupancyGrid": occupancy_grid.CONVERTER,
    **imu.CONVERTERS,
    **geometry.CONVERTERS,
    **geometry_batch.CONVERTERS,
    **scalars.CONVERTERS,
    **multi_array.CONVERTERS,
}

# For plain objects whose class has the name of the message.
_BY_SHORT_NAME = {name.rpartition("/")[2]: converter for name, converter in CONVERTERS.items()}


@functools.lru_cache(maxsize=256)
def converter_for(type_name: str) -> Converter:
    """Return the conversion for ``package/msg/Type``, ``package/Type`` or ``Type``.

    Raises
    ------
    UnknownMessageTypeError
        There is none.
    """
    found = CONVERTERS.get(full_name(type_name)) or _BY_SHORT_NAME.get(type_name)
    if found is None:
        msg = (
            f"no conversion for messages of type {type_name!r}; name the type with type_name= if "
            "it is another, or the field to convert with path= (docs/ros-conversions.md has the "
            "list)"
        )
        raise UnknownMessageTypeError(msg)
    return found
