/// Any bytes as the user metadata of a frame: refused, or entries that pack to the same bytes.
#include "fuzz/fuzz_input.hpp"
#include "tensor_ipc/tensor/user_metadata.hpp"

namespace tensor_ipc::fuzz {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);

    const auto entries = unpack_user_metadata(bytes);

    if (!entries) {
        FUZZ_REQUIRE(entries.error().code == ErrorCode::BadSegment);
        return 0;
    }
    const auto packed = PackedUserMetadata::pack(*entries);
    FUZZ_REQUIRE(packed.ok() == (size <= kMaxUserMetadataBytes));
    FUZZ_REQUIRE(!packed || packed->bytes() == bytes);
    return 0;
}

}  // namespace tensor_ipc::fuzz
