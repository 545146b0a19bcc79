"""ROS 2 topics in a process without ROS: a pool is published, and a topic becomes a pool.

Both ends are in this program, so that it runs by itself. In place of either, a ROS node does:

    ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST ros2 topic hz /camera/image_raw
"""

import os
import sys
import time

import numpy as np

from tensor_ipc import PoolNotFoundError, TensorConsumer, TensorProducer
from tensor_ipc.errors import MissingFrameworkError
from tensor_ipc.rosext.native import PoolToTopic, TopicToPool

TOPIC = "/camera/image_raw"
os.environ.setdefault("ROS_DOMAIN_ID", str(80 + os.getpid() % 10))  # leave others alone

try:
    link = TopicToPool(TOPIC, "cam", history_len=5)
except MissingFrameworkError as error:
    print(error)
    sys.exit(0)

image = np.zeros((480, 640, 3), dtype=np.uint8)
camera = TensorProducer.from_sample("camera", image)
out = PoolToTopic("camera", TOPIC, frame_id="lens")
with link, camera, out:
    while out.stats.subscriptions == 0 or link.stats.publishers == 0:
        time.sleep(0.01)

    consumer = None
    for value in range(1, 21):
        image[:] = value
        camera.put(image, timestamp_ns=time.time_ns())
        while link.stats.messages < value:
            time.sleep(0.001)
        if consumer is None:
            try:
                consumer = TensorConsumer.attach("cam")  # any process on this machine may
            except PoolNotFoundError:
                sys.exit(f"no pool: {link.last_error}")

    frame = consumer.get_frame()
    print(f"{frame.data.shape}, all {frame.data[0, 0, 0]}: {frame.user_metadata}")
    print(link.stats)
    print(out.stats)
    del frame
    consumer.cleanup()
