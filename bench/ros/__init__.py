"""Images from a ROS topic: a subscriber of rclpy beside our bridge."""
