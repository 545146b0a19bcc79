"""What importing tensor_ipc costs and does not do."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support import StartChild

IMPORT = """
    import os, sys
    import numpy

    modules = set(sys.modules)
    threads = len(os.listdir("/proc/self/task"))
    def segments_of_ours():
        prefix = "tensoripc_" + os.environ["TENSOR_IPC_NAMESPACE"]
        return [name for name in os.listdir("/dev/shm") if name.startswith(prefix)]

    import tensor_ipc

    assert len(os.listdir("/proc/self/task")) == threads
    assert segments_of_ours() == []
    print(sorted(set(sys.modules) - modules))
"""
NOT_WANTED = {
    *("torch", "cyclonedds", "rclpy", "ros2_numpy", "ml_dtypes", "cv2", "skimage"),
    *("rich", "click", "multiprocessing", "pytest"),
}


def test_import_starts_no_thread_and_loads_no_framework(start_child: StartChild) -> None:
    child = start_child(IMPORT)

    code, output, errors = child.finish()

    assert errors == ""
    assert code == 0
    loaded = {name.split(".")[0] for name in ast.literal_eval(output)}
    assert "tensor_ipc" in loaded
    assert loaded & NOT_WANTED == set()


def test_everything_of_the_top_level_is_there() -> None:
    import tensor_ipc  # noqa: PLC0415 - the import is what is tested

    for name in tensor_ipc.__all__:
        assert getattr(tensor_ipc, name) is not None
    assert len(set(tensor_ipc.__all__)) == len(tensor_ipc.__all__)


def test_modules_of_the_original_package_are_there() -> None:
    import tensor_ipc  # noqa: PLC0415
    from tensor_ipc.core.consumer import TensorConsumer  # noqa: PLC0415
    from tensor_ipc.core.metadata import MetadataCreator, PoolMetadata  # noqa: PLC0415
    from tensor_ipc.core.producer import TensorProducer  # noqa: PLC0415

    assert tensor_ipc.TensorConsumer is TensorConsumer
    assert tensor_ipc.TensorProducer is TensorProducer
    assert tensor_ipc.PoolMetadata is PoolMetadata
    assert tensor_ipc.MetadataCreator is MetadataCreator
