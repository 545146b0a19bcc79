/// The named places in the protocol (base/test_point.hpp), and lives in which each is reached.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "crash_pool.hpp"

namespace tensor_ipc::testing {

inline const std::vector<std::string> kProducerPoints{
    "create:opened",        "create:locked", "create:allocated",  "create:header-written",
    "create:magic-written", "retire:marked", "claim:before-mark", "claim:marked",
    "claim:taken",          "bury:locked",   "put:copied",        "commit:before-state",
    "commit:before-latest", "commit:done",   "wake:flag-fallen",  "wake:word-changed",
    "end:marked",
};

inline const std::vector<std::string> kConsumerPoints{
    "attach:locked", "attach:raising", "attach:done",      "pin:before-mark", "pin:marked",
    "pin:held",      "unpin:before",   "wait:flag-raised", "wait:done",       "times:state-read",
};

/// Names of parameterised tests.
[[nodiscard]] inline std::string in_words(const ::testing::TestParamInfo<std::string>& point)
{
    std::string name = point.param;
    std::ranges::replace_if(
        name, [](char c) { return c == ':' || c == '-'; }, '_');
    return name;
}

/// What this process does to itself, once, at the n-th visit of a place.
struct PlannedSignal {
    std::string point;
    int visits_left = 0;
    int signal = SIGKILL;
    bool given = false;
};

inline PlannedSignal planned_signal;

inline void signal_self_at(const std::string& point, int visit, int signal)
{
    planned_signal = {point, visit, signal, false};
    test_point_hook.store([](const char* name) {
        if (planned_signal.point == name && --planned_signal.visits_left == 0) {
            planned_signal.given = true;
            ::kill(::getpid(), planned_signal.signal);
        }
    });
}

inline void die_at(const std::string& point, int visit)
{
    signal_self_at(point, visit, SIGKILL);
}

/// A sleeping consumer is woken when its flag happens to be up, so these places take a while.
[[nodiscard]] inline bool is_wake(const std::string& point)
{
    return point.starts_with("wake:");
}

/// Places that a producer passes before it owns its pool.
[[nodiscard]] inline bool is_of_creation(const std::string& point)
{
    return point.starts_with("create:") || point == "retire:marked";
}

/// Publishes until every place of a producer but those of its creation and its end was reached.
[[nodiscard]] inline bool publish_past(const std::string& point, Producer& producer)
{
    const std::uint64_t deadline = hang_deadline_ns();
    for (int i = 0; is_wake(point) ? !planned_signal.given : i < 500; ++i) {
        if (!publish(producer, new_token()) || os::monotonic_ns() > deadline) {
            return false;
        }
    }
    return true;
}

/// Attaches, waits, takes, drops and leaves until the planned signal was given and a while longer.
[[nodiscard]] inline int consume_past_the_signal(const PoolMetadata& metadata)
{
    constexpr std::uint32_t kTurnsAfterwards = 50;
    Consumer consumer = must(Consumer::follow(metadata));
    std::deque<FrameWindow> held;
    const std::uint64_t deadline = hang_deadline_ns();
    std::uint32_t left = kTurnsAfterwards;
    for (std::uint32_t i = 0; left > 0; ++i) {
        left -= planned_signal.given ? 1 : 0;
        CHILD_REQUIRE(os::monotonic_ns() < deadline);
        CHILD_REQUIRE(consumer.wait(consumer.last_index(), deadline));
        auto window = consumer.history(1 + i % 3);
        CHILD_REQUIRE(window);
        if (*window) {
            held.push_back(std::move(**window));
        }
        CHILD_REQUIRE(consumer.frame_at(UINT64_MAX));
        if (held.size() > 1) {
            CHILD_REQUIRE(token_of(held.front().bytes()));
            held.pop_front();
        }
        if (i % 16 == 15) {
            consumer.detach();
            held.clear();
        }
    }
    return 0;
}

/// A consumer that takes two frames and is killed with them.
inline void let_a_consumer_die(const PoolMetadata& metadata)
{
    ChildProcess hog([&](const Channel& parent) {
        Consumer consumer = must(Consumer::follow(metadata));
        FrameWindow held = present(consumer.history(2));
        while (held.copied()) {  // the others left no room just then
            held = present(consumer.history(1));
        }
        parent.say('h');
        return static_cast<int>(parent.hear());
    });
    EXPECT_EQ(hog.channel().hear(), 'h');
    hog.kill();
}

/// Returns when so many consumers are attached. Who attaches later may take back the pins of the
/// dead, which then are not there to be met.
inline void await_consumers(const std::string& pool_name, std::size_t count)
{
    const std::uint64_t deadline = hang_deadline_ns();
    while (must(inspect(pool_name)).consumers.size() < count && os::monotonic_ns() < deadline) {
        std::this_thread::yield();
    }
}

}  // namespace tensor_ipc::testing
