/// SIGKILL at random instants. TENSOR_IPC_CRASH_KILLS says how many times, TENSOR_IPC_CRASH_SEED
/// repeats a run's choices (though not its instants).
#include "crash_pool.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::crash_metadata;
using testing::CrashReport;
using testing::must;
using testing::Witness;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise)
{
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

class RandomInstants : public testing::PoolTest {
protected:
    [[nodiscard]] std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

    /// Makes pools, publishes, closes, begins again.
    int produce_for_ever() const
    {
        for (;;) {
            Producer producer = must(Producer::create(metadata_));
            for (int i = 0; i < 300; ++i) {
                CHILD_REQUIRE(testing::publish(producer, testing::new_token()));
            }
        }
    }

    /// Attaches, holds, drops, leaves, attaches again.
    int consume_for_ever() const
    {
        for (;;) {
            Consumer consumer = must(Consumer::follow(metadata_));
            std::deque<FrameWindow> held;
            for (std::uint32_t i = 0; i < 200; ++i) {
                if (i % 8 == 0) {
                    CHILD_REQUIRE(
                        consumer.wait(consumer.last_index(), os::monotonic_ns() + 1'000'000));
                }
                auto window = consumer.history(1 + i % metadata_.history_len);
                if (window && *window) {
                    CHILD_REQUIRE(testing::token_of((*window)->bytes()));
                    held.push_back(std::move(**window));
                }
                if (held.size() > i % 4) {
                    CHILD_REQUIRE(testing::token_of(held.front().bytes()));
                    held.pop_front();
                }
            }
        }
    }

    void reap(ChildProcess& victim)
    {
        const int status = victim.kill();
        EXPECT_EQ(status, testing::kKilled) << "it ended by itself";
        report_.torn += status == 1 ? 1 : 0;
        ++report_.kills;
    }

    /// Looks at frames until some instant in the next two milliseconds.
    void look_for_a_while(Witness& witness)
    {
        const std::uint64_t until = os::monotonic_ns() + below(2'000'000);
        do {
            witness.look();
        } while (os::monotonic_ns() < until);
    }

    void kill_a_producer(Witness& witness)
    {
        ChildProcess victim([&](const Channel&) { return produce_for_ever(); });
        look_for_a_while(witness);
        reap(victim);
        if (below(2) == 0) {
            take_over(witness);  // otherwise the next victim does
        }
    }

    void take_over(Witness& witness)
    {
        auto producer = Producer::create(metadata_);
        if (!producer) {
            ADD_FAILURE() << producer.error().message;
            ++report_.stuck;
            return;
        }
        testing::expect_publishing_works(*producer, witness, report_);
        testing::expect_every_slot_is_free(*producer, witness, report_);
    }

    void kill_consumers(Witness& witness)
    {
        auto producer = Producer::create(metadata_);
        if (!producer) {
            ADD_FAILURE() << producer.error().message;
            ++report_.stuck;
            return;
        }
        std::vector<std::unique_ptr<ChildProcess>> victims;
        for (int i = 0; i < 3; ++i) {
            victims.push_back(
                std::make_unique<ChildProcess>([&](const Channel&) { return consume_for_ever(); }));
        }
        for (const auto& victim : victims) {
            const std::uint64_t until = os::monotonic_ns() + below(2'000'000);
            do {
                testing::publish_beside_others(*producer, report_);
                witness.look();
            } while (os::monotonic_ns() < until);
            reap(*victim);
        }
        testing::expect_publishing_works(*producer, witness, report_);
        testing::expect_every_slot_is_free(*producer, witness, report_);
    }

    PoolMetadata metadata_ = crash_metadata(name_);
    CrashReport report_;
    std::mt19937_64 random_{from_environment("TENSOR_IPC_CRASH_SEED", std::random_device{}())};
};

TEST_F(RandomInstants, LeaveNothingTornStuckLeakedOrLost)
{
    const std::uint64_t kills = from_environment("TENSOR_IPC_CRASH_KILLS", 1000);
    {
        Witness witness(metadata_, report_);
        while (report_.kills < kills && report_.nothing_wrong()) {
            if (below(2) == 0) {
                kill_a_producer(witness);
            } else {
                kill_consumers(witness);
            }
        }
        take_over(witness);
    }
    report_.leaked += testing::leftovers().size();

    report_.print("random instants");
    report_.expect_nothing_wrong();
}

}  // namespace
}  // namespace tensor_ipc
