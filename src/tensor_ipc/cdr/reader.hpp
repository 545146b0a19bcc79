/// Reads the fields of a serialized message, whoever wrote it.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace tensor_ipc::cdr {

/// The four bytes in front of every serialized message: representation, then options.
///
///   0       1       2       3       4
///   +-------+-------+-------+-------+----
///   |   0   | 0 / 1 |    options    | body
///   +-------+-------+-------+-------+----
///
/// 0 is big-endian and 1 little-endian plain CDR ("XCDR1", the only one that ROS 2 writes).
/// Alignment counts from the body. Source: OMG DDS-XTypes 1.3, 7.6.2.1.2.
inline constexpr std::size_t kEncapsulationBytes = 4;

/// Reads numbers and strings from the body of a message, in order. Nothing it is given makes it
/// read outside of its bytes: past the end, or at a malformed string, `ok()` becomes false and
/// stays so, and everything read from then on is zero or empty.
class Reader {
public:
    /// @param message  with its encapsulation, which has to outlive the strings that are read. Of
    ///                 another representation than plain CDR: not ok()
    explicit Reader(std::span<const std::byte> message) noexcept;

    /// An integer or floating-point number at its natural alignment.
    template <typename T>
    requires std::integral<T> || std::floating_point<T> T number()
    noexcept
    {
        T value{};
        if (const auto bytes = take(sizeof(T), sizeof(T)); !bytes.empty()) {
            std::byte swapped[sizeof(T)];  // NOLINT(*-avoid-c-arrays)
            for (std::size_t i = 0; i < sizeof(T); ++i) {
                swapped[i] = swaps_ ? bytes[sizeof(T) - 1 - i] : bytes[i];
            }
            std::memcpy(&value, swapped, sizeof(T));
        }
        return value;
    }

    /// Text without its closing zero, and without any other.
    std::string_view string() noexcept;

    /// Bytes read so far, of the message with its encapsulation.
    [[nodiscard]] std::size_t position() const noexcept { return position_; }

    [[nodiscard]] bool ok() const noexcept { return ok_; }

private:
    std::span<const std::byte> take(std::size_t bytes, std::size_t alignment) noexcept;

    std::span<const std::byte> message_;
    std::size_t position_ = kEncapsulationBytes;
    bool swaps_ = false;
    bool ok_;
};

}  // namespace tensor_ipc::cdr
