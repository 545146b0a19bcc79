/// The protocol on plain memory: one address per byte, so that ThreadSanitizer sees whether reads
/// and writes of a frame are ordered. (Pools map their pages once per process and twice per ring.)
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "../unit/ring/ring_in_memory.hpp"
#include "torn_frames.hpp"

namespace tensor_ipc {
namespace {

class RingThreads : public testing::RingInMemory {
protected:
    static constexpr std::size_t kWords = 64;
    using Payload = std::array<std::uint64_t, kWords>;

    static std::span<std::byte> bytes_of(Payload& payload)
    {
        return std::as_writable_bytes(std::span(payload));
    }

    void read_until(const std::atomic<bool>& stop, std::uint32_t id, testing::Tally& tally)
    {
        const FrameReader reader(memory_, id);
        std::optional<FramePlace> kept;
        const auto drop = [&] {
            if (kept) {
                tally.torn +=
                    testing::is_frame(bytes_of(payload_[kept->slot]), kept->frame) ? 0 : 1;
                reader.unpin(kept->slot);
                kept.reset();
            }
        };
        while (!stop) {
            const auto newest = reader.latest();
            if (!newest || reader.pin(*newest) == PinOutcome::Overwritten) {
                continue;
            }
            ++tally.checked;
            tally.torn +=
                testing::is_frame(bytes_of(payload_[newest->slot]), newest->frame) ? 0 : 1;
            drop();
            if (newest->frame % 3 == 0) {
                kept = newest;
            } else {
                reader.unpin(newest->slot);
            }
        }
        drop();
    }

    std::array<Payload, kSlots> payload_{};
};

/// Slots on their way from the thread that claims them to the one that writes and commits them.
class Handed {
public:
    /// Sleeps while there is no room.
    void put(std::uint32_t slot)
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return slots_.size() < kRoom; });
        slots_.push_back(slot);
        changed_.notify_all();
    }

    /// Sleeps until there is one.
    std::uint32_t take()
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !slots_.empty(); });
        const std::uint32_t slot = slots_.front();
        slots_.pop_front();
        changed_.notify_all();
        return slot;
    }

private:
    static constexpr std::size_t kRoom = 2;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::uint32_t> slots_;
};

TEST_F(RingThreads, OrderEveryReadOfAFrameAgainstItsNeighboursInTime)
{
    const std::uint64_t frames =
        testing::number_from_environment("TENSOR_IPC_STRESS_FRAMES", 200'000);
    constexpr std::size_t kReaders = 3;
    std::array<testing::Tally, kReaders> tallies;
    std::atomic<bool> stop{false};
    std::vector<std::thread> readers;
    for (std::size_t i = 0; i < kReaders; ++i) {
        readers.emplace_back(
            [&, i] { read_until(stop, static_cast<std::uint32_t>(2 * i), tallies[i]); });
    }
    FrameWriter writer(memory_, liveness_);
    const auto all_read = [&] {
        return std::ranges::all_of(tallies, [](const auto& tally) { return tally.checked > 100; });
    };

    while (writer.next_frame() < frames || !all_read()) {
        if (const auto slot = writer.claim()) {
            testing::write_frame(bytes_of(payload_[*slot]), writer.next_frame());
            writer.commit(*slot, 1, 1);
        }
    }
    stop = true;
    for (std::thread& reader : readers) {
        reader.join();
    }

    for (const testing::Tally& tally : tallies) {
        EXPECT_EQ(tally.torn, 0U);
    }
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        EXPECT_FALSE(memory_.is_pinned(slot));
    }
}

TEST_F(RingThreads, MayClaimInOneThreadAndCommitInAnother)
{
    const std::uint64_t frames =
        testing::number_from_environment("TENSOR_IPC_STRESS_FRAMES", 200'000) / 4;
    testing::Tally tally;
    std::atomic<bool> stop{false};
    std::thread consumer([&] { read_until(stop, 0, tally); });
    FrameWriter writer(memory_, liveness_);
    Handed handed;
    constexpr std::uint32_t kNoMore = kSlots;
    std::thread device([&] {
        for (auto slot = handed.take(); slot != kNoMore; slot = handed.take()) {
            testing::write_frame(bytes_of(payload_[slot]), writer.next_frame());
            writer.commit(slot, 1, 1);
        }
    });

    std::uint64_t given = 0;
    for (std::uint64_t claims = 0; given < frames || tally.checked <= 100; ++claims) {
        const auto slot = writer.claim();
        if (slot && claims % 7 == 0) {
            writer.abandon(*slot);
        } else if (slot) {
            handed.put(*slot);
            ++given;
        }
    }
    handed.put(kNoMore);
    device.join();
    stop = true;
    consumer.join();

    EXPECT_EQ(tally.torn, 0U);
    EXPECT_EQ(writer.next_frame(), given);
}

}  // namespace
}  // namespace tensor_ipc
