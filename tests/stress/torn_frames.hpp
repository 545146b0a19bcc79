/// The torn-frame test: one producer at full speed, consumers that hold frames for a while and
/// compare every byte when they get a frame and again before they drop it.
///
/// Word j of frame n is `n * kStep + j`, so a word of any other frame, or of another place in the
/// frame, is noticed.
#pragma once

#include <atomic>
#include <deque>
#include <iostream>
#include <random>

#include "support/pool_test.hpp"

namespace tensor_ipc::testing {

inline constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15;
inline constexpr int kConsumers = 4;

/// What one consumer did; in memory that processes share.
struct Tally {
    std::atomic<std::uint64_t> checked{0};    ///< frames compared, each time
    std::atomic<std::uint64_t> windows{0};    ///< of more than one frame
    std::atomic<std::uint64_t> copied{0};     ///< frames that were no views
    std::atomic<std::uint64_t> torn{0};       ///< frames with a wrong byte
    std::atomic<std::uint64_t> backwards{0};  ///< newest frames older than one before: allowed
                                              ///< while the producer writes over the newest
    std::atomic<std::uint64_t> refused{0};    ///< calls that ended in an error
};

struct TornFrames {
    std::atomic<bool> stop{false};
    std::array<Tally, kConsumers> consumers;
};

[[nodiscard]] inline std::uint64_t number_from_environment(const char* name,
                                                           std::uint64_t otherwise)
{
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

[[nodiscard]] inline PoolMetadata torn_frames_metadata(const std::string& name)
{
    PoolMetadata metadata;
    metadata.name = name;
    metadata.shape = {2048};
    metadata.dtype = *dtype_from_name("uint64");
    metadata.history_len = 8;
    return metadata;
}

inline void write_frame(std::span<std::byte> bytes, std::uint64_t frame)
{
    auto* words = reinterpret_cast<std::uint64_t*>(bytes.data());
    for (std::size_t j = 0; j < bytes.size() / sizeof(std::uint64_t); ++j) {
        words[j] = frame * kStep + j;
    }
}

[[nodiscard]] inline bool is_frame(std::span<const std::byte> bytes, std::uint64_t frame)
{
    const auto* words = reinterpret_cast<const std::uint64_t*>(bytes.data());
    std::uint64_t wrong = 0;
    for (std::size_t j = 0; j < bytes.size() / sizeof(std::uint64_t); ++j) {
        wrong |= words[j] ^ (frame * kStep + j);
    }
    return wrong == 0;
}

inline void check(const FrameWindow& window, Tally& tally)
{
    for (std::uint32_t age = 0; age < window.count(); ++age) {
        ++tally.checked;
        tally.torn += is_frame(window.bytes(age), window.info().index - age) ? 0 : 1;
    }
}

/// Reads until told to stop.
inline void consume(const PoolMetadata& metadata, TornFrames& shared, int me)
{
    Tally& tally = shared.consumers.at(static_cast<std::size_t>(me));
    std::mt19937 random(static_cast<unsigned>(me) + 1);
    const auto below = [&](std::uint32_t limit) { return random() % limit; };
    ConsumerOptions options;
    options.max_pins = static_cast<std::uint32_t>(3 + me);
    Consumer consumer = must(Consumer::follow(metadata, options));
    std::deque<FrameWindow> held;
    std::uint64_t newest = 0;
    while (!shared.stop) {
        const std::uint32_t choice = below(10);
        std::optional<FrameWindow> window;
        if (choice == 0 && newest > 0) {
            auto frame = consumer.frame(
                newest - below(std::min<std::uint32_t>(8, static_cast<std::uint32_t>(newest))));
            tally.refused += frame ? 0 : 1;
            if (frame && *frame) {
                window = std::move(**frame).into_window();
            }
        } else {
            auto got = consumer.history(choice < 6 ? 1 : 1 + below(metadata.history_len));
            tally.refused += got ? 0 : 1;
            if (got && *got) {
                window = std::move(**got);
                tally.backwards += window->info().index < newest ? 1 : 0;
                newest = std::max(newest, window->info().index);
            }
        }
        if (window) {
            check(*window, tally);
            tally.copied += window->copied() ? window->count() : 0;
            tally.windows += window->count() > 1 ? 1 : 0;
            held.push_back(std::move(*window));
        }
        while (held.size() > below(options.max_pins + 2)) {
            check(held.front(), tally);
            held.pop_front();
        }
    }
    for (const FrameWindow& window : held) {
        check(window, tally);
    }
}

/// Publishes at least `frames` frames, and until every consumer has checked enough.
/// @return puts that were refused
inline std::uint64_t produce(Producer& producer, TornFrames& shared, std::uint64_t frames)
{
    constexpr std::uint64_t kEnough = 500;
    const std::uint64_t deadline = hang_deadline_ns();
    const auto all_have_enough = [&] {
        return std::ranges::all_of(shared.consumers, [](const Tally& tally) {
            return tally.checked >= kEnough && tally.windows > 0;
        });
    };
    std::vector<std::uint64_t> words(producer.geometry().frame_bytes / sizeof(std::uint64_t));
    const std::span<std::byte> bytes = std::as_writable_bytes(std::span(words));
    std::uint64_t refused = 0;
    std::uint64_t next = 0;
    while ((next < frames || !all_have_enough()) && os::monotonic_ns() < deadline) {
        if (next % 2 == 0) {
            write_frame(bytes, next);
            const auto put = producer.put(bytes);
            refused += put ? 0 : 1;
            next += put ? 1 : 0;
        } else {
            auto loan = producer.loan();
            refused += loan ? 0 : 1;
            if (loan) {
                write_frame(loan->bytes(), next);
                next += loan->publish() ? 1 : 0;
            }
        }
    }
    shared.stop = true;
    return refused;
}

inline void expect_sound(const TornFrames& shared, const Producer& producer, std::uint64_t refused)
{
    std::uint64_t checked = 0;
    std::uint64_t copied = 0;
    std::uint64_t backwards = 0;
    for (const Tally& tally : shared.consumers) {
        EXPECT_EQ(tally.torn, 0U);
        // Whoever gets no processor for as long as its patience is refused, at times.
        EXPECT_LE(tally.refused, 1 + tally.checked / 10'000);
        EXPECT_GT(tally.checked, 0U);
        EXPECT_GT(tally.windows, 0U);
        checked += tally.checked;
        copied += tally.copied;
        backwards += tally.backwards;
    }
    EXPECT_EQ(refused, 0U);
    std::cout << "frames " << producer.stats().frames << ", compared " << checked << ", copied "
              << copied << ", skipped slots " << producer.stats().skipped_slots << ", backwards "
              << backwards << std::endl;
}

}  // namespace tensor_ipc::testing
