/// Brings the payload of a message into a slot, piece by piece as the network delivered it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace tensor_ipc::cdr {

/// Rows in a message: `count` times `bytes` of them, `step` apart, the first at `offset`.
struct Rows {
    std::size_t offset = 0;
    std::size_t count = 0;
    std::size_t bytes = 0;
    std::size_t step = 0;  ///< at least `bytes`
};

/// Copies rows without what is between them. The pieces may come in any order and overlap.
class PayloadCopy {
public:
    /// @param to  exactly `count * bytes` of them
    PayloadCopy(const Rows& rows, std::span<std::byte> to) noexcept : rows_(rows), to_(to)
    {
        if (rows_.step == rows_.bytes || rows_.count <= 1) {
            rows_ = {rows.offset, 1, to.size(), to.size()};
        }
    }

    /// @param at     where in the message this piece begins
    /// @param piece  any part of it
    void take(std::size_t at, std::span<const std::byte> piece) const noexcept
    {
        const std::size_t end = at + piece.size();
        const std::size_t rows_end = rows_.offset + rows_.count * rows_.step;
        if (end <= rows_.offset || at >= rows_end || rows_.bytes == 0) {
            return;
        }
        std::size_t row = at <= rows_.offset ? 0 : (at - rows_.offset) / rows_.step;
        for (; row < rows_.count; ++row) {
            const std::size_t row_begin = rows_.offset + row * rows_.step;
            if (row_begin >= end) {
                return;
            }
            const std::size_t from = std::max(at, row_begin);
            const std::size_t until = std::min(end, row_begin + rows_.bytes);
            if (from < until) {
                std::memcpy(to_.data() + row * rows_.bytes + (from - row_begin),
                            piece.data() + (from - at), until - from);
            }
        }
    }

private:
    Rows rows_;
    std::span<std::byte> to_;
};

/// Reverses the bytes of each item.
/// @param item_bytes  1, 2, 4 or 8; a divisor of the size of `items`
inline void swap_bytes(std::span<std::byte> items, std::size_t item_bytes) noexcept
{
    for (std::size_t at = 0; at + item_bytes <= items.size(); at += item_bytes) {
        std::reverse(items.data() + at, items.data() + at + item_bytes);
    }
}

}  // namespace tensor_ipc::cdr
