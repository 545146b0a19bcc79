"""Which pools there are in the network, as their producers tell over DDS."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from tensor_ipc.core import network
from tensor_ipc.core.metadata import PoolMetadata, metadata_of

_SLICE_S = 0.1


@dataclasses.dataclass(frozen=True)
class NetworkPool:
    """A pool that a producer somewhere told of.

    Nothing of it is proven: whoever is in the DDS domain may have said it (see SECURITY.md). It was
    checked as the parameters of a producer are, so it can be shown and compared safely.

    Attributes
    ----------
    name
        Of the pool.
    host
        Name of the machine, for people.
    host_id
        Which shared memory it lies in: two pools with the same one are in the same ``/dev/shm``.
    is_local
        It lies in the ``/dev/shm`` of this process, so `TensorConsumer` can attach.
    alive
        Its producer's process gave a sign of life within the last second.
    metadata
        What it holds.
    rate_hz
        Frames a second when it was last told, once a second at most; 0.0 when silent or unknown.
    latest_frame
        Number of the newest frame when that was told; -1 before the first.
    generation
        1, and 1 more for each producer that took the pool over.
    owner_uid, producer_pid
        User and process of the producer, on its host.
    namespace
        ``TENSOR_IPC_NAMESPACE`` of the producer.
    """

    name: str
    host: str
    host_id: str
    is_local: bool
    alive: bool
    metadata: PoolMetadata
    rate_hz: float
    latest_frame: int
    generation: int
    owner_uid: int
    producer_pid: int
    namespace: str


def _network_pool(fields: dict[str, Any]) -> NetworkPool:
    metadata = metadata_of(fields.pop("metadata"))
    return NetworkPool(
        name=metadata.name, metadata=metadata, namespace=fields.pop("name_space"), **fields
    )


def discover(
    timeout: float = 1.0,
    *,
    dds_participant: object = None,
    all_namespaces: bool = False,
) -> list[NetworkPool]:
    """Return the pools of the network, by name.

    Listens for `timeout`: pools announce themselves, and nobody knows how many there are. On one host
    they are there within some 20 ms; in a network it takes as long as participants need to meet. Lets
    other threads run.

    Parameters
    ----------
    timeout
        How long to listen, in seconds.
    dds_participant
        A domain id, or a participant of the ``cyclonedds`` package, whose domain is used. ``None``
        for the domain of the environment, ``TENSOR_IPC_DDS_DOMAIN``, which is 0 by default.
    all_namespaces
        Also pools of other namespaces than ``TENSOR_IPC_NAMESPACE``.

    Returns
    -------
    One record for each pool and host. A pool that its producer ended is not there; one whose producer
    died is, with ``alive`` false, for whoever listened before.

    Raises
    ------
    DdsUnavailableError
        The package was built without DDS, or DDS is switched off.
    DdsError
        Cyclone DDS cannot use the interface, or has no port left.
    """
    directory = network.load().open_directory(network.domain_of(dds_participant))
    end_s = time.monotonic() + timeout
    left_s = timeout
    while left_s > 0.0:
        if directory.wait(min(left_s, _SLICE_S)):
            directory.pools()  # what came counts as seen, so that wait() waits for more
        left_s = end_s - time.monotonic()
    pools = [_network_pool(fields) for fields in directory.pools()]
    if all_namespaces:
        return pools
    return [pool for pool in pools if pool.namespace == network.namespace()]
