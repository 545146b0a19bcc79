"""All contenders: what each is, how it is installed, and whose advice its use follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PROFILES = str(Path(__file__).with_name("contenders") / "fastdds_shm.xml")

#: Those of DDS, so that the comparison meets no other participants of this host.
_DOMAIN_ID = 101


@dataclass(frozen=True)
class Entry:
    """A contender as the tables have it."""

    name: str
    title: str
    language: str
    """``python`` or ``c++``: figures are compared within one."""
    waiting: str
    """``sleep``: a consumer sleeps in the kernel until it is woken. ``spin``: it looks all the time."""
    copies: tuple[int, int]
    """Of a frame's bytes, on the side of the producer and of each consumer; the kernel's count."""
    queueing: str
    """``newest``: a slow consumer misses frames. ``waits``: the producer waits for it."""
    source: str
    """Where this way of using it is recommended."""
    target: str
    """``module:Class``, or the name of a program that CMake builds."""
    environment: str = ""
    """The virtual environment it needs; empty for programs."""
    requirements: tuple[str, ...] = ()
    """For pip."""
    pip_options: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()
    """Further ones, installed with what they need."""
    packages: tuple[str, ...] = ()
    """For apt."""
    daemon: tuple[str, ...] = ()
    """A program that has to run beside it."""
    options: dict[str, Any] = field(default_factory=dict)
    leftovers: tuple[str, ...] = ()
    """Names in ``/dev/shm`` that its processes leave there when they are killed."""

    @property
    def in_place(self) -> bool:
        """Whether only stamps are written, so that there are no bytes to check."""
        return bool(self.options.get("in_place"))


def _python(name: str, title: str, target: str, **more: Any) -> Entry:
    defaults: dict[str, Any] = {"language": "python", "waiting": "sleep", "queueing": "newest"}
    return Entry(
        name, title, target=f"bench.compare.contenders.{target}", **{**defaults, **more}
    )


def _program(name: str, title: str, target: str, **more: Any) -> Entry:
    defaults: dict[str, Any] = {"language": "c++", "waiting": "sleep", "queueing": "newest"}
    return Entry(name, title, target=target, **{**defaults, **more})


_OF_FAST_DDS = (
    "fastdds_*",
    "sem.fastdds_*",
    "fastrtps_*",
    "sem.fastrtps_*",
    "fast_datasharing_*",
)
_README = "README.md of this project"
_ICEORYX2 = (
    "iceoryx2: examples publish_subscribe_dynamic_data and event (event_based_communication)"
)
_OURS = {"environment": "ours", "source": _README}
_ROS = ("ros-kilted-rclpy", "ros-kilted-rmw-fastrtps-cpp", "ros-kilted-sensor-msgs", "numpy")
_ICEORYX = {
    "leftovers": ("iceoryx_*",),
    "packages": ("libiceoryx-posh-dev", "iceoryx"),
    "daemon": ("iox-roudi", "-c"),
    "source": "iceoryx: examples icedelivery, waitset (C++ API, loan and publish)",
}
_FAST_DDS = {
    "leftovers": _OF_FAST_DDS,
    "packages": ("libfastrtps-dev", "libfastcdr-dev"),
    "source": "Fast DDS documentation: Large Data, Data-sharing delivery, Zero-Copy communication",
}

CATALOGUE: tuple[Entry, ...] = (
    _python("ours", "tensor_ipc `put`", "ours:Ours", copies=(1, 0), **_OURS),
    _python(
        *("ours-in-place", "tensor_ipc `loan`", "ours:Ours"),
        copies=(0, 0),
        options={"in_place": True},
        **_OURS,
    ),
    _python(
        *("ours-spin", "tensor_ipc `put`, `spin_s`", "ours:Ours"),
        waiting="spin",
        copies=(1, 0),
        options={"spin_s": 10.0},
        **_OURS,
    ),
    _python(
        *("iceoryx2", "iceoryx2, event", "iceoryx2_slice:Iceoryx2Slice"),
        copies=(1, 0),
        environment="iceoryx2",
        leftovers=("iox2_*",),
        requirements=("iceoryx2", "numpy"),
        source=_ICEORYX2,
    ),
    _python(
        *("iceoryx2-in-place", "iceoryx2 loan, event", "iceoryx2_slice:Iceoryx2Slice"),
        copies=(0, 0),
        environment="iceoryx2",
        leftovers=("iox2_*",),
        requirements=("iceoryx2", "numpy"),
        options={"in_place": True},
        source=_ICEORYX2,
    ),
    _python(
        *("iceoryx2-spin", "iceoryx2, polled", "iceoryx2_slice:Iceoryx2Slice"),
        waiting="spin",
        copies=(1, 0),
        environment="iceoryx2",
        leftovers=("iox2_*",),
        requirements=("iceoryx2", "numpy"),
        options={"spin": True},
        source=_ICEORYX2,
    ),
    _python(
        *("zenoh", "Zenoh, shared memory", "zenoh_shm:ZenohShm"),
        copies=(1, 1),
        environment="zenoh",
        leftovers=("*.zenoh",),
        requirements=("eclipse-zenoh", "numpy"),
        source="zenoh-python: examples z_pub_shm.py, z_sub.py",
    ),
    _python(
        *("ecal", "eCAL", "ecal_binary:EcalBinary"),
        copies=(2, 1),
        environment="ecal",
        leftovers=("ecal_*",),
        requirements=("eclipse-ecal", "numpy"),
        source="eCAL: Python samples, binary publisher and subscriber with callback",
    ),
    _python(
        *("cyclonedds", "Cyclone DDS", "cyclone_dds:CycloneDds"),
        copies=(3, 3),
        environment="cyclonedds",
        requirements=("cyclonedds", "numpy"),
        options={"domain_id": _DOMAIN_ID},
        source="cyclonedds-python documentation: IDL array[uint8], its cheapest, and WaitSet",
    ),
    _python(
        *("rclpy", "rclpy `Image`, as it comes", "rclpy_image:RclpyImage"),
        copies=(3, 3),
        environment="rclpy",
        leftovers=_OF_FAST_DDS,
        requirements=_ROS,
        options={"domain_id": _DOMAIN_ID + 1},
        source="rclpy examples; the message kept and written through a view, the cheapest way measured",
    ),
    _python(
        *("rclpy-shm", "rclpy `Image`, 128 MB segment", "rclpy_image:RclpyImage"),
        copies=(3, 3),
        environment="rclpy",
        leftovers=_OF_FAST_DDS,
        requirements=_ROS,
        options={"domain_id": _DOMAIN_ID + 2, "profiles": _PROFILES},
        source="Fast DDS documentation: SHM transport, segment_size; ROS 2: DDS tuning",
    ),
    _python(
        *("torch-queue", "torch.multiprocessing queue", "torch_queue:TorchQueue"),
        copies=(1, 0),
        queueing="waits",
        environment="torch",
        leftovers=("torch_*",),
        requirements=("torch", "numpy"),
        source="PyTorch: Multiprocessing best practices, reuse buffers passed through a Queue",
    ),
    _python(
        *("mp-queue", "multiprocessing.Queue", "mp_queue:MpQueue"),
        copies=(3, 2),
        queueing="waits",
        environment="ours",
        source="Python documentation: multiprocessing, Exchanging objects",
    ),
    _python(
        *("shm-semaphore", "shared_memory + semaphores", "shm_semaphore:ShmSemaphore"),
        copies=(1, 0),
        queueing="waits",
        environment="ours",
        source="Python documentation: multiprocessing.shared_memory, NumPy example; bounded buffer",
    ),
    _python(
        *("zmq", "pyzmq `ipc://`", "zmq_ipc:ZmqIpc"),
        copies=(1, 1),
        environment="zmq",
        requirements=("pyzmq", "numpy"),
        source="pyzmq documentation: Serializing, copy=False and track=True",
    ),
    _python(
        *("tensor-ipc-0.1", "tensor-ipc 0.1.0", "tensor_ipc_0_1:TensorIpc01"),
        copies=(1, 1),
        environment="tensor_ipc_0_1",
        # It wants cyclonedds 0.10.5, which has no wheel for Python 3.11; that package is the same
        # version built for it. It imports sympy without asking for it.
        requirements=("tensor-ipc==0.1.0", "tensor-ipc-cyclonedds==0.10.5", "posix-ipc"),
        pip_options=("--no-deps",),
        undeclared=("numpy", "sympy"),
        source="its README",
    ),
    _program("c++ ours", "tensor_ipc `put`", "compare_ours", copies=(1, 0), source=_README),
    _program(
        *("c++ ours-in-place", "tensor_ipc `loan`", "compare_ours"),
        copies=(0, 0),
        options={"in_place": True},
        source=_README,
    ),
    _program(
        *("c++ ours-spin", "tensor_ipc `put`, `spin_ns`", "compare_ours"),
        waiting="spin",
        copies=(1, 0),
        options={"spin": True},
        source=_README,
    ),
    _program("c++ iceoryx", "iceoryx, wait set", "compare_iceoryx", copies=(1, 0), **_ICEORYX),
    _program(
        *("c++ iceoryx-in-place", "iceoryx loan, wait set", "compare_iceoryx"),
        copies=(0, 0),
        options={"in_place": True},
        **_ICEORYX,
    ),
    _program(
        *("c++ iceoryx-spin", "iceoryx, polled", "compare_iceoryx"),
        waiting="spin",
        copies=(1, 0),
        options={"spin": True},
        **_ICEORYX,
    ),
    _program(
        "c++ fastdds", "Fast DDS, data sharing", "compare_fastdds", copies=(1, 0), **_FAST_DDS
    ),
    _program(
        *("c++ fastdds-in-place", "Fast DDS loan, data sharing", "compare_fastdds"),
        copies=(0, 0),
        options={"in_place": True},
        **_FAST_DDS,
    ),
    _program(
        *("floor futex", "bare futex ping", "compare_floor"),
        copies=(0, 0),
        options={"in_place": True},
        source="nothing but a shared page and FUTEX_WAKE; torn frames are not prevented",
    ),
    _program(
        *("floor spin", "bare spin ping", "compare_floor"),
        waiting="spin",
        copies=(0, 0),
        options={"in_place": True, "spin": True},
        source="nothing but a shared page; torn frames are not prevented",
    ),
    _program(
        *("floor memcpy", "`memcpy` + futex ping", "compare_floor"),
        copies=(1, 0),
        source="memcpy into a ring and FUTEX_WAKE; torn frames are not prevented",
    ),
    _program(
        *("floor memcpy-spin", "`memcpy` + spin ping", "compare_floor"),
        waiting="spin",
        copies=(1, 0),
        options={"spin": True},
        source="memcpy into a ring; torn frames are not prevented",
    ),
)


def find(names: list[str]) -> list[Entry]:
    """Return the entries of these names, all of them when there are none.

    Raises
    ------
    KeyError
        One is unknown.
    """
    known = {entry.name: entry for entry in CATALOGUE}
    unknown = [name for name in names if name not in known]
    if unknown:
        msg = f"unknown contenders {unknown}; there are {sorted(known)}"
        raise KeyError(msg)
    return [known[name] for name in names] if names else list(CATALOGUE)
