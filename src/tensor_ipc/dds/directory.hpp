/// Which pools there are in a domain, on whichever host.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "tensor_ipc/dds/participant.hpp"
#include "tensor_ipc/dds/pool_record.hpp"

namespace tensor_ipc::dds {

/// A pool that was told of.
struct DiscoveredPool {
    PoolRecord record;
    bool alive = false;     ///< its producer's process gave a sign of life within the lease, 1 s
    bool is_local = false;  ///< in the /dev/shm of this process
};

/// Listens to what the producers of a domain tell of their pools, of this namespace and of others.
/// Move-only. Not thread-safe.
class Directory {
public:
    /// Joins the domain when this process has not. What there is already arrives within some 10 ms
    /// on one host, and within the time that participants need to meet in a network.
    [[nodiscard]] static Result<Directory> open(const ParticipantOptions& options);

    Directory(Directory&&) noexcept;
    Directory& operator=(Directory&&) noexcept;
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory();

    /// Waits until something was told since the last pools(), or `deadline_ns` (CLOCK_MONOTONIC).
    /// Blocks for 100 ms at most, so that the caller can look after signals.
    /// @return whether something was
    [[nodiscard]] bool wait(std::uint64_t deadline_ns) const noexcept;

    /// The pools that were not ended, by namespace, name and host. Samples that cannot be those of
    /// a pool are left out. Dds in a forked child.
    [[nodiscard]] Result<std::vector<DiscoveredPool>> pools();

private:
    struct State;
    explicit Directory(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

}  // namespace tensor_ipc::dds
