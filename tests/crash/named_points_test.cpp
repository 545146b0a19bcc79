/// SIGKILL at every named place in the protocol. TENSOR_IPC_CRASH_ROUNDS says how often: a round is
/// up to four kills at each place.
#include "named_points.hpp"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

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

/// At which visit of its place a process dies: the first ones, and one in the middle of things.
std::vector<int> visits(std::initializer_list<int> of_a_round)
{
    std::vector<int> all;
    for (auto round = testing::from_environment("TENSOR_IPC_CRASH_ROUNDS", 4); round > 0; --round) {
        all.insert(all.end(), of_a_round);
    }
    return all;
}

TEST(NamedPoints, AreAllInTheListsOfThisTest)
{
    const std::string mark = "TENSOR_IPC_TEST_POINT(\"";
    std::set<std::string> in_source;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(TENSOR_IPC_SOURCE_FOLDER)) {
        if (!entry.is_regular_file()) {
            continue;
        }
        std::stringstream stream;
        stream << std::ifstream(entry.path()).rdbuf();
        const std::string text = stream.str();
        for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
            at += mark.size();
            in_source.insert(text.substr(at, text.find('"', at) - at));
        }
    }
    std::set<std::string> tested(testing::kProducerPoints.begin(), testing::kProducerPoints.end());
    tested.insert(testing::kConsumerPoints.begin(), testing::kConsumerPoints.end());

    EXPECT_EQ(in_source, tested);
}

class ProducerDies : public testing::PoolTest, public ::testing::WithParamInterface<std::string> {
protected:
    /// The life of a producer in which every point is reached.
    int live(const Channel& parent, int times) const
    {
        testing::die_at(GetParam(), times);
        Producer producer = must(Producer::create(metadata_));
        for (int i = 0; i < 3; ++i) {
            CHILD_REQUIRE(testing::publish(producer, testing::new_token()));
        }
        parent.say('r');
        CHILD_REQUIRE(parent.hear() == 'g');
        CHILD_REQUIRE(testing::publish_past(GetParam(), producer));
        return 0;
    }

    void leave_something(int times) const
    {
        if (GetParam() == "retire:marked") {
            testing::publish_and_die(testing::metadata_of(name_), {1});
        } else if (times == 2 && !GetParam().starts_with("create:")) {
            ChildProcess predecessor([&](const Channel& parent) {
                Producer producer = must(Producer::create(metadata_));
                for (int i = 0; i < 9; ++i) {
                    CHILD_REQUIRE(testing::publish(producer, testing::new_token()));
                }
                parent.say('p');
                return static_cast<int>(parent.hear());
            });
            EXPECT_EQ(predecessor.channel().hear(), 'p');
            predecessor.kill();
        }
    }

    PoolMetadata metadata_ = crash_metadata(name_);
};

TEST_P(ProducerDies, AndThePoolGoesOn)
{
    CrashReport report;
    for (const int times : visits({1, 2, 3, 50})) {
        leave_something(times);
        Witness witness(metadata_, report);
        const Sleeper sleeper(metadata_);
        ChildProcess victim([&](const Channel& parent) { return live(parent, times); });

        if (victim.channel().hear() == 'r') {
            witness.look();
            testing::await_consumers(name_, 2);
            testing::let_a_consumer_die(metadata_);
            victim.channel().say('g');
        }
        while (!victim.has_ended()) {
            witness.look();
        }
        const int status = victim.wait();
        ASSERT_TRUE(status == testing::kKilled || (times > 1 && status == 0))
            << GetParam() << " was not reached; status " << status;
        report.kills += status == testing::kKilled ? 1 : 0;

        auto successor = Producer::create(metadata_);
        ASSERT_TRUE(successor) << successor.error().message;
        const std::uint64_t token = testing::expect_publishing_works(*successor, witness, report);
        report.lost += sleeper.saw(token) ? 0 : 1;
        report.torn += sleeper.torn();
        testing::expect_every_slot_is_free(*successor, witness, report);
    }
    report.leaked += testing::leftovers().size();
    report.print(GetParam());
    report.expect_nothing_wrong();
}

INSTANTIATE_TEST_SUITE_P(At, ProducerDies, ::testing::ValuesIn(testing::kProducerPoints),
                         testing::in_words);

class ConsumerDies : public testing::PoolTest, public ::testing::WithParamInterface<std::string> {
protected:
    /// The life of a consumer in which every point is reached.
    int live(int times) const
    {
        testing::die_at(GetParam(), times);
        return testing::consume_past_the_signal(metadata_);
    }

    PoolMetadata metadata_ = crash_metadata(name_);
};

TEST_P(ConsumerDies, AndItsPinsAreTakenBack)
{
    CrashReport report;
    {
        Witness witness(metadata_, report);
        Producer producer = must(Producer::create(metadata_));
        for (const int times : visits({1, 2, 3, 20})) {
            ChildProcess victim([&](const Channel&) { return live(times); });

            while (!victim.has_ended()) {
                report.stuck += testing::publish(producer, testing::new_token()) ? 0 : 1;
                witness.look();
            }
            ASSERT_EQ(victim.wait(), testing::kKilled) << GetParam() << " was not reached";
            ++report.kills;

            testing::expect_publishing_works(producer, witness, report);
            testing::expect_every_slot_is_free(producer, witness, report);
            Consumer newcomer = must(Consumer::attach(name_));
            report.lost += must(newcomer.latest()) ? 0 : 1;
        }
    }
    report.leaked += testing::leftovers().size();
    report.print(GetParam());
    report.expect_nothing_wrong();
}

INSTANTIATE_TEST_SUITE_P(At, ConsumerDies, ::testing::ValuesIn(testing::kConsumerPoints),
                         testing::in_words);

class CleanerDies : public testing::PoolTest {};

TEST_F(CleanerDies, AndTheNextOneFinishes)
{
    const PoolMetadata metadata = crash_metadata(name_);
    testing::publish_and_die(testing::metadata_of(name_), {1});
    ChildProcess victim([&](const Channel&) {
        testing::die_at("retire:marked", 1);
        return must(clean(false)).empty() ? 1 : 0;
    });
    ASSERT_EQ(victim.wait(), testing::kKilled);
    ASSERT_EQ(testing::leftovers().size(), 1U);

    EXPECT_EQ(must(clean(false)).size(), 1U);
    EXPECT_TRUE(testing::leftovers().empty());
}

}  // namespace
}  // namespace tensor_ipc
