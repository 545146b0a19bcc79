#include "tensor_ipc/memory/streaming_copy.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace tensor_ipc {
namespace {

struct alignas(64) Line {
    std::byte bytes[64];
};

constexpr std::size_t kLarge = 512UL * 1024UL;

TEST(StreamingCopyTest, CopiesEveryByteAndNoOther)
{
    // Whole lines, none, and ends within one.
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{64}, kLarge - 1,
                                    kLarge, kLarge + 1, kLarge + 63}) {
        for (const std::size_t misaligned : {0U, 1U, 24U}) {
            std::vector<std::byte> from(bytes + misaligned);
            for (std::size_t i = 0; i < from.size(); ++i) {
                from[i] = static_cast<std::byte>(i * 7 + i / 251);
            }
            std::vector<Line> into(bytes / sizeof(Line) + 2);
            std::byte* const start = into.front().bytes;
            std::fill_n(start, into.size() * sizeof(Line), std::byte{0xEE});

            streaming_copy(start, std::span(from).subspan(misaligned));

            EXPECT_TRUE(std::equal(from.begin() + static_cast<std::ptrdiff_t>(misaligned),
                                   from.end(), start))
                << bytes << " from " << misaligned;
            EXPECT_EQ(start[bytes], std::byte{0xEE}) << bytes;
        }
    }
}

}  // namespace
}  // namespace tensor_ipc
