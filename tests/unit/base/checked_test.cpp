#include "tensor_ipc/base/checked.hpp"

#include <gtest/gtest.h>

namespace tensor_ipc {
namespace {

TEST(Checked, MultipliesUpToTheLargestNumber)
{
    EXPECT_EQ(checked_multiply(0, UINT64_MAX), 0U);
    EXPECT_EQ(checked_multiply(UINT64_MAX, 1), UINT64_MAX);
    EXPECT_EQ(checked_multiply(UINT32_MAX, UINT32_MAX), 0xFFFFFFFE00000001U);
}

TEST(Checked, SaysWhenAProductOverflows)
{
    EXPECT_EQ(checked_multiply(UINT64_MAX, 2), std::nullopt);
    EXPECT_EQ(checked_multiply(std::uint64_t{1} << 32U, std::uint64_t{1} << 32U), std::nullopt);
}

TEST(Checked, SaysWhenASumOverflows)
{
    EXPECT_EQ(checked_add(UINT64_MAX - 1, 1), UINT64_MAX);
    EXPECT_EQ(checked_add(UINT64_MAX, 1), std::nullopt);
}

TEST(Checked, AlignsUpwards)
{
    EXPECT_EQ(checked_align_up(0, 64), 0U);
    EXPECT_EQ(checked_align_up(1, 64), 64U);
    EXPECT_EQ(checked_align_up(64, 64), 64U);
    EXPECT_EQ(checked_align_up(4097, 4096), 8192U);
    EXPECT_EQ(checked_align_up(UINT64_MAX - 1, 64), std::nullopt);
}

}  // namespace
}  // namespace tensor_ipc
