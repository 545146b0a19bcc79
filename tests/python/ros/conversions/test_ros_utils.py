from __future__ import annotations

import numpy as np
from plain_messages import image

from tensor_ipc.errors import ConversionError
from tensor_ipc.rosext.ros_utils import (
    ROSConversionError,
    validate_ros_msgify,
    validate_ros_numpify,
)


def test_the_names_of_the_first_version_still_answer() -> None:
    assert issubclass(ConversionError, ROSConversionError)
    assert validate_ros_numpify(image(b"\1", height=1, width=1, step=1, encoding="mono8"))
    assert not validate_ros_numpify(image(encoding="none"))
    assert validate_ros_msgify(image, np.zeros((2, 2), np.uint8))  # type: ignore[arg-type]
    assert not validate_ros_msgify(image, np.zeros(2, np.uint8))  # type: ignore[arg-type]
