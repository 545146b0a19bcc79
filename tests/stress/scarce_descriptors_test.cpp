/// Descriptors that run out at every single place: the limit starts at what is open and rises by
/// one until the call succeeds. Every failure before that is a typed error, leaves nothing behind,
/// and harms no pool that was there.
#include <cerrno>
#include <set>

#include <fcntl.h>

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

std::set<int> open_descriptors()
{
    std::set<int> found;
    for (int fd = 0; fd < 1024; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0) {
            found.insert(fd);
        }
    }
    return found;
}

/// The limit with which `count` more can be opened.
std::uint64_t limit_that_leaves(int count)
{
    std::vector<int> taken;
    for (int i = 0; i < count; ++i) {
        taken.push_back(::dup(0));
    }
    for (const int fd : taken) {
        ::close(fd);
    }
    return taken.empty() ? 0 : static_cast<std::uint64_t>(taken.back()) + 1;
}

/// Gives `call` one more descriptor each time until it succeeds.
/// @return how often it failed first, or -1 when a failure was not as it should be
int fail_for_want_of_descriptors(const std::function<Attempt()>& call)
{
    const std::set<int> before = open_descriptors();
    const std::vector<std::string> objects = testing::leftovers();
    for (int more = 0;; ++more) {
        Attempt attempt;
        {
            const Limit limit(RLIMIT_NOFILE, limit_that_leaves(more));
            attempt = call();
        }
        if (attempt.succeeded) {
            return more;
        }
        const bool is_typed =
            attempt.error.code == ErrorCode::System && attempt.error.system_errno == EMFILE;
        if (!is_typed || open_descriptors() != before || testing::leftovers() != objects) {
            return -1;
        }
    }
}

class ScarceDescriptors : public testing::PoolTest {
protected:
    void SetUp() override
    {
#if defined(__SANITIZE_ADDRESS__)
        GTEST_SKIP() << "the sanitizer that checks types opens a pipe to look at memory";
#endif
    }

    /// In a child, which may have few descriptors without harm to GoogleTest.
    void in_child(const std::function<int()>& body)
    {
        ChildProcess child([&](const Channel&) { return body(); });
        EXPECT_EQ(child.wait(), 0);
    }

    PoolMetadata metadata_ = metadata_of(name_);
};

TEST_F(ScarceDescriptors, FailACreationAtEveryPlaceAndLeaveNothing)
{
    in_child([&] {
        const int failures =
            fail_for_want_of_descriptors([&] { return attempt_of(Producer::create(metadata_)); });

        CHILD_REQUIRE(failures > 0);
        Producer producer = must(Producer::create(metadata_));
        put(producer, 1);
        return 0;
    });
}

TEST_F(ScarceDescriptors, FailATakeOverAtEveryPlaceAndLeaveTheFrames)
{
    testing::publish_and_die(metadata_, {1, 2, 3});
    in_child([&] {
        Consumer consumer = must(Consumer::attach(name_));
        std::optional<Producer> producer;

        const int failures = fail_for_want_of_descriptors([&] {
            auto made = Producer::create(metadata_);
            const Attempt attempt = attempt_of(made);
            if (made) {
                producer = std::move(made).value();
            }
            return attempt;
        });

        CHILD_REQUIRE(failures > 0);
        CHILD_REQUIRE(value_of(present(consumer.latest())) == 3);
        CHILD_REQUIRE(put(*producer, 4) == 3);
        return 0;
    });
}

TEST_F(ScarceDescriptors, FailAnAttachmentAtEveryPlaceAndTheNextOneWorks)
{
    Producer producer = must(Producer::create(metadata_));
    put(producer, 7);
    in_child([&] {
        const int failures =
            fail_for_want_of_descriptors([&] { return attempt_of(Consumer::attach(name_)); });

        CHILD_REQUIRE(failures > 0);
        Consumer consumer = must(Consumer::attach(name_));
        CHILD_REQUIRE(value_of(present(consumer.latest())) == 7);
        return 0;
    });
    EXPECT_TRUE(must(inspect(name_)).consumers.empty());
}

TEST_F(ScarceDescriptors, DoNotStopAnAttachedConsumerNorItsProducer)
{
    in_child([&] {
        Producer producer = must(Producer::create(metadata_));
        Consumer consumer = must(Consumer::attach(name_));
        const Limit none_left(RLIMIT_NOFILE, limit_that_leaves(0));

        for (int i = 0; i < 100; ++i) {
            put(producer, i);
            CHILD_REQUIRE(must(consumer.wait(consumer.last_index())) == WaitOutcome::Ready);
            CHILD_REQUIRE(value_of(present(consumer.latest())) == i);
        }
        CHILD_REQUIRE(must(consumer.wait(consumer.last_index(), os::monotonic_ns())) ==
                      WaitOutcome::TimedOut);
        return 0;
    });
}

/// With no descriptor at all a consumer without a pool is told; three are enough to watch for the
/// pool and to attach to it.
TEST_F(ScarceDescriptors, DoNotKeepAConsumerFromItsPool)
{
    ChildProcess waiting([&](const Channel& parent) {
        Consumer consumer = must(Consumer::follow(metadata_));
        {
            const Limit none_left(RLIMIT_NOFILE, limit_that_leaves(0));
            const auto refused = consumer.wait(std::nullopt);
            CHILD_REQUIRE(!refused && refused.error().system_errno == EMFILE);
        }
        const Limit few(RLIMIT_NOFILE, limit_that_leaves(3));
        parent.say('w');
        CHILD_REQUIRE(must(consumer.wait(std::nullopt)) == WaitOutcome::Ready);
        return value_of(present(consumer.latest()));
    });
    ASSERT_EQ(waiting.channel().hear(), 'w');
    Producer producer = must(Producer::create(metadata_));

    put(producer, 5);

    EXPECT_EQ(waiting.wait(), 5);
}

/// A mapping made through the descriptor that carries the lock would hand the lock to the child.
TEST_F(ScarceDescriptors, NeverLeaveAPoolAliveInAChildOfItsDeadProducer)
{
    ChildProcess producer([&](const Channel& parent) {
        std::optional<Producer> made;
        CHILD_REQUIRE(fail_for_want_of_descriptors([&] {
                          auto attempt = Producer::create(metadata_);
                          const Attempt result = attempt_of(attempt);
                          if (attempt) {
                              made = std::move(attempt).value();
                          }
                          return result;
                      }) > 0);
        ChildProcess child([&](const Channel&) {
            parent.say('c');
            return static_cast<int>(parent.hear());
        });
        return child.wait();
    });
    ASSERT_EQ(producer.channel().hear(), 'c');

    producer.kill();

    EXPECT_FALSE(must(inspect(name_)).producer_alive);
    EXPECT_EQ(must(clean(false)).size(), 1U);
}

}  // namespace
}  // namespace tensor_ipc
