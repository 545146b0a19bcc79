#include "tensor_ipc/tensor/user_metadata.hpp"

#include <string>

namespace tensor_ipc {

namespace {

/// The text up to the next zero, taken off `rest`; nothing when there is no zero.
std::optional<std::string_view> take_text(std::string_view& rest)
{
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return text;
}

}  // namespace

Result<PackedUserMetadata> PackedUserMetadata::pack(std::span<const UserMetadataEntry> entries)
{
    std::size_t bytes = 0;
    for (const auto& [key, value] : entries) {
        for (const std::string_view text : {key, value}) {
            if (text.find('\0') != std::string_view::npos) {
                return Error{ErrorCode::InvalidArgument,
                             "user metadata: '" + printable(text) +
                                 "' holds a zero character, which ends a text there"};
            }
            bytes += text.size() + 1;
        }
    }
    if (bytes > kMaxUserMetadataBytes) {
        return Error{ErrorCode::InvalidArgument,
                     "user metadata takes " + std::to_string(bytes) + " bytes, at most " +
                         std::to_string(kMaxUserMetadataBytes) +
                         " fit: keys and values in UTF-8, and one byte more for each"};
    }
    PackedUserMetadata packed;
    for (const auto& [key, value] : entries) {
        packed.append(key);
        packed.append(value);
    }
    return packed;
}

void PackedUserMetadata::append(std::string_view text) noexcept
{
    text.copy(bytes_.data() + size_, text.size());
    size_ += text.size() + 1;  // the zero behind it is there
}

Result<std::vector<UserMetadataEntry>> unpack_user_metadata(std::string_view packed)
{
    std::vector<UserMetadataEntry> entries;
    while (!packed.empty()) {
        const auto key = take_text(packed);
        const auto value = take_text(packed);
        if (!key || !value) {
            return Error{ErrorCode::BadSegment,
                         "the user metadata of a frame is damaged: a key or a value has no end"};
        }
        entries.emplace_back(*key, *value);
    }
    return entries;
}

}  // namespace tensor_ipc
