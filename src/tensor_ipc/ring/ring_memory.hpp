/// The control bytes of a pool as typed places.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "tensor_ipc/base/test_point.hpp"
#include "tensor_ipc/layout/geometry.hpp"
#include "tensor_ipc/layout/pool_header.hpp"
#include "tensor_ipc/layout/slot_header.hpp"

namespace tensor_ipc {

/// A frame's number and the slot that holds it.
struct FramePlace {
    std::uint64_t frame = 0;
    std::uint32_t slot = 0;
};

/// Where the words of the protocol lie. Does not own the bytes. Every index that comes out of the
/// shared bytes is checked here, so that a hostile pool cannot lead anyone out of its mapping.
class RingMemory {
public:
    RingMemory() = default;

    /// @param control  the first `geometry.payload_offset` bytes of a segment
    RingMemory(std::byte* control, const Geometry& geometry) noexcept
        : header_(reinterpret_cast<PoolHeader*>(control)),
          slots_(reinterpret_cast<SlotHeader*>(control + geometry.slots_offset)),
          pins_(reinterpret_cast<std::atomic<std::uint8_t>*>(control + geometry.pins_offset)),
          consumers_(reinterpret_cast<ConsumerEntry*>(control + geometry.consumers_offset)),
          geometry_(geometry)
    {
    }

    [[nodiscard]] PoolHeader& header() const noexcept { return *header_; }

    [[nodiscard]] SlotHeader& slot(std::uint32_t index) const noexcept { return slots_[index]; }

    [[nodiscard]] std::atomic<std::uint8_t>& pin(std::uint32_t slot,
                                                 std::uint32_t consumer) const noexcept
    {
        return pins_[std::size_t{slot} * geometry_.consumer_capacity + consumer];
    }

    [[nodiscard]] ConsumerEntry& consumer(std::uint32_t index) const noexcept
    {
        return consumers_[index];
    }

    [[nodiscard]] const Geometry& geometry() const noexcept { return geometry_; }

    [[nodiscard]] std::uint32_t slot_count() const noexcept { return geometry_.slot_count; }

    /// Consumer ids in use are below this.
    [[nodiscard]] std::uint32_t consumer_limit() const noexcept
    {
        const auto high = header_->consumer_high_water.load(std::memory_order_seq_cst);
        return high < geometry_.consumer_capacity ? high : geometry_.consumer_capacity;
    }

    /// Consumers that have not left in order: those that live, and those that were killed.
    [[nodiscard]] std::uint32_t consumers_in_table() const noexcept
    {
        std::uint32_t count = 0;
        const std::uint32_t limit = consumer_limit();
        for (std::uint32_t id = 0; id < limit; ++id) {
            count += consumer(id).pid.load(std::memory_order_relaxed) != 0 ? 1 : 0;
        }
        return count;
    }

    /// The newest frame; nothing before the first, or when the word is damaged.
    [[nodiscard]] std::optional<FramePlace> latest() const noexcept
    {
        const std::uint64_t word = header_->latest.load(std::memory_order_seq_cst);
        const FramePlace place{(word >> 16U) - 1, static_cast<std::uint32_t>(word & 0xFFFFU)};
        if (word >> 16U == 0 || place.slot >= geometry_.slot_count) {
            return std::nullopt;
        }
        return place;
    }

    /// Whether any consumer pins `slot`.
    [[nodiscard]] bool is_pinned(std::uint32_t slot) const noexcept
    {
        const std::uint32_t limit = consumer_limit();
        for (std::uint32_t id = 0; id < limit; ++id) {
            if (pin(slot, id).load(std::memory_order_seq_cst) != 0) {
                return true;
            }
        }
        return false;
    }

    /// Forgets all pins of a consumer that is gone. The caller holds that consumer's lock.
    void clear_column(std::uint32_t consumer) const noexcept
    {
        for (std::uint32_t slot = 0; slot < geometry_.slot_count; ++slot) {
            pin(slot, consumer).store(0, std::memory_order_release);
        }
    }

    /// Makes the producer look at column `consumer`. Its new owner calls this after clearing the
    /// column and before it pins anything.
    /// @return false when the word changes without end, as it does in no sound pool
    [[nodiscard]] bool raise_high_water(std::uint32_t consumer) const noexcept
    {
        // Each turn that fails, another consumer has raised it, which 256 of them do once each.
        constexpr int kTurns = 1000;
        // sync pin-vs-claim (seq_cst), other end: consumer_limit(), as FrameWriter::try_claim reads
        // it. A producer that misses the raise has marked its slot before, and our pin comes after.
        std::atomic<std::uint32_t>& high = header_->consumer_high_water;
        std::uint32_t seen = high.load(std::memory_order_seq_cst);
        for (int turn = 0; turn < kTurns; ++turn) {
            TENSOR_IPC_TEST_POINT("attach:raising");
            if (seen > consumer ||
                high.compare_exchange_weak(seen, consumer + 1, std::memory_order_seq_cst)) {
                return true;
            }
        }
        return false;
    }

private:
    PoolHeader* header_ = nullptr;
    SlotHeader* slots_ = nullptr;
    std::atomic<std::uint8_t>* pins_ = nullptr;
    ConsumerEntry* consumers_ = nullptr;
    Geometry geometry_;
};

}  // namespace tensor_ipc
