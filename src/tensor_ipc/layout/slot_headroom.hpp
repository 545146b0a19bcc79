/// What lies in front of each payload, in the ring, where no consumer can write.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "tensor_ipc/tensor/user_metadata.hpp"

namespace tensor_ipc {

/// Room for a wire header right in front of the payload, so that both go out in one piece.
inline constexpr std::size_t kWireHeadroomBytes = 256;

/// The headroom of one slot.
///
///   0       2                        256                      512
///   +-------+------------------------+------------------------+------------- ... -+
///   | bytes |  user_metadata[254]    |  wire[256]             |  payload          |
///   +-------+------------------------+------------------------+------------- ... -+
///
/// Every process maps these bytes. A change of order, width or meaning is a new `kLayoutVersion`,
/// and docs/protocol.md changes with it. In the ring it is 64-byte aligned, as the payload is; not
/// so in a copy of a frame.
struct SlotHeadroom {
    std::atomic<std::uint16_t> user_metadata_bytes;  ///< of `user_metadata` in use; 0 without any
    std::array<char, kMaxUserMetadataBytes> user_metadata;  ///< as PackedUserMetadata
    std::array<std::byte, kWireHeadroomBytes> wire;         ///< the producer's, free to use

    void set_user_metadata(std::string_view packed) noexcept
    {
        packed.copy(user_metadata.data(), user_metadata.size());
        user_metadata_bytes.store(static_cast<std::uint16_t>(packed.size()),
                                  std::memory_order_relaxed);
    }

    /// Not trusted: a damaged length gives all there is room for, and unpack() looks at the rest.
    [[nodiscard]] std::string_view packed_user_metadata() const noexcept
    {
        const std::size_t bytes = user_metadata_bytes.load(std::memory_order_relaxed);
        return std::string_view(user_metadata.data(), user_metadata.size()).substr(0, bytes);
    }
};

static_assert(std::atomic<std::uint16_t>::is_always_lock_free, "a lock cannot be shared");
static_assert(offsetof(SlotHeadroom, user_metadata) == 2);
static_assert(offsetof(SlotHeadroom, wire) == 256);
static_assert(sizeof(SlotHeadroom) == 512, "as header and geometry say it");

/// That in front of a payload.
[[nodiscard]] inline const SlotHeadroom& headroom_of(const std::byte* payload) noexcept
{
    return *reinterpret_cast<const SlotHeadroom*>(payload - sizeof(SlotHeadroom));
}

[[nodiscard]] inline SlotHeadroom& headroom_of(std::byte* payload) noexcept
{
    return *reinterpret_cast<SlotHeadroom*>(payload - sizeof(SlotHeadroom));
}

}  // namespace tensor_ipc
