/// Looking at a pool without joining it: no id, no lock, no frame held.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tensor_ipc/ring/ring_memory.hpp"
#include "tensor_ipc/segment/open_segment.hpp"

namespace tensor_ipc {

/// How far a pool is.
struct PoolProgress {
    std::uint64_t frame = 0;         ///< number of the newest frame
    std::uint64_t captured_ns = 0;   ///< as its producer gave it
    std::uint64_t published_ns = 0;  ///< CLOCK_MONOTONIC
};

/// Sees how far one segment is, at no cost to its producer: two cache lines are read. Costs a
/// mapping and a descriptor. Move-only; not thread-safe.
class PoolObserver {
public:
    /// @return nothing when there is no such pool; the errors of open_for_consumer()
    [[nodiscard]] static Result<std::optional<PoolObserver>> open(const std::string& pool_name);

    [[nodiscard]] const PoolMetadata& metadata() const noexcept { return segment_.metadata; }

    [[nodiscard]] const Geometry& geometry() const noexcept { return segment_.geometry; }

    [[nodiscard]] std::uint64_t generation() const noexcept;

    [[nodiscard]] std::uint32_t producer_pid() const noexcept;

    /// Number of the newest frame; nothing before the first. One load.
    [[nodiscard]] std::optional<std::uint64_t> latest() const noexcept;

    /// The newest frame with its times; nothing before the first, and when it is overwritten at
    /// this very moment.
    [[nodiscard]] std::optional<PoolProgress> progress() const noexcept;

private:
    explicit PoolObserver(SegmentFile segment) noexcept;

    SegmentFile segment_;
    RingMemory memory_;
};

}  // namespace tensor_ipc
