/// What every producer needs, wherever its payload lies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/pool/patience.hpp"
#include "tensor_ipc/pool/producer.hpp"
#include "tensor_ipc/ring/frame_writer.hpp"
#include "tensor_ipc/segment/segment_file.hpp"

namespace tensor_ipc {

/// How long put() and loan() look for a slot when every one is pinned or on loan, before they fail.
inline constexpr std::uint64_t kProducerPatienceNs = 50'000'000;

/// Asks the kernel, through the producer's own open file.
class KernelLiveness final : public ConsumerLiveness {
public:
    explicit KernelLiveness(int fd) noexcept : fd_(fd) {}

    bool lock_if_dead(std::uint32_t id) noexcept override;
    void unlock(std::uint32_t id) noexcept override;

private:
    int fd_;
};

/// Looks again for a while before it gives up: a consumer that was stopped by the scheduler between
/// pinning and looking whether that was fair gives the slot back when it goes on.
[[nodiscard]] inline std::optional<std::uint32_t> claim_patiently(FrameWriter& writer) noexcept
{
    std::optional<std::uint32_t> slot = writer.claim();
    Patience patience(kProducerPatienceNs, /*fewest_turns=*/1);
    while (!slot && !patience.is_over()) {
        slot = writer.claim();
    }
    return slot;
}

/// Whether a frame may have `extent` rows.
[[nodiscard]] inline bool allows_extent(const Geometry& geometry, std::uint64_t extent) noexcept
{
    return extent == geometry.max_extent ||
           (geometry.varying_extent && extent < geometry.max_extent);
}

/// Whether a frame may have `bytes`.
[[nodiscard]] inline bool allows_bytes(const Geometry& geometry, std::uint64_t bytes) noexcept
{
    return bytes == geometry.frame_bytes ||
           (bytes % geometry.row_bytes == 0 && allows_extent(geometry, bytes / geometry.row_bytes));
}

/// The texts of `options`, packed; nothing when there are none.
[[nodiscard]] Result<std::optional<PackedUserMetadata>> packed_texts(const PublishOptions& options);

/// PoolExhausted, with who holds the slots.
[[nodiscard]] Error pool_exhausted(const SegmentFile& segment);

/// PoolNotFound.
[[nodiscard]] Error producer_closed(const PoolMetadata& metadata);

[[nodiscard]] Error wrong_extent(const SegmentFile& segment, std::uint64_t extent);
[[nodiscard]] Error wrong_bytes(const SegmentFile& segment, std::size_t bytes);

}  // namespace tensor_ipc
