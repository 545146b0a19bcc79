#include "tensor_ipc/pool/patience.hpp"

#include <gtest/gtest.h>

namespace tensor_ipc {
namespace {

constexpr std::uint64_t kAnHourNs = 3'600'000'000'000;

TEST(Patience, IsNotOverBeforeItsTime)
{
    Patience patience(kAnHourNs, 0);

    EXPECT_FALSE(patience.is_over());
    EXPECT_FALSE(patience.is_over());
}

TEST(Patience, IsOverWhenItsTimeIs)
{
    Patience patience(0, 0);

    EXPECT_TRUE(patience.is_over());
}

TEST(Patience, LastsForItsTurnsHoweverLateItIs)
{
    // As for a caller that was not scheduled while its time passed.
    Patience patience(0, 2);

    EXPECT_FALSE(patience.is_over());
    EXPECT_FALSE(patience.is_over());
    EXPECT_TRUE(patience.is_over());
}

}  // namespace
}  // namespace tensor_ipc
