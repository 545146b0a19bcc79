#include "tensor_ipc/ring/ring_memory.hpp"

#include "ring_in_memory.hpp"

namespace tensor_ipc {
namespace {

using RingMemoryTest = testing::RingInMemory;

TEST_F(RingMemoryTest, CountsTheConsumersThatHaveNotLeft)
{
    memory_.header().consumer_high_water.store(0);
    EXPECT_EQ(memory_.consumers_in_table(), 0U);

    ASSERT_TRUE(memory_.raise_high_water(2));
    memory_.consumer(0).pid.store(10);
    memory_.consumer(2).pid.store(12);
    EXPECT_EQ(memory_.consumers_in_table(), 2U);

    memory_.consumer(0).pid.store(0);
    EXPECT_EQ(memory_.consumers_in_table(), 1U);
}

TEST_F(RingMemoryTest, CountsNoMoreConsumersThanThereIsRoomFor)
{
    memory_.header().consumer_high_water.store(UINT32_MAX);

    EXPECT_LE(memory_.consumers_in_table(), geometry_.consumer_capacity);
}

}  // namespace
}  // namespace tensor_ipc
