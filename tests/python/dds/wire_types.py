"""The types of tensor_ipc.idl once more, by hand, for the package `cyclonedds`."""
# It reads annotations as they are: no `from __future__ import annotations` here.

from dataclasses import dataclass

from cyclonedds.idl import IdlStruct
from cyclonedds.idl import types as idl
from cyclonedds.idl.annotations import final, key


@dataclass
@final
class PoolMetadata(IdlStruct, typename="tensor_ipc::v1::PoolMetadata"):
    name_space: idl.bounded_str[32]
    key("name_space")
    pool: idl.bounded_str[200]
    key("pool")
    host_id: idl.bounded_str[64]
    key("host_id")
    host: idl.bounded_str[64]
    owner_uid: idl.uint32
    producer_pid: idl.uint32
    generation: idl.uint64
    dtype_code: idl.uint8
    dtype_bits: idl.uint8
    dtype_lanes: idl.uint16
    shape: idl.sequence[idl.int64, 32]
    varying_extent: idl.uint8
    history_len: idl.uint32
    backend: idl.bounded_str[31]
    device: idl.bounded_str[31]
    frame_bytes: idl.uint64
    latest_frame: idl.int64
    rate_hz: idl.float64


@dataclass
@final
class PoolProgress(IdlStruct, typename="tensor_ipc::v1::PoolProgress"):
    name_space: idl.bounded_str[32]
    key("name_space")
    pool: idl.bounded_str[200]
    key("pool")
    host_id: idl.bounded_str[64]
    key("host_id")
    generation: idl.uint64
    latest_frame: idl.uint64
    captured_ns: idl.uint64
    published_ns: idl.uint64
    published_unix_ns: idl.int64
