/// Names of topics, and who we are among those who use them.
#pragma once

#include <string>
#include <string_view>

#include "tensor_ipc/base/error.hpp"

namespace tensor_ipc::dds {

/// The topic that lists all pools of a domain.
inline constexpr const char* kPoolsTopic = "tensoripc_pools";

/// `tensoripc_<pool>_<what>`. DDS allows letters, digits and `_` everywhere, so other characters
/// become `_`. Pools whose names differ in these only share a topic; the key tells them apart.
[[nodiscard]] std::string topic_name(std::string_view pool_name, std::string_view what);

inline constexpr std::string_view kMetadata = "meta";
inline constexpr std::string_view kProgress = "progress";

/// What a pool is known by beyond its host.
struct PoolKey {
    std::string name_space;  ///< TENSOR_IPC_NAMESPACE, or empty
    std::string pool;
    std::string host_id;  ///< os::shared_memory_id() of its host

    friend bool operator==(const PoolKey&, const PoolKey&) = default;
};

/// The key of a pool of this process.
/// @return InvalidName
[[nodiscard]] Result<PoolKey> local_key(std::string_view pool_name);

}  // namespace tensor_ipc::dds
