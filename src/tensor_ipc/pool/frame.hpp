/// What a consumer gets: frames that do not change while they are held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "tensor_ipc/pool/attachment.hpp"

namespace tensor_ipc {

/// Number, times and extent of one frame.
struct FrameInfo {
    std::uint64_t index = 0;         ///< counts from 0
    std::uint64_t published_ns = 0;  ///< CLOCK_MONOTONIC at publication
    std::uint64_t captured_ns = 0;   ///< what the producer gave, else published_ns
    std::uint64_t extent = 0;        ///< rows: its shape[0], or 1 for a scalar
};

/// `count` frames, `stride_bytes` apart, as one strided range of memory, in the order of their
/// publication. Successive ones, except where Consumer::frames_between() says so. Each has its own
/// extent in a pool of varying extent. Move-only.
///
/// Usually the producer's own memory, mapped read-only and pinned: the producer goes round it as
/// long as this lives. A copy of its own when `copied()`. Outlives its consumer and the pool.
/// May be destroyed in any thread; that makes no system call unless it is the consumer's last.
class FrameWindow {
public:
    FrameWindow() = default;

    FrameWindow(FrameWindow&& other) noexcept = default;

    FrameWindow& operator=(FrameWindow&& other) noexcept
    {
        if (this != &other) {
            release();
            pool_ = std::move(other.pool_);
            owned_ = std::move(other.owned_);
            infos_ = std::move(other.infos_);
            lowest_ = other.lowest_;
            newest_ = other.newest_;
            newest_slot_ = other.newest_slot_;
            count_ = other.count_;
        }
        return *this;
    }

    FrameWindow(const FrameWindow&) = delete;
    FrameWindow& operator=(const FrameWindow&) = delete;

    ~FrameWindow() { release(); }

    /// How many frames; at least 1 unless moved from.
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

    /// The bytes of the frame that is `age` frames older than the newest, 0 <= age < count().
    [[nodiscard]] std::span<const std::byte> bytes(std::uint32_t age = 0) const noexcept
    {
        return {payload(age), extent_at(age) * pool_->geometry().row_bytes};
    }

    /// The key-value texts that its producer gave the frame, packed; unpack_user_metadata() reads
    /// them. Not trusted, as all that the producer wrote.
    [[nodiscard]] std::string_view user_metadata(std::uint32_t age = 0) const noexcept
    {
        return headroom_of(payload(age)).packed_user_metadata();
    }

    /// What the producer wrote right in front of the bytes (Loan::wire_headroom), else undefined.
    [[nodiscard]] std::span<const std::byte, kWireHeadroomBytes> wire_headroom(
        std::uint32_t age = 0) const noexcept
    {
        return headroom_of(payload(age)).wire;
    }

    /// Bytes from one frame to its neighbour.
    [[nodiscard]] std::uint64_t stride_bytes() const noexcept
    {
        return pool_->geometry().slot_stride;
    }

    /// Whether the newest frame has the lowest address, else the oldest.
    [[nodiscard]] bool newest_first() const noexcept
    {
        return pool_->geometry().memory_order == MemoryOrder::NewestFirst;
    }

    /// Number, times and extent of the newest frame.
    [[nodiscard]] const FrameInfo& info() const noexcept { return newest_; }

    /// Number, times and extent of the frame whose bytes are `bytes(age)`.
    [[nodiscard]] FrameInfo info_at(std::uint32_t age) const noexcept
    {
        if (infos_ != nullptr) {
            return infos_[age];
        }
        // The slots are pinned, so what their headers say stays as it is.
        const std::uint32_t slots = pool_->geometry().slot_count;
        const SlotHeader& slot =
            pool_->reader().memory().slot((newest_slot_ + slots - age) % slots);
        return {newest_.index - age, slot.published_ns.load(std::memory_order_relaxed),
                slot.captured_ns.load(std::memory_order_relaxed), newest_.extent};
    }

    /// Shape, dtype and name of the pool.
    [[nodiscard]] const PoolMetadata& metadata() const noexcept
    {
        return pool_->segment().metadata;
    }

    /// Whether these are bytes of our own, not the producer's.
    [[nodiscard]] bool copied() const noexcept { return owned_ != nullptr; }

private:
    friend class FrameSource;
    friend class PrivateWindow;

    [[nodiscard]] const std::byte* payload(std::uint32_t age) const noexcept
    {
        return lowest_ + (newest_first() ? age : count_ - 1 - age) * stride_bytes();
    }

    [[nodiscard]] std::uint64_t extent_at(std::uint32_t age) const noexcept
    {
        return infos_ != nullptr ? infos_[age].extent : newest_.extent;
    }

    [[nodiscard]] std::uint64_t run_in_ring() const noexcept
    {
        return pool_->geometry().run_in_ring(newest_slot_, count_);
    }

    void release() noexcept
    {
        if (pool_ && owned_ == nullptr) {
            pool_->let_go(newest_slot_, count_);
        }
        count_ = 0;
    }

    AttachmentRef pool_;
    std::unique_ptr<std::byte[]> owned_;  // NOLINT(*-avoid-c-arrays)
    /// By age. Null where the slot headers say it and all frames have the extent of the newest.
    /// Extents are read once: bytes that others can write could say something else the next time.
    std::unique_ptr<FrameInfo[]> infos_;  // NOLINT(*-avoid-c-arrays)
    const std::byte* lowest_ = nullptr;
    FrameInfo newest_;
    std::uint32_t newest_slot_ = 0;
    std::uint32_t count_ = 0;
};

/// One frame: a window of one.
class Frame {
public:
    explicit Frame(FrameWindow window) noexcept : window_(std::move(window)) {}

    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return window_.bytes(); }

    [[nodiscard]] const FrameInfo& info() const noexcept { return window_.info(); }

    /// As FrameWindow::user_metadata.
    [[nodiscard]] std::string_view user_metadata() const noexcept
    {
        return window_.user_metadata();
    }

    [[nodiscard]] const PoolMetadata& metadata() const noexcept { return window_.metadata(); }

    [[nodiscard]] bool copied() const noexcept { return window_.copied(); }

    [[nodiscard]] FrameWindow into_window() && noexcept { return std::move(window_); }

private:
    FrameWindow window_;
};

}  // namespace tensor_ipc
