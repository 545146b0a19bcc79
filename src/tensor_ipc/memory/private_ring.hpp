/// The payload ring as one consumer may write to it, without anybody noticing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "tensor_ipc/layout/geometry.hpp"
#include "tensor_ipc/memory/ring_mapping.hpp"
#include "tensor_ipc/os/private_pages.hpp"

namespace tensor_ipc {

/// Maps the ring copy-on-write. For frameworks that know no read-only arrays: a write to a frame
/// stays in this mapping, and is gone when the frame is let go of, so that the next frame in that
/// slot is seen as it is.
///
/// Whoever looks at frames here has pinned them, and says so with `hold` before and `release`
/// after, while still pinned. Two windows that have a frame in common show each other's writes when
/// they have it in the same half of the mapping, which is up to chance. Thread-safe.
class PrivateRing {
public:
    [[nodiscard]] static Result<PrivateRing> map(int fd, const Geometry& geometry);

    PrivateRing(PrivateRing&& other) noexcept
        : mapping_(std::move(other.mapping_)),
          geometry_(other.geometry_),
          holders_(std::move(other.holders_)),
          pages_(std::move(other.pages_))
    {
    }

    PrivateRing& operator=(PrivateRing&&) = delete;
    PrivateRing(const PrivateRing&) = delete;
    PrivateRing& operator=(const PrivateRing&) = delete;
    ~PrivateRing() = default;

    /// `count` frames in consecutive slots, the lowest of which lies `lowest_in_ring` bytes into
    /// the ring (Geometry::payload_in_ring).
    /// @return the lowest payload
    [[nodiscard]] std::byte* hold(std::uint64_t lowest_in_ring, std::uint32_t count) noexcept;

    /// Undoes one `hold`. Throws away what was written to frames that nobody holds any more: a
    /// system call or two, and some 30 us for each 1,000 pages.
    void release(std::uint64_t lowest_in_ring, std::uint32_t count) noexcept;

private:
    PrivateRing(os::Mapping mapping, const Geometry& geometry);

    os::Mapping mapping_;
    Geometry geometry_;
    std::mutex mutex_;  ///< over holders_, and over throwing pages away beside a new hold
    std::vector<std::uint32_t> holders_;  ///< by place: slots of the first half, then of the second
    os::PrivatePages pages_;
};

}  // namespace tensor_ipc
