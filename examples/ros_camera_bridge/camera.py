"""A camera: ``camera.py WIDTHxHEIGHT RATE``. Publishes /camera/image_raw until Ctrl-C or SIGTERM."""

from __future__ import annotations

import array
import sys

import numpy as np
import rclpy
from sensor_msgs.msg import Image


def main() -> None:
    """Publish."""
    width, height = (int(part) for part in sys.argv[1].split("x"))
    rclpy.init()
    node = rclpy.create_node("camera")
    publisher = node.create_publisher(Image, "/camera/image_raw", 5)
    message = Image(width=width, height=height, encoding="rgb8", step=3 * width)
    message.header.frame_id = "camera"
    message.data = array.array("B", bytes(3 * width * height))  # once: it is filled in place
    pixels = np.frombuffer(message.data, np.uint8).reshape(height, width, 3)
    scene = np.random.default_rng(1).integers(0, 256, (height, 2 * width, 3), np.uint8)
    position = 0

    def publish() -> None:
        nonlocal position
        position = (position + 8) % width
        np.copyto(pixels, scene[:, position : position + width])
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)

    node.create_timer(1 / float(sys.argv[2]), publish)
    try:
        rclpy.spin(node)
    except Exception:
        if rclpy.ok():  # else a signal ended the context, perhaps in the middle of a callback
            raise


if __name__ == "__main__":
    main()
