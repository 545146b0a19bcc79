/// A pool whose producers and consumers are killed, and the checks that follow each death.
///
/// Word j of a frame is `token + j`. Every frame has a token of its own, so a frame that mixes two,
/// and a frame number that is given to two, are both noticed.
#pragma once

#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <random>

#include "support/pool_test.hpp"
#include "tensor_ipc/base/test_point.hpp"

namespace tensor_ipc::testing {

[[nodiscard]] inline std::uint64_t from_environment(const char* name, std::uint64_t otherwise)
{
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

/// What must be nought after all those deaths.
struct CrashReport {
    std::uint64_t kills = 0;
    std::uint64_t torn = 0;    ///< frames that mix two, or numbers given twice
    std::uint64_t stuck = 0;   ///< producers that could not take over, or publish
    std::uint64_t leaked = 0;  ///< slots that stayed with the dead, objects left in /dev/shm
    std::uint64_t lost = 0;    ///< living consumers that did not get the newest frame

    /// Puts that found every slot pinned for a moment, by living consumers that were stopped while
    /// they found out that they may not hold one. Allowed, as long as the next put finds a slot.
    std::uint64_t refused = 0;

    void print(const std::string& what) const
    {
        std::cout << what << ": kills " << kills << ", torn " << torn << ", stuck " << stuck
                  << ", leaked " << leaked << ", lost " << lost << " (refused puts " << refused
                  << ")" << std::endl;
    }

    [[nodiscard]] bool nothing_wrong() const { return torn + stuck + leaked + lost == 0; }

    void expect_nothing_wrong() const
    {
        EXPECT_EQ(torn, 0U);
        EXPECT_EQ(stuck, 0U);
        EXPECT_EQ(leaked, 0U);
        EXPECT_EQ(lost, 0U);
    }
};

[[nodiscard]] inline PoolMetadata crash_metadata(const std::string& name,
                                                 std::uint32_t history_len = 4)
{
    PoolMetadata metadata;
    metadata.name = name;
    metadata.shape = {512};
    metadata.dtype = *dtype_from_name("uint64");
    metadata.history_len = history_len;
    return metadata;
}

/// No two alike, whichever process makes them.
[[nodiscard]] inline std::uint64_t new_token()
{
    static std::uint64_t count = 0;
    return (static_cast<std::uint64_t>(::getpid()) << 40U) + (++count << 12U);
}

inline void write_token(std::span<std::byte> bytes, std::uint64_t token)
{
    auto* words = reinterpret_cast<std::uint64_t*>(bytes.data());
    for (std::size_t j = 0; j < bytes.size() / sizeof(std::uint64_t); ++j) {
        words[j] = token + j;
    }
}

/// The frame's token; nothing when it is torn.
[[nodiscard]] inline std::optional<std::uint64_t> token_of(std::span<const std::byte> bytes)
{
    const auto* words = reinterpret_cast<const std::uint64_t*>(bytes.data());
    for (std::size_t j = 1; j < bytes.size() / sizeof(std::uint64_t); ++j) {
        if (words[j] != words[0] + j) {
            return std::nullopt;
        }
    }
    return words[0];
}

/// Publishes one frame, by put or by loan.
[[nodiscard]] inline bool publish(Producer& producer, std::uint64_t token)
{
    if (token >> 12U & 1U) {
        auto loan = producer.loan();
        if (!loan) {
            return false;
        }
        write_token(loan->bytes(), token);
        return loan->publish().has_value();
    }
    std::vector<std::uint64_t> words(producer.geometry().frame_bytes / sizeof(std::uint64_t));
    write_token(std::as_writable_bytes(std::span(words)), token);
    return producer.put(std::as_bytes(std::span(words))).ok();
}

/// A consumer that lives through it all, holds frames meanwhile, and misses nothing.
class Witness {
public:
    Witness(PoolMetadata metadata, CrashReport& report)
        : metadata_(std::move(metadata)), report_(&report)
    {
    }

    /// Takes what is there and checks it, new and held.
    void look()
    {
        if (auto window = take(1 + looks_++ % metadata_.history_len)) {
            check(*window);
            held_.push_back(std::move(*window));
        }
        if (held_.size() > 2) {
            recheck(held_.front());
            held_.pop_front();
        }
    }

    /// Token of the newest frame; 0 when there is none.
    [[nodiscard]] std::uint64_t newest_token()
    {
        const auto window = take(1);
        return window ? token_of(window->bytes()).value_or(0) : 0;
    }

    void drop_all()
    {
        for (const FrameWindow& window : held_) {
            recheck(window);
        }
        held_.clear();
    }

private:
    std::optional<FrameWindow> take(std::uint32_t count)
    {
        if (!consumer_) {
            auto followed = Consumer::follow(metadata_);
            if (!followed) {
                return std::nullopt;  // something else is left over under that name
            }
            consumer_ = std::move(followed).value();
        }
        auto window = consumer_->history(count);
        if (!window) {
            return std::nullopt;
        }
        return std::move(*window);
    }

    void check(const FrameWindow& window)
    {
        for (std::uint32_t age = 0; age < window.count(); ++age) {
            const auto token = token_of(window.bytes(age));
            const auto key = std::pair(consumer_->attachments(), window.info().index - age);
            const bool is_same = token && tokens_.try_emplace(key, *token).first->second == *token;
            report_->torn += is_same ? 0 : 1;
        }
        while (tokens_.size() > 1000) {
            tokens_.erase(tokens_.begin());
        }
    }

    void recheck(const FrameWindow& window)
    {
        for (std::uint32_t age = 0; age < window.count(); ++age) {
            report_->torn += token_of(window.bytes(age)) ? 0 : 1;
        }
    }

    PoolMetadata metadata_;
    CrashReport* report_;
    std::optional<Consumer> consumer_;
    std::deque<FrameWindow> held_;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> tokens_;
    std::uint32_t looks_ = 0;
};

/// Publishes one frame beside living consumers that do what they like.
inline void publish_beside_others(Producer& producer, CrashReport& report, std::uint64_t token)
{
    const std::uint64_t deadline = hang_deadline_ns();
    while (!publish(producer, token)) {
        ++report.refused;
        if (os::monotonic_ns() > deadline) {
            ++report.stuck;
            return;
        }
    }
}

/// Publishes once round the ring; every put has to succeed and the witness has to see the last.
/// @return the token of the newest frame
inline std::uint64_t expect_publishing_works(Producer& producer, Witness& witness,
                                             CrashReport& report)
{
    std::uint64_t token = 0;
    for (std::uint32_t i = 0; i < producer.geometry().slot_count + 2; ++i) {
        token = new_token();
        report.stuck += publish(producer, token) ? 0 : 1;
        witness.look();
    }
    report.lost += witness.newest_token() == token ? 0 : 1;
    return token;
}

/// Takes every slot at once, which works when no pin of the dead is left. Then one more frame.
inline void expect_every_slot_is_free(Producer& producer, Witness& witness, CrashReport& report)
{
    witness.drop_all();
    {
        std::vector<Loan> loans;
        for (std::uint32_t i = 0; i < producer.geometry().slot_count; ++i) {
            auto loan = producer.loan();
            if (loan) {
                loans.push_back(std::move(loan).value());
            } else {
                ++report.leaked;
            }
        }
    }
    const std::uint64_t token = new_token();
    report.stuck += publish(producer, token) ? 0 : 1;
    report.lost += witness.newest_token() == token ? 0 : 1;
}

}  // namespace tensor_ipc::testing
