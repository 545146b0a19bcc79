/// What is known of a pool over DDS: written by its producer's process, checked by everyone else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tensor_ipc/dds/generated/tensor_ipc.h"
#include "tensor_ipc/dds/names.hpp"
#include "tensor_ipc/tensor/metadata.hpp"

namespace tensor_ipc::dds {

/// A pool somewhere. Nothing in it is proven: whoever is in the domain may have written it.
struct PoolRecord {
    PoolKey key;
    PoolMetadata metadata;
    std::string host;  ///< name of the machine, printable ASCII
    std::uint32_t owner_uid = 0;
    std::uint32_t producer_pid = 0;
    std::uint64_t generation = 0;
    std::uint64_t frame_bytes = 0;
    std::int64_t latest_frame = -1;  ///< when it was written
    double rate_hz = 0.0;            ///< when it was written
};

/// The record inside a sample; nothing when it cannot be that of a pool. Everything is checked as
/// the parameters of a producer are: name, namespace, shape, dtype, history, labels, sizes.
[[nodiscard]] std::optional<PoolRecord> record_of(const tensor_ipc_v1_PoolMetadata& sample);

/// A sample of that record. It points into `record`, which has to stay as it is while it is used.
[[nodiscard]] tensor_ipc_v1_PoolMetadata sample_of(const PoolRecord& record);

/// How far a pool is, as a sample says.
struct ProgressRecord {
    PoolKey key;
    std::uint64_t generation = 0;
    std::uint64_t frame = 0;
    std::uint64_t captured_ns = 0;
    std::uint64_t published_ns = 0;
    std::int64_t published_unix_ns = 0;
};

/// The record inside a sample; nothing when its key or its number cannot be.
[[nodiscard]] std::optional<ProgressRecord> record_of(const tensor_ipc_v1_PoolProgress& sample);

[[nodiscard]] tensor_ipc_v1_PoolProgress sample_of(const ProgressRecord& record);

}  // namespace tensor_ipc::dds
