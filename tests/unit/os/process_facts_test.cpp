#include "tensor_ipc/os/process_facts.hpp"

#include <set>

#include "support/pool_test.hpp"

namespace tensor_ipc::os {
namespace {

TEST(RandomId, IsAnotherEachTime)
{
    std::set<RandomId> ids;
    for (int i = 0; i < 100; ++i) {
        ids.insert(testing::must(random_id()));
    }

    EXPECT_EQ(ids.size(), 100U);
}

TEST(PidNamespace, IsThatOfTheParent)
{
    const std::uint64_t here = pid_namespace();
    testing::ChildProcess child([&](const testing::Channel&) {
        CHILD_REQUIRE(pid_namespace() == here);
        return 0;
    });

    EXPECT_NE(here, 0U);
    EXPECT_EQ(child.wait(), 0);
}

}  // namespace
}  // namespace tensor_ipc::os
