# Cyclone DDS, where the package was built with it. Internal, and loaded on use only.

from typing import Any

class Participant:
    @property
    def domain(self) -> int: ...
    @property
    def is_usable(self) -> bool: ...

class Announcement:
    def withdraw(self) -> None: ...
    @property
    def is_announced(self) -> bool: ...
    @property
    def readers(self) -> int: ...
    @property
    def samples(self) -> int: ...

class Directory:
    def wait(self, timeout_s: float) -> bool: ...
    def pools(self) -> list[dict[str, Any]]: ...

class ProgressWatch:
    @property
    def news(self) -> object: ...
    @property
    def latest(self) -> tuple[int, int, int, int, int] | None: ...
    @property
    def samples(self) -> int: ...
    @property
    def is_usable(self) -> bool: ...

class PoolMirror:
    @property
    def status(self) -> dict[str, Any]: ...
    def wait_open(self, timeout_s: float) -> bool: ...
    def close(self) -> None: ...

class MirrorServer:
    @property
    def mirrors(self) -> list[tuple[str, str, int, int, bool, int, int, int]]: ...
    @property
    def pools(self) -> list[str]: ...
    def close(self) -> None: ...

def join(domain: int | None = None) -> Participant: ...
def announce(
    pool_name: str, domain: int | None, keep_last: int, max_rate_hz: float
) -> Announcement: ...
def open_directory(domain: int | None = None) -> Directory: ...
def watch_progress(pool_name: str, domain: int | None, keep_last: int) -> ProgressWatch: ...
def start_mirror(
    pool_name: str,
    local_name: str,
    host: str,
    domain: int | None,
    interface: str | None,
    peers: list[str],
    reliable: bool,
    max_rate_hz: float,
    max_bytes_per_s: int,
    piece_bytes: int,
    max_pool_bytes: int,
) -> PoolMirror: ...
def start_server(
    pools: list[str],
    all: bool,
    domain: int | None,
    interface: str | None,
    peers: list[str],
) -> MirrorServer: ...

# ROS 2 without ROS, where the build has it; see tensor_ipc.rosext.native.

class TopicToPool:
    def close(self) -> None: ...
    def stats(self) -> tuple[int, int, int, int, int, int, int, int]: ...
    def last_error(self) -> str: ...
    def parts(self) -> tuple[str, tuple[int, ...], str, int, str, str, bool] | None: ...

class PoolToTopic:
    def close(self) -> None: ...
    def stats(self) -> tuple[int, int, int, int, int, int, int, int, int]: ...
    def last_error(self) -> str: ...

def join_ros(domain: int | None = None) -> Participant: ...
def open_topic(
    participant: Participant,
    topic: str,
    pool: str,
    type: str,
    depth: int,
    reliable: bool,
    transient_local: bool,
    encoding: str,
    history_len: int,
    spare: int,
    shape: list[int] | None,
    dtype: str,
    varying_extent: bool,
    capacity: int,
    follow_changes: bool,
    rate_limit_hz: float,
) -> TopicToPool: ...
def open_pool(
    participant: Participant,
    pool: str,
    topic: str,
    type: str,
    depth: int,
    reliable: bool,
    transient_local: bool,
    encoding: str,
    frame_id: str,
    stamp_publication: bool,
    rate_limit_hz: float,
) -> PoolToTopic: ...
