"""Between ROS 2 and pools."""
