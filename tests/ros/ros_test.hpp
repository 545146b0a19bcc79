/// What tests of topics share: participants that meet, pools at both ends, and messages made by
/// hand.
#pragma once

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/pool_test.hpp"
#include "tensor_ipc/cdr/messages.hpp"
#include "tensor_ipc/ros/ros.hpp"

namespace tensor_ipc::ros::testing {

using namespace ::tensor_ipc::testing;  // NOLINT(*-using-namespace)
using ::tensor_ipc::testing::must;

inline void must(const Result<void>& result)
{
    if (!result) {
        throw std::runtime_error(result.error().message);
    }
}

/// Domains of our own, apart for processes that run at the same time.
[[nodiscard]] inline std::uint32_t test_domain()
{
    return 90 + static_cast<std::uint32_t>(::getpid()) % 10;
}

[[nodiscard]] inline std::shared_ptr<dds::Participant> participant(std::uint32_t domain,
                                                                   bool for_ros)
{
    dds::ParticipantOptions options;
    options.domain = domain;
    options.for_ros = for_ros;
    return must(dds::Participant::shared(options));
}

/// Waits until `condition` holds.
template <typename Condition>
[[nodiscard]] bool eventually(const Condition& condition)
{
    const std::uint64_t deadline = hang_deadline_ns();
    while (!condition()) {
        if (os::monotonic_ns() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

/// Bytes that depend on where they are and on `seed`.
[[nodiscard]] inline std::vector<std::byte> pattern(std::size_t bytes, std::uint64_t seed)
{
    std::vector<std::byte> made(bytes);
    std::uint64_t state = seed * 0x9e3779b97f4a7c15U + 1;
    for (std::size_t at = 0; at < bytes; at += sizeof state) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        std::memcpy(made.data() + at, &state, std::min(sizeof state, bytes - at));
    }
    return made;
}

[[nodiscard]] inline bool same(std::span<const std::byte> a, std::span<const std::byte> b)
{
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

[[nodiscard]] inline PoolMetadata image_pool(const std::string& name, const Shape& shape,
                                             const char* dtype = "uint8")
{
    PoolMetadata metadata;
    metadata.name = name;
    metadata.shape = shape;
    metadata.dtype = *dtype_from_name(dtype);
    metadata.history_len = 2;
    return metadata;
}

[[nodiscard]] inline std::string text_of(const Frame& frame, std::string_view key)
{
    for (const auto& [name, value] : must(unpack_user_metadata(frame.user_metadata()))) {
        if (name == key) {
            return std::string(value);
        }
    }
    return "(none)";
}

}  // namespace tensor_ipc::ros::testing
