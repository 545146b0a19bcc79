#include "tensor_ipc/cdr/reader.hpp"

namespace tensor_ipc::cdr {

Reader::Reader(std::span<const std::byte> message) noexcept
    : message_(message),
      ok_(message.size() >= kEncapsulationBytes && message[0] == std::byte{0} &&
          message[1] <= std::byte{1})
{
    if (ok_) {
        swaps_ = (message[1] == std::byte{1}) != (std::endian::native == std::endian::little);
    }
}

std::string_view Reader::string() noexcept
{
    const auto bytes = number<std::uint32_t>();
    if (bytes == 0) {
        return {};  // some writers leave out the closing zero of an empty string
    }
    const auto text = take(bytes, 1);
    if (text.empty()) {
        return {};
    }
    const std::string_view view(reinterpret_cast<const char*>(text.data()), text.size() - 1);
    ok_ = text.back() == std::byte{0} && view.find('\0') == std::string_view::npos;
    return ok_ ? view : std::string_view{};
}

std::span<const std::byte> Reader::take(std::size_t bytes, std::size_t alignment) noexcept
{
    const std::size_t in_body = position_ - kEncapsulationBytes;
    const std::size_t padding = (alignment - in_body % alignment) % alignment;
    // position_ is never past the end, so nothing here wraps round.
    ok_ = ok_ && padding <= message_.size() - position_ &&
          bytes <= message_.size() - position_ - padding;
    if (!ok_) {
        return {};
    }
    const auto taken = message_.subspan(position_ + padding, bytes);
    position_ += padding + bytes;
    return taken;
}

}  // namespace tensor_ipc::cdr
