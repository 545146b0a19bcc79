/// SIGKILL at random instants. TENSOR_IPC_CRASH_KILLS says how many times, TENSOR_IPC_CRASH_SEED
/// repeats a run's choices (though not its instants). Beside the counts, it prints how long a pool
/// takes to recover.
#include "durations.hpp"
#include "sleeper.hpp"

namespace tensor_ipc {
namespace {

using testing::Channel;
using testing::ChildProcess;
using testing::crash_metadata;
using testing::CrashReport;
using testing::Durations;
using testing::from_environment;
using testing::must;
using testing::Sleeper;
using testing::Witness;

class RandomInstants : public testing::PoolTest {
protected:
    [[nodiscard]] std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

    /// Makes pools, publishes, closes, begins again.
    int produce_for_ever(const Channel& parent) const
    {
        parent.say('b');
        for (;;) {
            Producer producer = must(Producer::create(metadata_));
            for (int i = 0; i < 300; ++i) {
                CHILD_REQUIRE(testing::publish(producer, testing::new_token()));
            }
        }
    }

    /// Attaches, holds, drops, leaves, attaches again.
    int consume_for_ever(const Channel& parent) const
    {
        parent.say('b');
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
        ChildProcess victim([&](const Channel& parent) { return produce_for_ever(parent); });
        EXPECT_EQ(victim.channel().hear(), 'b');  // so that the instant is one of its work
        look_for_a_while(witness);
        reap(victim);
        if (below(2) == 0) {
            take_over(witness);  // otherwise the next victim does
        }
    }

    void take_over(Witness& witness)
    {
        if (auto producer = restart()) {
            testing::expect_publishing_works(*producer, witness, report_);
            expect_every_slot_is_free(*producer, witness);
        }
    }

    /// A producer for what is left, which may be a living pool, half of one, or nothing. Its first
    /// frame has to reach the sleeper, who was attached or waits for the pool to appear.
    std::optional<Producer> restart()
    {
        const std::uint64_t began_ns = os::monotonic_ns();
        auto producer = Producer::create(metadata_);
        if (!producer) {
            ADD_FAILURE() << producer.error().message;
            ++report_.stuck;
            return std::nullopt;
        }
        const std::uint64_t token = testing::new_token();
        testing::publish_beside_others(*producer, report_, token);
        if (!sleeper_.saw(token)) {
            ++report_.lost;
            return std::nullopt;
        }
        const bool went_on = must(inspect(name_)).generation > 1;
        (went_on ? first_frame_ : first_frame_anew_).add(sleeper_.seen_ns() - began_ns);
        return std::move(producer).value();
    }

    void expect_every_slot_is_free(Producer& producer, Witness& witness)
    {
        const std::uint64_t token = testing::new_token();
        testing::publish_beside_others(producer, report_, token);
        report_.lost += sleeper_.saw(token) ? 0 : 1;  // and holds nothing since
        testing::expect_every_slot_is_free(producer, witness, report_);
    }

    void kill_consumers(Witness& witness)
    {
        auto producer = restart();
        if (!producer) {
            return;
        }
        std::vector<std::unique_ptr<ChildProcess>> victims;
        for (int i = 0; i < 3; ++i) {
            victims.push_back(std::make_unique<ChildProcess>(
                [&](const Channel& parent) { return consume_for_ever(parent); }));
        }
        for (const auto& victim : victims) {
            EXPECT_EQ(victim->channel().hear(), 'b');
            const std::uint64_t until = os::monotonic_ns() + below(2'000'000);
            do {
                testing::publish_beside_others(*producer, report_, testing::new_token());
                witness.look();
            } while (os::monotonic_ns() < until);
            if (victim == victims.back()) {
                witness.drop_all();
                time_until_its_slots_are_free(*producer, victim->pid());
            }
            reap(*victim);
        }
        testing::expect_publishing_works(*producer, witness, report_);
        expect_every_slot_is_free(*producer, witness);
    }

    /// Kills the only consumer that holds frames, and takes slots until the producer has them all.
    void time_until_its_slots_are_free(Producer& producer, pid_t victim)
    {
        const bool holds_some = pinned_by(victim) > 0;
        const std::uint64_t killed_ns = os::monotonic_ns();
        const std::uint64_t deadline_ns = testing::hang_deadline_ns();
        ::kill(victim, SIGKILL);
        std::vector<Loan> loans;
        while (loans.size() < producer.geometry().slot_count && os::monotonic_ns() < deadline_ns) {
            if (auto loan = producer.loan()) {
                loans.push_back(std::move(loan).value());
            }
        }
        report_.leaked += producer.geometry().slot_count - loans.size();
        if (holds_some) {
            slots_free_.add(os::monotonic_ns() - killed_ns);
        }
    }

    [[nodiscard]] std::uint32_t pinned_by(pid_t pid) const
    {
        std::uint32_t pinned = 0;
        for (const ConsumerFacts& consumer : must(inspect(name_)).consumers) {
            pinned += consumer.pid == static_cast<std::uint32_t>(pid) ? consumer.pinned_slots : 0;
        }
        return pinned;
    }

    PoolMetadata metadata_ = crash_metadata(name_);
    CrashReport report_;
    Sleeper sleeper_{metadata_};
    Durations slots_free_;
    Durations first_frame_;
    Durations first_frame_anew_;
    std::mt19937_64 random_{from_environment("TENSOR_IPC_CRASH_SEED", std::random_device{}())};
};

TEST_F(RandomInstants, LeaveNothingTornStuckLeakedOrLost)
{
    const std::uint64_t kills = from_environment("TENSOR_IPC_CRASH_KILLS", 3000);
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

    report_.torn += sleeper_.torn();
    report_.print("random instants");
    slots_free_.print("SIGKILL of a consumer that holds frames, until all its slots are free");
    first_frame_.print("restart of a producer, until an attached consumer has its first frame");
    first_frame_anew_.print("the same where the pool had to be made anew");
    report_.expect_nothing_wrong();
}

}  // namespace
}  // namespace tensor_ipc
