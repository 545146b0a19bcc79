#include "tensor_ipc/cdr/payload_copy.hpp"

#include <array>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace tensor_ipc::cdr {
namespace {

std::vector<std::byte> counting(std::size_t bytes)
{
    std::vector<std::byte> message(bytes);
    for (std::size_t i = 0; i < bytes; ++i) {
        message[i] = static_cast<std::byte>(i);
    }
    return message;
}

/// Cuts the message into pieces of `piece_bytes`, each of which also has `overlap` of the next.
std::vector<std::byte> copied(const Rows& rows, std::size_t message_bytes, std::size_t piece_bytes,
                              std::size_t overlap)
{
    const auto message = counting(message_bytes);
    std::vector<std::byte> to(rows.count * rows.bytes);
    const PayloadCopy copy(rows, to);
    for (std::size_t at = 0; at < message.size(); at += piece_bytes) {
        const std::size_t bytes = std::min(piece_bytes + overlap, message.size() - at);
        copy.take(at, std::span(message).subspan(at, bytes));
    }
    return to;
}

std::vector<std::byte> expected(const Rows& rows)
{
    std::vector<std::byte> to;
    for (std::size_t row = 0; row < rows.count; ++row) {
        for (std::size_t i = 0; i < rows.bytes; ++i) {
            to.push_back(static_cast<std::byte>(rows.offset + row * rows.step + i));
        }
    }
    return to;
}

TEST(PayloadCopy, TakesAnyPiecesOfRowsWithAndWithoutPadding)
{
    for (const Rows& rows : {Rows{10, 1, 90, 90}, Rows{10, 9, 10, 10}, Rows{10, 9, 7, 10},
                             Rows{0, 20, 1, 5}, Rows{99, 1, 1, 1}}) {
        for (std::size_t piece = 1; piece <= 100; ++piece) {
            for (const std::size_t overlap : {0, 3}) {
                EXPECT_EQ(copied(rows, 100, piece, overlap), expected(rows))
                    << rows.offset << " " << rows.count << " " << rows.bytes << " " << rows.step
                    << ", pieces of " << piece;
            }
        }
    }
}

TEST(PayloadCopy, OfNothingTakesNothing)
{
    EXPECT_TRUE(copied({10, 0, 0, 0}, 100, 30, 0).empty());
    EXPECT_TRUE(copied({10, 5, 0, 8}, 100, 30, 0).empty());
}

TEST(SwapBytes, ReversesEachItem)
{
    std::array<std::byte, 8> items{};
    std::ranges::copy(counting(8), items.begin());

    swap_bytes(items, 2);
    EXPECT_EQ(items[0], std::byte{1});
    EXPECT_EQ(items[7], std::byte{6});

    swap_bytes(items, 8);
    EXPECT_EQ(items[0], std::byte{6});
    EXPECT_EQ(items[7], std::byte{1});
}

}  // namespace
}  // namespace tensor_ipc::cdr
