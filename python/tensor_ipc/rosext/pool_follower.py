"""Each new frame of a pool is published on a ROS topic."""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple

from tensor_ipc.core import lifetime
from tensor_ipc.core.cleaned_up import CleanedUp
from tensor_ipc.core.consumer import TensorConsumer
from tensor_ipc.errors import PoolNotFoundError, TensorIpcError
from tensor_ipc.rosext import ros_clock
from tensor_ipc.rosext.complaints import Complaints
from tensor_ipc.rosext.endpoints import advertise
from tensor_ipc.rosext.message_writer import MessageWriter
from tensor_ipc.rosext.rate_limit import RateLimit
from tensor_ipc.rosext.ros_import import import_rclpy, message_type

if TYPE_CHECKING:
    from tensor_ipc._core import Frame

_RETRY_S = 0.2
_STOP_TIMEOUT_S = 5.0


class FollowerStats(NamedTuple):
    """What became of the frames of a pool."""

    frames: int
    """Frames that were looked at."""
    messages: int
    """Messages that were published."""
    missed: int
    """Frames that were overtaken by newer ones before they were looked at."""
    conversion_errors: int
    """Frames that are no message of the topic's type, or not in its encoding."""
    publish_errors: int
    """Messages that the middleware refused."""
    limited: int
    """Frames left out by the rate limit."""
    incompatible_qos: int
    """Subscriptions found whose QoS does not match; they get nothing."""


class PoolFollower(CleanedUp):
    """Publishes the newest frame of a pool whenever there is a new one.

    The pool may come later, end, and come again with other frames. A frame that is there at the
    beginning is published too. When frames come faster than
    they are published, the newest is; the others are counted as missed.

    The stamp is the frame's time of capture, which is taken for one of the node's clock; frames
    whose producer gave none get their time of publication on that clock. ``frame_id`` and
    ``encoding`` come from the frame's user metadata.

    Parameters
    ----------
    pool_name
        Name of the pool.
    node
        An ``rclpy.node.Node``.
    ros_topic, ros_msg_type, qos, conversion
        As for `ROSTensorProducer`.
    encoding, frame_id
        For all messages, whatever a frame says.
    driver
        ``"thread"``: a thread of this object's publishes. ``"executor"``: the node's executor does,
        so that publishing and the node's other callbacks come one after the other.
    stamps
        ``"capture"``, as above. ``"publication"``: when the frame came into the pool, on the
        node's clock; for producers whose times are of another clock.
    rate_limit_hz
        At most so many messages a second; frames beyond are left out.

    Raises
    ------
    MissingFrameworkError
        There is no ROS; the text says how to get it.
    ValueError
        `driver` or `stamps` is none of these.
    """

    def __init__(
        self,
        pool_name: str,
        node: Any,
        ros_topic: str,
        ros_msg_type: Any,
        qos: Any = 10,
        *,
        encoding: str | None = None,
        frame_id: str | None = None,
        conversion: Mapping[str, Any] | None = None,
        driver: str = "thread",
        stamps: str = "capture",
        rate_limit_hz: float | None = None,
    ) -> None:
        _require("driver", driver, ("thread", "executor"))
        _require("stamps", stamps, ("capture", "publication"))
        import_rclpy()
        message_class = message_type(ros_msg_type)
        self._invalid_handle: Any = importlib.import_module("rclpy.exceptions").InvalidHandle
        self._pool_name = pool_name
        self._node = node
        self._stamp_of_publication = stamps == "publication"
        self._rate_limit = None if rate_limit_hz is None else RateLimit(rate_limit_hz)
        self._name = f"pool {pool_name} -> {ros_topic}"
        self._complaints = Complaints(self._name, node.get_logger().error)
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(FollowerStats._fields, 0)
        self._stopping = threading.Event()
        self._taken = threading.Event()
        self._error: TensorIpcError | None = None
        self._consumer: TensorConsumer | None = None
        self._publisher = advertise(
            node, message_class, ros_topic, qos, self._note_incompatible_qos
        )
        self._writer = MessageWriter(
            message_class(),
            self._publisher.publish,
            encoding=encoding,
            frame_id=frame_id,
            conversion=conversion,
        )
        self._guard = (
            node.create_guard_condition(self._publish_in_executor)
            if driver == "executor"
            else None
        )
        self._thread = threading.Thread(
            target=self._run, name=f"tensor-ipc {pool_name}", daemon=True
        )
        self._thread.start()
        self._at_exit = _AtExit(self)
        lifetime.register(self._at_exit)

    def _run(self) -> None:
        """Wait for frames, and publish them or have the executor do it, until `cleanup`."""
        while not self._stopping.is_set():
            try:
                consumer = self._attached()
                while consumer and not self._stopping.is_set() and consumer.wait():
                    self._hand_on(consumer)
                return  # cleaned up, or the node is gone, or the interpreter ends
            except TensorIpcError as error:  # a damaged pool, say: looked at again later
                self._complaints.add(error)
                self._stopping.wait(_RETRY_S)

    def _attached(self) -> TensorConsumer | None:
        """Wait for the pool; ``None`` when `cleanup` came first."""
        while self._consumer is None and not self._stopping.is_set():
            try:
                consumer = TensorConsumer.attach(self._pool_name, torch_views="readonly")
            except PoolNotFoundError:
                self._stopping.wait(_RETRY_S)
                continue
            with self._lock:
                if self._stopping.is_set():
                    consumer.cleanup()
                    return None
                self._consumer = consumer
        return self._consumer

    def _hand_on(self, consumer: TensorConsumer) -> None:
        if self._guard is None:
            self._publish_newest(consumer)
            return
        self._taken.clear()
        if not self._stopping.is_set():
            self._guard.trigger()
            self._taken.wait()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _publish_in_executor(self) -> None:
        try:
            if self._consumer is not None and not self._stopping.is_set():
                self._publish_newest(self._consumer)
        except TensorIpcError as error:
            self._error = error  # for the thread, which tries again later
        finally:
            self._taken.set()

    def _publish_newest(self, consumer: TensorConsumer) -> None:
        frame = consumer.get_frame()
        if frame is None:
            return
        self._count("frames")
        if self._rate_limit is not None and not self._rate_limit.admits():
            self._count("limited")
            return
        try:
            self._write(frame)
        except (TypeError, ValueError) as error:  # a ROSConversionError is one
            self._count("conversion_errors")
            self._complaints.add(error)
        except self._invalid_handle:
            self._stopping.set()  # the node was destroyed
        except Exception as error:  # noqa: BLE001 - of the middleware, which has no base for them
            if not self._node.context.ok():
                self._stopping.set()
                return
            self._count("publish_errors")
            self._complaints.add(error)
        else:
            self._count("messages")

    def _write(self, frame: Frame) -> None:
        stamp_ns = ros_clock.frame_stamp_ns(
            frame, self._node, of_publication=self._stamp_of_publication
        )
        self._writer.write(frame.numpy(), stamp_ns=stamp_ns, user_metadata=frame.user_metadata)

    def _note_incompatible_qos(self, policy: str) -> None:
        self._count("incompatible_qos")
        self._complaints.add(
            f"a subscription asks for another {policy} than qos offers: it gets nothing; offer "
            "reliable and transient_local to serve all"
        )

    def _count(self, counter: str) -> None:
        with self._lock:
            self._counts[counter] += 1

    def cleanup(self) -> None:
        """Stop, and end the publisher. The pool is left alone.

        As whatever destroys a part of a node: in a callback, or while the node is not spun.
        """
        self.end_thread()
        if self._guard is not None:
            self._node.destroy_guard_condition(self._guard)
            self._guard = None
        if self._publisher is not None:
            self._node.destroy_publisher(self._publisher)
            self._publisher = None

    def end_thread(self) -> None:
        """Stop, and leave the node as it is: at exit another thread may spin it."""
        with self._lock:
            self._stopping.set()
            consumer = self._consumer
        if consumer is not None:
            consumer.cleanup()
        self._taken.set()
        if self._thread is not threading.current_thread():
            self._thread.join(_STOP_TIMEOUT_S)

    @property
    def name(self) -> str:
        """Where from and where to, for people."""
        return self._name

    @property
    def topic(self) -> str | None:
        """Name of the topic as the graph has it, remapped; ``None`` after `cleanup`."""
        return None if self._publisher is None else str(self._publisher.topic_name)

    @property
    def subscribers(self) -> int:
        """How many subscriptions get what is published."""
        return 0 if self._publisher is None else int(self._publisher.get_subscription_count())

    @property
    def last_error(self) -> str:
        """Text of the last error; empty while there was none."""
        return self._complaints.last

    @property
    def stats(self) -> FollowerStats:
        """What became of the frames."""
        consumer = self._consumer
        missed = 0 if consumer is None else consumer.stats.missed
        return FollowerStats(**{**self._counts, "missed": missed})


class _AtExit:
    """What is left of a follower's `cleanup` when the interpreter exits without it."""

    def __init__(self, follower: PoolFollower) -> None:
        self._follower = follower

    def cleanup(self) -> None:
        """End the thread, which would else be ended by force wherever it is."""
        self._follower.end_thread()

    def _after_fork(self) -> None:
        """Nothing: the thread stayed in the parent."""


def _require(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        msg = f"{name}: expected one of {', '.join(map(repr, known))}, found {value!r}"
        raise ValueError(msg)
