#include "tensor_ipc/notify/wake_word.hpp"

#include <thread>

#include <signal.h>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

/// The two shared words, and the news that they announce.
class WakeWordTest : public ::testing::Test {
protected:
    void publish()
    {
        news_.fetch_add(1, std::memory_order_seq_cst);
        wake_word_.notify();
    }

    WakeOutcome wait_for(std::uint32_t news, std::uint64_t deadline_ns = os::kNever,
                         std::uint64_t spin_ns = 0)
    {
        return wake_word_.wait([&] { return news_.load(std::memory_order_seq_cst) >= news; },
                               deadline_ns, spin_ns);
    }

    static constexpr std::uint64_t kHour = 3'600'000'000'000;  // a test of that length has failed

    std::atomic<std::uint32_t> word_{0};
    std::atomic<std::uint32_t> waiting_{0};
    std::atomic<std::uint32_t> news_{0};
    WakeWord wake_word_{word_, waiting_};
};

TEST_F(WakeWordTest, LooksNoLongerThanUntilTheDeadline)
{
    EXPECT_EQ(wait_for(1, os::monotonic_ns() + 1'000'000, kHour), WakeOutcome::TimedOut);
}

TEST_F(WakeWordTest, ReturnsAtOnceWhenTheNewsIsThere)
{
    publish();

    EXPECT_EQ(wait_for(1), WakeOutcome::Ready);
    EXPECT_EQ(waiting_.load(), 0U);
}

TEST_F(WakeWordTest, LeavesTheWordAloneWhenNobodyWaits)
{
    publish();

    EXPECT_EQ(word_.load(), 0U);
}

TEST_F(WakeWordTest, TimesOutAtItsDeadline)
{
    const std::uint64_t deadline = os::monotonic_ns() + 2'000'000;

    EXPECT_EQ(wait_for(1, deadline), WakeOutcome::TimedOut);
    EXPECT_GE(os::monotonic_ns(), deadline);
}

TEST_F(WakeWordTest, TimesOutWhenTheDeadlineHasPassed)
{
    EXPECT_EQ(wait_for(1, 1), WakeOutcome::TimedOut);
}

TEST_F(WakeWordTest, TimesOutAlsoWhenTheWordChangesAgainAndAgain)
{
    static std::atomic<std::uint32_t>* word = nullptr;
    static std::atomic<std::uint32_t>* news = nullptr;
    static int turns = 0;
    word = &word_;
    news = &news_;
    turns = 0;
    testing::test_point_hook.store([](const char*) {
        word->fetch_add(1);  // between looking at it and sleeping on it
        if (++turns == 1000) {
            news->store(1);  // ends a wait that does not look at the time
        }
    });

    const WakeOutcome outcome = wait_for(1, 1);

    testing::test_point_hook.store(nullptr);
    EXPECT_EQ(outcome, WakeOutcome::TimedOut);
    EXPECT_EQ(turns, 1);
}

TEST_F(WakeWordTest, SpinsBeforeItSleeps)
{
    int looks = 0;
    const auto after_some_looks = [&] { return ++looks == 1000; };

    EXPECT_EQ(wake_word_.wait(after_some_looks, os::kNever, kHour), WakeOutcome::Ready);

    EXPECT_EQ(waiting_.load(), 0U);  // nobody was asked for a wake-up
}

TEST_F(WakeWordTest, LosesNoWakeUpInAGameOfPingPong)
{
    constexpr std::uint32_t kRounds = 5'000;
    std::atomic<std::uint32_t> answers{0};
    std::atomic<std::uint32_t> answer_word{0};
    std::atomic<std::uint32_t> answer_waiting{0};
    const WakeWord answered(answer_word, answer_waiting);

    std::thread other([&] {
        for (std::uint32_t round = 1; round <= kRounds; ++round) {
            wait_for(round);
            answers.store(round, std::memory_order_seq_cst);
            answered.notify();
        }
    });
    for (std::uint32_t round = 1; round <= kRounds; ++round) {
        publish();
        const auto ready = [&] { return answers.load(std::memory_order_seq_cst) >= round; };
        EXPECT_EQ(answered.wait(ready, os::kNever, 0), WakeOutcome::Ready);
    }
    other.join();

    EXPECT_EQ(answers.load(), kRounds);
}

TEST_F(WakeWordTest, DoesNotSleepThroughNewsThatComesJustAfterTheLastLook)
{
    int looks = 0;
    const auto ready = [&] {
        const bool is_there = news_.load(std::memory_order_seq_cst) > 0;
        if (++looks == 2) {  // the look between the raised flag and the sleep
            publish();
        }
        return is_there;
    };

    EXPECT_EQ(wake_word_.wait(ready, testing::hang_deadline_ns(), 0), WakeOutcome::Ready);
    EXPECT_EQ(word_.load(), 1U);
}

TEST_F(WakeWordTest, WakesEverySleeper)
{
    std::atomic<int> woken{0};
    std::vector<std::thread> sleepers;
    for (int i = 0; i < 4; ++i) {
        sleepers.emplace_back([&] { woken += wait_for(1) == WakeOutcome::Ready ? 1 : 0; });
    }

    publish();
    for (std::thread& sleeper : sleepers) {
        sleeper.join();
    }

    EXPECT_EQ(woken.load(), 4);
}

TEST_F(WakeWordTest, IsInterruptedBySignals)
{
    struct sigaction action {};

    action.sa_handler = [](int) {};

    struct sigaction before {};

    ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
    std::atomic<bool> done{false};
    WakeOutcome outcome = WakeOutcome::Ready;
    std::thread sleeper([&] {
        outcome = wait_for(1);
        done = true;
    });

    // The signal counts only when it meets the sleep itself, so it comes until it did.
    while (!done) {
        ::pthread_kill(sleeper.native_handle(), SIGUSR1);
        std::this_thread::yield();
    }
    sleeper.join();
    ::sigaction(SIGUSR1, &before, nullptr);

    EXPECT_EQ(outcome, WakeOutcome::Interrupted);
}

}  // namespace
}  // namespace tensor_ipc
