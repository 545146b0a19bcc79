/// Small texts that travel with a frame.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor_ipc/base/error.hpp"

namespace tensor_ipc {

/// Bytes that the entries of one frame may take, packed.
inline constexpr std::size_t kMaxUserMetadataBytes = 254;

/// Key and value, in UTF-8, without zero characters.
using UserMetadataEntry = std::pair<std::string_view, std::string_view>;

/// `key 0 value 0 key 0 value 0`: what lies beside a frame. A plain value.
class PackedUserMetadata {
public:
    PackedUserMetadata() = default;

    /// @return InvalidArgument when a text holds a zero character or there is no room for all
    [[nodiscard]] static Result<PackedUserMetadata> pack(
        std::span<const UserMetadataEntry> entries);

    [[nodiscard]] std::string_view bytes() const noexcept { return {bytes_.data(), size_}; }

private:
    void append(std::string_view text) noexcept;

    std::array<char, kMaxUserMetadataBytes> bytes_{};
    std::size_t size_ = 0;
};

/// The entries in `packed`, which nobody vouches for and which they point into.
/// @return BadSegment when it is not what PackedUserMetadata makes; whether the texts are UTF-8 is
///         not looked at
[[nodiscard]] Result<std::vector<UserMetadataEntry>> unpack_user_metadata(std::string_view packed);

}  // namespace tensor_ipc
