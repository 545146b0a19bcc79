/// Any text as pool name, namespace, file name and dtype: refused, or the same again after a round
/// trip, and never a path.
#include <algorithm>
#include <string>

#include "fuzz/fuzz_input.hpp"
#include "tensor_ipc/tensor/tensor.hpp"

namespace tensor_ipc::fuzz {

namespace {

/// What is shown to people has no control characters and is text in every encoding.
void require_printable(const Error& error)
{
    FUZZ_REQUIRE(std::ranges::all_of(error.message, [](char c) { return c >= ' ' && c <= '~'; }));
}

void try_name(const std::string& text, const std::string& name_space)
{
    const auto name = PoolName::parse(text);
    if (!name) {
        FUZZ_REQUIRE(name.error().code == ErrorCode::InvalidName);
        require_printable(name.error());
        return;
    }
    const std::string segment = name->segment_name(name_space);
    FUZZ_REQUIRE(segment.size() <= 255);
    FUZZ_REQUIRE(segment.find('/') == std::string::npos && segment.find('\0') == std::string::npos);
    FUZZ_REQUIRE(segment.starts_with("tensoripc_"));
    const auto back = pool_name_of_segment(segment, name_space);
    FUZZ_REQUIRE(back && back->text() == text);
    // Nobody else's: not that of another namespace, or of none.
    FUZZ_REQUIRE(!pool_name_of_segment(segment, name_space + "x"));
    FUZZ_REQUIRE(name_space.empty() || !pool_name_of_segment(segment, ""));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    FuzzInput input({data, size});
    const std::size_t wanted = input.byte();
    const auto rest = input.rest();
    const std::size_t length = std::min(wanted, rest.size());
    const std::string name_space(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(length));
    const std::string text(rest.begin() + static_cast<std::ptrdiff_t>(length), rest.end());

    const auto valid = parse_namespace(name_space);
    if (valid) {
        FUZZ_REQUIRE(*valid == name_space && name_space.size() <= kMaxNamespaceLength);
    } else {
        FUZZ_REQUIRE(valid.error().code == ErrorCode::InvalidName);
        require_printable(valid.error());
    }
    try_name(text, valid ? name_space : "");
    if (const auto name = pool_name_of_segment(text, valid ? name_space : "")) {
        FUZZ_REQUIRE(name->segment_name(valid ? name_space : "") == text);
    }
    if (const auto dtype = dtype_from_name(text)) {
        FUZZ_REQUIRE(dtype_name(*dtype) == text);
    }
    PoolMetadata metadata;
    metadata.name = text;
    metadata.backend = name_space;
    if (const auto checked = validate(metadata); !checked) {
        require_printable(checked.error());
    }
    return 0;
}

}  // namespace tensor_ipc::fuzz
