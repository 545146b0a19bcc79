/// Telling the network of the pools that this process produces.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tensor_ipc/dds/participant.hpp"

namespace tensor_ipc::dds {

struct AnnouncementOptions {
    ParticipantOptions participant;
    std::int32_t keep_last = 10;  ///< depth of the progress topic, at least 1
    double max_rate_hz = 1000.0;  ///< progress samples a second for this pool, above 0 to 10,000
};

/// A pool of this process that others hear of: its metadata on `tensoripc_pools` and
/// `tensoripc_<pool>_meta`, its progress on `tensoripc_<pool>_progress` while anybody reads that.
///
/// `put` never takes part: one thread of the process looks at all announced pools, `max_rate_hz`
/// times a second while one moves that has a reader, 100 times while none moves, once while nobody
/// reads. It sends the newest frame only. Why it polls:
/// docs/decisions/0011-dds-looks-at-the-pool.md.
///
/// Move-only. Not thread-safe. In a forked child it does nothing any more.
class Announcement {
public:
    /// Joins the domain and tells of the pool, which this process has to produce. Blocks for some
    /// 20 ms when this process joins the domain with it.
    /// @return PoolNotFound; InvalidArgument; Dds
    [[nodiscard]] static Result<Announcement> begin(const std::string& pool_name,
                                                    const AnnouncementOptions& options);

    Announcement(Announcement&& other) noexcept = default;
    Announcement& operator=(Announcement&& other) noexcept;
    Announcement(const Announcement&) = delete;
    Announcement& operator=(const Announcement&) = delete;

    /// As withdraw().
    ~Announcement();

    /// Tells that the pool has ended. Call it before the producer closes.
    void withdraw() noexcept;

    /// Whether it is told of, by this process.
    [[nodiscard]] bool is_announced() const noexcept;

    /// How many readers its progress has.
    [[nodiscard]] std::uint32_t readers() const noexcept;

    /// Progress samples that were sent.
    [[nodiscard]] std::uint64_t samples() const noexcept;

private:
    class Pool;
    friend class Announcer;
    explicit Announcement(std::shared_ptr<Pool> pool) noexcept;

    std::shared_ptr<Pool> pool_;
};

}  // namespace tensor_ipc::dds
