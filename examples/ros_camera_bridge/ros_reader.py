"""Reads the camera as a ROS node of its own."""

from __future__ import annotations

import threading

import numpy as np
import rclpy
from sensor_msgs.msg import Image
from tally import Tally


def main() -> None:
    """Look at every image."""
    tally = Tally()

    def on_image(message: Image) -> None:
        image = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
        stamp = message.header.stamp
        tally.look_at(image, stamp.sec * 10**9 + stamp.nanosec)

    rclpy.init()
    node = rclpy.create_node("reader")
    node.create_subscription(Image, "/camera/image_raw", on_image, 5)
    threading.Thread(target=tally.answer, daemon=True).start()
    try:
        rclpy.spin(node)
    except Exception:
        if rclpy.ok():  # else a signal ended the context, perhaps in the middle of a callback
            raise


if __name__ == "__main__":
    main()
