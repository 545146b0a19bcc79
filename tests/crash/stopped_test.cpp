/// SIGSTOP at every named place in the protocol: who stands still there holds up nobody, and goes
/// on as if nothing had been. TENSOR_IPC_STOP_S is how long each stands still at least, in seconds;
/// without it, as long as it takes the others to do what they do meanwhile.
#include "named_points.hpp"
#include "sleeper.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::crash_metadata;
using testing::CrashReport;
using testing::must;
using testing::Sleeper;
using testing::Witness;

/// Does `something` until the stop has lasted long enough, and at least `times` times.
template <typename Something>
void meanwhile(int times, const Something& something)
{
    const std::uint64_t until =
        os::monotonic_ns() + testing::from_environment("TENSOR_IPC_STOP_S", 0) * 1'000'000'000;
    while (times-- > 0 || os::monotonic_ns() < until) {
        something();
    }
}

class ProducerStops : public testing::PoolTest, public ::testing::WithParamInterface<std::string> {
protected:
    /// The life of a producer that is stopped at the place and goes on to an orderly end.
    int live(const Channel& parent) const
    {
        if (testing::is_of_creation(GetParam())) {
            testing::signal_self_at(GetParam(), 1, SIGSTOP);
        }
        Producer producer = must(Producer::create(metadata_));
        for (int i = 0; i < 3; ++i) {
            CHILD_REQUIRE(testing::publish(producer, testing::new_token()));
        }
        parent.say('r');
        CHILD_REQUIRE(parent.hear() == 'g');
        if (!testing::is_of_creation(GetParam())) {
            testing::signal_self_at(GetParam(), 1, SIGSTOP);
            CHILD_REQUIRE(testing::publish_past(GetParam(), producer));
        }
        *last_token_ = testing::new_token();
        CHILD_REQUIRE(testing::publish(producer, *last_token_));
        parent.say('l');
        CHILD_REQUIRE(parent.hear() == 'e');
        return 0;
    }

    /// Nobody can be the producer while the one that stands still holds the lock.
    [[nodiscard]] bool is_refused() const
    {
        const auto other = Producer::create(metadata_);
        return !other && other.error().code == ErrorCode::PoolInUse;
    }

    void expect_others_go_on(Witness& witness) const
    {
        if (GetParam() != "create:opened") {  // it does not hold the lock yet
            EXPECT_TRUE(is_refused());
        }
        meanwhile(100, [&] {
            const std::uint64_t token = witness.newest_token();
            if (!testing::is_of_creation(GetParam()) && GetParam() != "end:marked") {
                EXPECT_NE(token, 0U);  // the frames that were there can be had
            }
            witness.look();
        });
    }

    PoolMetadata metadata_ = crash_metadata(name_);
    testing::SharedWithChildren<std::atomic<std::uint64_t>> last_token_;
};

TEST_P(ProducerStops, AndOthersReadOnUntilItGoesOn)
{
    const bool stops_at_its_end = GetParam() == "end:marked";
    CrashReport report;
    if (GetParam() == "retire:marked") {
        testing::publish_and_die(testing::metadata_of(name_), {1});
    }
    {
        Witness witness(metadata_, report);
        const Sleeper sleeper(metadata_);
        ChildProcess victim([&](const Channel& parent) { return live(parent); });
        if (!testing::is_of_creation(GetParam())) {
            ASSERT_EQ(victim.channel().hear(), 'r');
            witness.look();
            testing::await_consumers(name_, 2);
            testing::let_a_consumer_die(metadata_);
            victim.channel().say('g');
        }
        if (stops_at_its_end) {
            ASSERT_EQ(victim.channel().hear(), 'l');
            EXPECT_TRUE(sleeper.saw(*last_token_));
            victim.channel().say('e');
        }
        ASSERT_TRUE(victim.await_stop()) << "was not reached";

        expect_others_go_on(witness);
        victim.go_on();

        if (testing::is_of_creation(GetParam())) {
            ASSERT_EQ(victim.channel().hear(), 'r');
            victim.channel().say('g');
        }
        if (!stops_at_its_end) {
            ASSERT_EQ(victim.channel().hear(), 'l');
            EXPECT_TRUE(sleeper.saw(*last_token_));
            EXPECT_EQ(witness.newest_token(), *last_token_);
            victim.channel().say('e');
        }
        EXPECT_EQ(victim.wait(), 0);
        report.torn += sleeper.torn();
    }
    report.expect_nothing_wrong();
}

INSTANTIATE_TEST_SUITE_P(At, ProducerStops, ::testing::ValuesIn(testing::kProducerPoints),
                         testing::in_words);

class ConsumerStops : public testing::PoolTest, public ::testing::WithParamInterface<std::string> {
protected:
    [[nodiscard]] std::uint32_t pinned_by(pid_t pid) const
    {
        std::uint32_t pinned = 0;
        for (const ConsumerFacts& consumer : must(inspect(name_)).consumers) {
            pinned += consumer.pid == static_cast<std::uint32_t>(pid) ? consumer.pinned_slots : 0;
        }
        return pinned;
    }

    PoolMetadata metadata_ = crash_metadata(name_);
};

TEST_P(ConsumerStops, AndTheProducerGoesRoundWhatItHolds)
{
    CrashReport report;
    {
        Witness witness(metadata_, report);
        Producer producer = must(Producer::create(metadata_));
        ASSERT_TRUE(testing::publish(producer, testing::new_token()));
        ChildProcess victim([&](const Channel&) {
            testing::signal_self_at(GetParam(), 3, SIGSTOP);
            return testing::consume_past_the_signal(metadata_);
        });
        std::atomic<bool> stopped{false};
        std::thread feeder([&] {  // it waits for frames on its way to the place
            while (!stopped) {
                testing::publish_beside_others(producer, report, testing::new_token());
            }
        });
        const bool was_reached = victim.await_stop();
        stopped = true;
        feeder.join();
        ASSERT_TRUE(was_reached);
        const std::uint32_t pinned = pinned_by(victim.pid());

        meanwhile(20, [&] { testing::expect_publishing_works(producer, witness, report); });

        EXPECT_EQ(pinned_by(victim.pid()), pinned);
        if (GetParam() == "pin:marked" || GetParam() == "pin:held" ||
            GetParam() == "unpin:before") {
            EXPECT_GT(pinned, 0U);
        }
        victim.go_on();
        while (!victim.has_ended()) {  // it looks at what it held, and takes more
            testing::publish_beside_others(producer, report, testing::new_token());
        }
        EXPECT_EQ(victim.wait(), 0);
        testing::expect_every_slot_is_free(producer, witness, report);
    }
    report.expect_nothing_wrong();
}

INSTANTIATE_TEST_SUITE_P(At, ConsumerStops, ::testing::ValuesIn(testing::kConsumerPoints),
                         testing::in_words);

}  // namespace
}  // namespace tensor_ipc
