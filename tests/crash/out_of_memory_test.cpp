/// Processes that the kernel kills for want of memory: in the middle of work, and while they make
/// their pool.
#include "crash_pool.hpp"
#include "support/memory_cgroup.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::crash_metadata;
using testing::CrashReport;
using testing::MemoryCgroup;
using testing::must;
using testing::Witness;

constexpr std::uint64_t kLimitBytes = 32 << 20;

/// Takes memory until that ends in death.
int eat_memory()
{
    std::vector<std::vector<char>> eaten;
    while (eaten.size() < 1000) {
        eaten.emplace_back(1 << 20, 'x');
    }
    return 0;
}

class OutOfMemory : public testing::PoolTest {
protected:
    void SetUp() override
    {
        if (!group_.is_limited()) {
            GTEST_SKIP() << "no control group with a memory limit can be made here";
        }
    }

    MemoryCgroup group_{kLimitBytes};
    PoolMetadata metadata_ = crash_metadata(name_);
    CrashReport report_;
};

TEST_F(OutOfMemory, KillsAProducerAndThePoolGoesOn)
{
    {
        Witness witness(metadata_, report_);
        ChildProcess victim([&](const Channel&) {
            CHILD_REQUIRE(group_.join());
            Producer producer = must(Producer::create(metadata_));
            for (int i = 0; i < 20; ++i) {
                CHILD_REQUIRE(testing::publish(producer, testing::new_token()));
            }
            const auto loan = producer.loan();
            return eat_memory();
        });
        ASSERT_EQ(victim.wait(), testing::kKilled);

        EXPECT_NE(witness.newest_token(), 0U);
        Producer successor = must(Producer::create(metadata_));
        EXPECT_EQ(must(inspect(name_)).generation, 2U);
        testing::expect_publishing_works(successor, witness, report_);
        testing::expect_every_slot_is_free(successor, witness, report_);
    }
    report_.expect_nothing_wrong();
}

TEST_F(OutOfMemory, KillsAConsumerAndItsPinsAreTakenBack)
{
    {
        Witness witness(metadata_, report_);
        Producer producer = must(Producer::create(metadata_));
        for (int i = 0; i < 20; ++i) {
            ASSERT_TRUE(testing::publish(producer, testing::new_token()));
        }
        ChildProcess victim([&](const Channel&) {
            CHILD_REQUIRE(group_.join());
            Consumer consumer = must(Consumer::attach(name_));
            const FrameWindow held = testing::present(consumer.history(4));
            CHILD_REQUIRE(!held.copied());
            return eat_memory();
        });
        ASSERT_EQ(victim.wait(), testing::kKilled);

        testing::expect_publishing_works(producer, witness, report_);
        testing::expect_every_slot_is_free(producer, witness, report_);
    }
    report_.expect_nothing_wrong();
}

TEST_F(OutOfMemory, StrikesWhileAPoolIsMadeAndTheNextProducerMakesIt)
{
    PoolMetadata large = metadata_;
    large.shape = {2 * kLimitBytes / sizeof(std::uint64_t)};
    ChildProcess victim([&](const Channel&) {
        CHILD_REQUIRE(group_.join());
        return Producer::create(large) ? 0 : 1;  // refused is as good as killed
    });
    ASSERT_NE(victim.wait(), 0);

    EXPECT_FALSE(Consumer::attach(name_));
    {
        Witness witness(metadata_, report_);
        Producer successor = must(Producer::create(metadata_));
        testing::expect_publishing_works(successor, witness, report_);
    }
    report_.expect_nothing_wrong();
}

}  // namespace
}  // namespace tensor_ipc
