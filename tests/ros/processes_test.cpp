// Topics between processes without ROS: kills, restarts, forks.
#include "ros/ros_test.hpp"

namespace tensor_ipc::ros {
namespace {

using namespace testing;  // NOLINT(*-using-namespace)

constexpr std::size_t kBytes = std::size_t{480} * 640 * 3;

class Processes : public PoolTest {
protected:
    /// Publishes frames, numbered and patterned by `seed`, until it is killed. Says `r` when a
    /// subscription was found.
    int publish(const Channel& parent, std::uint64_t seed) const
    {
        Producer producer = must(Producer::create(image_pool(source_, {480, 640, 3})));
        const PoolToTopic out =
            must(PoolToTopic::open(participant(domain_, false), source_, topic_, {}));
        CHILD_REQUIRE(eventually([&] { return out.stats().subscriptions > 0; }));
        parent.say('r');
        const auto pixels = pattern(kBytes, seed);
        for (;;) {
            PublishOptions options;
            options.captured_ns = seed;
            const std::uint64_t published = out.stats().messages;
            must(producer.put(pixels, options));
            CHILD_REQUIRE(eventually([&] { return out.stats().messages > published; }));
        }
    }

    std::uint32_t domain_ = test_domain();
    std::string source_ = unique_pool_name();
    std::string topic_ = "/processes_" + std::to_string(::getpid());
};

TEST_F(Processes, KilledPublishersAreFollowedByOthers)
{
    std::vector<std::unique_ptr<ChildProcess>> publishers;
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        // Forked before this process has threads of Cyclone DDS.
        publishers.push_back(std::make_unique<ChildProcess>([this, seed](const Channel& parent) {
            return parent.hear() == 'g' ? publish(parent, seed) : 1;
        }));
    }
    TopicToPool in =
        must(TopicToPool::open(participant(domain_, true), topic_, name_, TopicToPoolOptions{}));

    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        const ChildProcess& publisher = *publishers[seed - 1];
        publisher.channel().say('g');
        ASSERT_EQ(publisher.channel().hear(), 'r');
        const auto pixels = pattern(kBytes, seed);
        const std::uint64_t before = in.stats().frames;
        ASSERT_TRUE(eventually([&] { return in.stats().frames >= before + 5; })) << in.last_error();
        Consumer consumer = must(Consumer::attach(name_));
        ASSERT_TRUE(
            eventually([&] { return present(consumer.latest()).info().captured_ns == seed; }));
        for (int i = 0; i < 20; ++i) {
            const Frame frame = present(consumer.latest());
            EXPECT_TRUE(same(frame.bytes(), pixels));
            EXPECT_EQ(must(consumer.wait(frame.info().index, hang_deadline_ns())),
                      WaitOutcome::Ready);
        }
        publishers[seed - 1]->kill();
    }
    EXPECT_EQ(in.stats().conversion_errors, 0U) << in.last_error();
    in.close();
    remove_leftovers();  // the source pool of the last killed publisher
}

TEST_F(Processes, AKilledSubscriptionIsFollowedByAnother)
{
    const auto subscribe_once = [this](const Channel& parent) {
        if (parent.hear() != 'g') {
            return 1;
        }
        const TopicToPool in = must(
            TopicToPool::open(participant(domain_, true), topic_, name_, TopicToPoolOptions{}));
        CHILD_REQUIRE(eventually([&] { return in.stats().frames >= 3; }));
        parent.say('r');
        return static_cast<int>(parent.hear());
    };
    ChildProcess first(subscribe_once);
    ChildProcess second(subscribe_once);
    Producer producer = must(Producer::create(image_pool(source_, {480, 640, 3})));
    const PoolToTopic out =
        must(PoolToTopic::open(participant(domain_, false), source_, topic_, {}));
    const auto pixels = pattern(kBytes, 1);
    std::atomic<bool> ending = false;
    std::thread putting([&] {
        while (!ending) {
            must(producer.put(pixels));
            std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the rate of a camera
        }
    });

    for (ChildProcess* each : {&first, &second}) {
        each->channel().say('g');
        EXPECT_EQ(each->channel().hear(), 'r');
        each->kill();
    }

    ending = true;
    putting.join();
    remove_leftovers();  // what the killed ones had
}

TEST_F(Processes, AForkedChildLeavesItsParentsTopicsAlone)
{
    Producer producer = must(Producer::create(image_pool(source_, {480, 640, 3})));
    std::optional<TopicToPool> in =
        must(TopicToPool::open(participant(domain_, true), topic_, name_, TopicToPoolOptions{}));
    std::optional<PoolToTopic> out =
        must(PoolToTopic::open(participant(domain_, false), source_, topic_, {}));
    ASSERT_TRUE(eventually([&] { return out->stats().subscriptions == 1; }));
    must(producer.put(pattern(kBytes, 1)));
    ASSERT_TRUE(eventually([&] { return in->stats().frames == 1; }));

    ChildProcess child([&](const Channel&) {
        in.reset();
        out.reset();
        return 0;
    });
    EXPECT_EQ(child.wait(), 0);

    const auto pixels = pattern(kBytes, 2);
    must(producer.put(pixels));
    ASSERT_TRUE(eventually([&] { return in->stats().frames == 2; }));
    Consumer consumer = must(Consumer::attach(name_));
    EXPECT_TRUE(same(present(consumer.latest()).bytes(), pixels));
}

}  // namespace
}  // namespace tensor_ipc::ros
