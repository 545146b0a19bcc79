/// Writes the fields of a message in plain CDR, in the byte order of this machine.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "tensor_ipc/cdr/reader.hpp"

namespace tensor_ipc::cdr {

/// Writes into memory of the caller. When that is full, `ok()` becomes false and stays so.
class Writer {
public:
    /// Begins with the encapsulation.
    explicit Writer(std::span<std::byte> message) noexcept : message_(message)
    {
        const bool little = std::endian::native == std::endian::little;
        const std::array<std::byte, kEncapsulationBytes> head{std::byte{0},
                                                              std::byte{little ? 1U : 0U}};
        put(head.data(), head.size(), 1);
    }

    template <typename T>
    requires std::integral<T> || std::floating_point<T>

    void number(T value) noexcept { put(&value, sizeof value, sizeof value); }

    /// @param text  without a zero in it
    void string(std::string_view text) noexcept
    {
        number(static_cast<std::uint32_t>(text.size() + 1));
        put(text.data(), text.size(), 1);
        number('\0');
    }

    [[nodiscard]] bool ok() const noexcept { return ok_; }

    /// What was written.
    [[nodiscard]] std::span<const std::byte> written() const noexcept
    {
        return message_.first(position_);
    }

private:
    void put(const void* bytes, std::size_t count, std::size_t alignment) noexcept
    {
        // Alignment counts from the body. No number is wider than two encapsulations.
        const std::size_t padding =
            (alignment - (position_ + kEncapsulationBytes) % alignment) % alignment;
        ok_ = ok_ && padding <= message_.size() - position_ &&
              count <= message_.size() - position_ - padding;
        if (ok_ && padding + count > 0) {
            std::memset(message_.data() + position_, 0, padding);
            std::memcpy(message_.data() + position_ + padding, bytes, count);
            position_ += padding + count;
        }
    }

    std::span<std::byte> message_;
    std::size_t position_ = 0;
    bool ok_ = true;
};

}  // namespace tensor_ipc::cdr
