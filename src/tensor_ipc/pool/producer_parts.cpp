#include "tensor_ipc/pool/producer_parts.hpp"

#include "tensor_ipc/segment/locks.hpp"

namespace tensor_ipc {

bool KernelLiveness::lock_if_dead(std::uint32_t id) noexcept
{
    const auto locked = os::try_lock_byte(fd_, consumer_lock(id));
    return locked.ok() && *locked;
}

void KernelLiveness::unlock(std::uint32_t id) noexcept
{
    os::unlock_byte(fd_, consumer_lock(id));
}

Result<std::optional<PackedUserMetadata>> packed_texts(const PublishOptions& options)
{
    using Outcome = std::optional<PackedUserMetadata>;
    if (options.user_metadata.empty()) {
        return Outcome{};
    }
    auto packed = PackedUserMetadata::pack(options.user_metadata);
    if (!packed) {
        return packed.error();
    }
    return Outcome(*packed);
}

Error pool_exhausted(const SegmentFile& segment)
{
    std::string holders;
    const RingMemory memory(segment.control.data(), segment.geometry);
    const std::uint32_t limit = memory.consumer_limit();
    for (std::uint32_t id = 0; id < limit; ++id) {
        std::uint32_t pinned = 0;
        for (std::uint32_t slot = 0; slot < memory.slot_count(); ++slot) {
            pinned += memory.pin(slot, id).load(std::memory_order_relaxed) != 0 ? 1 : 0;
        }
        if (pinned > 0) {
            const auto pid = memory.consumer(id).pid.load(std::memory_order_relaxed);
            holders.append(holders.empty() ? "" : ", ");
            holders.append("process ").append(std::to_string(pid)).append(" holds ");
            holders.append(std::to_string(pinned));
        }
    }
    return Error{ErrorCode::PoolExhausted,
                 "every one of the " + std::to_string(segment.geometry.slot_count) +
                     " slots of pool '" + segment.metadata.name + "' is pinned or on loan (" +
                     (holders.empty() ? "no consumer pins any" : holders) +
                     "): publish or drop loans, drop views, or give the pool more spare slots"};
}

Error producer_closed(const PoolMetadata& metadata)
{
    return Error{ErrorCode::PoolNotFound,
                 "this producer of pool '" + metadata.name + "' was closed: make a new one"};
}

Error wrong_extent(const SegmentFile& segment, std::uint64_t extent)
{
    return Error{ErrorCode::InvalidArgument, "pool '" + segment.metadata.name +
                                                 "' holds frames of shape " +
                                                 frame_shape_text(segment.metadata) +
                                                 ", got an extent of " + std::to_string(extent)};
}

Error wrong_bytes(const SegmentFile& segment, std::size_t bytes)
{
    const Geometry& geometry = segment.geometry;
    const std::string expected =
        std::to_string(geometry.frame_bytes) + " bytes" +
        (geometry.varying_extent ? " at most, in rows of " + std::to_string(geometry.row_bytes)
                                 : "");
    return Error{ErrorCode::InvalidArgument, "a frame of pool '" + segment.metadata.name +
                                                 "' has " + expected + ", got " +
                                                 std::to_string(bytes)};
}

}  // namespace tensor_ipc
