/// Address space that runs out at every single place: the limit starts at what is in use and rises
/// step by step until the call succeeds. Every failure before that is a typed error, leaves nothing
/// behind, and harms no pool that was there.
#include <fstream>

#include "limits.hpp"

namespace tensor_ipc {
namespace {

using testing::Attempt;
using testing::attempt_of;
using testing::Channel;
using testing::ChildProcess;
using testing::Limit;
using testing::metadata_of;
using testing::must;
using testing::present;
using testing::put;
using testing::value_of;

std::uint64_t address_space_bytes()
{
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages * os::page_bytes();
}

/// Small memory comes from what was used before, as in a process that runs for a while: it is the
/// mappings of a pool that fail.
void have_small_memory()
{
    std::vector<std::string> small(1000, std::string(60, 'x'));
}

/// Gives `call` 32 KiB more each time until it succeeds.
/// @return how often it failed first, or -1 when a failure was not as it should be
int fail_for_want_of_memory(const std::function<Attempt()>& call)
{
    constexpr std::uint64_t kStepBytes = 32 << 10;
    have_small_memory();
    const std::vector<std::string> objects = testing::leftovers();
    const std::uint64_t in_use = address_space_bytes();
    for (int more = 0;; ++more) {
        Attempt attempt;
        {
            const Limit limit(RLIMIT_AS, in_use + static_cast<std::uint64_t>(more) * kStepBytes);
            attempt = call();
        }
        if (attempt.succeeded) {
            return more;
        }
        if (attempt.error.code != ErrorCode::System || attempt.error.system_errno != ENOMEM ||
            testing::leftovers() != objects) {
            std::fprintf(stderr, "%s\n", attempt.error.message.c_str());
            return -1;
        }
    }
}

class ScarceMemory : public testing::PoolTest {
protected:
    void SetUp() override
    {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        GTEST_SKIP() << "a sanitizer needs all the address space there is";
#endif
    }

    static void in_child(const std::function<int()>& body)
    {
        ChildProcess child([&](const Channel&) { return body(); });
        EXPECT_EQ(child.wait(), 0);
    }

    PoolMetadata metadata_ = metadata_of(name_, 4, {64, 1024});
};

TEST_F(ScarceMemory, FailsACreationAtEveryPlaceAndLeavesNothing)
{
    in_child([&] {
        std::optional<Producer> producer;
        const int failures = fail_for_want_of_memory([&] {
            auto made = Producer::create(metadata_);
            const Attempt attempt = attempt_of(made);
            if (made) {
                producer = std::move(made).value();
            }
            return attempt;
        });

        CHILD_REQUIRE(failures > 10);
        put(*producer, 1);
        return 0;
    });
}

TEST_F(ScarceMemory, FailsATakeOverAtEveryPlaceAndLeavesTheFrames)
{
    testing::publish_and_die(metadata_, {1, 2, 3});
    in_child([&] {
        Consumer consumer = must(Consumer::attach(name_));
        std::optional<Producer> producer;
        const int failures = fail_for_want_of_memory([&] {
            auto made = Producer::create(metadata_);
            const Attempt attempt = attempt_of(made);
            if (made) {
                producer = std::move(made).value();
            }
            return attempt;
        });

        CHILD_REQUIRE(failures > 10);
        CHILD_REQUIRE(value_of(present(consumer.latest())) == 3);
        CHILD_REQUIRE(put(*producer, 4) == 3);
        CHILD_REQUIRE(value_of(present(consumer.latest())) == 4);
        CHILD_REQUIRE(consumer.attachments() == 1);
        return 0;
    });
}

TEST_F(ScarceMemory, FailsAnAttachmentAtEveryPlaceAndTheNextOneWorks)
{
    Producer producer = must(Producer::create(metadata_));
    put(producer, 7);
    in_child([&] {
        std::optional<Consumer> consumer;
        const int failures = fail_for_want_of_memory([&] {
            auto made = Consumer::attach(name_);
            const Attempt attempt = attempt_of(made);
            if (made) {
                consumer = std::move(made).value();
            }
            return attempt;
        });

        CHILD_REQUIRE(failures > 10);
        CHILD_REQUIRE(value_of(present(consumer->latest())) == 7);
        return 0;
    });
    EXPECT_TRUE(must(inspect(name_)).consumers.empty());
}

}  // namespace
}  // namespace tensor_ipc
