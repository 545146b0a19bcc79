/// What a consumer gets: frames that do not change while they are held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "tensor_ipc/cuda/device.hpp"
#include "tensor_ipc/cuda/driver_abi.hpp"
#include "tensor_ipc/pool/attachment.hpp"

namespace tensor_ipc {

/// Number, times and extent of one frame.
struct FrameInfo {
    std::uint64_t index = 0;         ///< counts from 0
    std::uint64_t published_ns = 0;  ///< CLOCK_MONOTONIC at publication
    std::uint64_t captured_ns = 0;   ///< what the producer gave, else published_ns
    std::uint64_t extent = 0;        ///< rows: its shape[0], or 1 for a scalar
};

class FrameHold;

/// Lets go of a frame on a device when the device is done with it, and of others at once.
struct LetGoInStreamOrder {
    void operator()(FrameHold* hold) const noexcept;
};

/// `count` frames, `stride_bytes` apart, as one strided range of memory, in the order of their
/// publication. Successive ones, except where Consumer::frames_between() says so. Each has its own
/// extent in a pool of varying extent. Move-only.
///
/// Usually the producer's own memory, mapped read-only and pinned: the producer goes round it as
/// long as this lives. A copy of its own when `copied()`. Outlives its consumer and the pool.
/// May be destroyed in any thread; that makes no system call unless it is the consumer's last.
///
/// Frames of a device pool (`on_device()`) have `device_address` in place of `bytes`, which is
/// empty. They are complete, so any stream may read them at once, and they stay as they are until
/// the device is done with what the streams were asked for that `record_stream` and `release` named
/// by then. Where none was named although an address was asked for, that is the legacy default
/// stream, which waits for all streams that are not of the non-blocking kind. Never to be written
/// to.
class FrameWindow {
public:
    FrameWindow() = default;

    FrameWindow(FrameWindow&& other) noexcept = default;

    FrameWindow& operator=(FrameWindow&& other) noexcept
    {
        if (this != &other) {
            release();
            pool_ = std::move(other.pool_);
            hold_ = std::move(other.hold_);
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

    /// The bytes of the frame that is `age` frames older than the newest, 0 <= age < count(). Empty
    /// for frames on a device.
    [[nodiscard]] std::span<const std::byte> bytes(std::uint32_t age = 0) const noexcept
    {
        return {payload(age), extent_at(age) * pool_->geometry().host_row_bytes};
    }

    /// How many bytes that frame has, wherever it lies.
    [[nodiscard]] std::uint64_t payload_bytes(std::uint32_t age = 0) const noexcept
    {
        return extent_at(age) * pool_->geometry().row_bytes;
    }

    /// Whether the frames lie in device memory.
    [[nodiscard]] bool on_device() const noexcept
    {
        return hold_ != nullptr && pool_->geometry().on_device();
    }

    /// Where the frame begins that is `age` frames older than the newest; on_device() only. The
    /// frames lie device_stride_bytes() apart, in the order that newest_first() says.
    [[nodiscard]] cuda::DevicePointer device_address(std::uint32_t age = 0) const noexcept;

    /// Bytes from one frame to its neighbour on the device.
    [[nodiscard]] std::uint64_t device_stride_bytes() const noexcept
    {
        return pool_->geometry().device_stride;
    }

    /// The device, by this process's number; on_device() only.
    [[nodiscard]] const cuda::Device& device() const noexcept;

    /// Whether nobody else sees what this process writes to the frames: those of Vmm memory are
    /// mapped for reading, and copies are its own. on_device() only.
    [[nodiscard]] bool is_write_protected() const noexcept;

    /// Names a stream that reads the frames: they stay until it has done what it is asked for by
    /// the time that this dies. Thread-safe. Does nothing for frames of host memory.
    void record_stream(cuda::StreamHandle stream) const;

    /// Lets go of the frames now, as far as this process goes; the producer gets the slots when
    /// `stream`, and those of `record_stream`, have done what they are asked for now. What is left
    /// is as moved from.
    void release(cuda::StreamHandle stream) noexcept;

    /// Copies one frame to the host. Blocking.
    /// @param into  payload_bytes(age)
    /// @return CudaFailed
    [[nodiscard]] Result<void> copy_to_host(std::span<std::byte> into, std::uint32_t age = 0) const;

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
    [[nodiscard]] bool copied() const noexcept { return hold_ != nullptr && is_copy(); }

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
        if (hold_ != nullptr) {
            hold_.reset();
        } else if (pool_) {
            pool_->let_go(newest_slot_, count_);
        }
        count_ = 0;
    }

    [[nodiscard]] bool is_copy() const noexcept;

    AttachmentRef pool_;
    /// What is held that are not pins of host memory: a copy, or frames on a device with their
    /// pins.
    std::unique_ptr<FrameHold, LetGoInStreamOrder> hold_;
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

    /// As those of FrameWindow.
    [[nodiscard]] bool on_device() const noexcept { return window_.on_device(); }

    [[nodiscard]] std::uint64_t payload_bytes() const noexcept { return window_.payload_bytes(); }

    [[nodiscard]] cuda::DevicePointer device_address() const noexcept
    {
        return window_.device_address();
    }

    [[nodiscard]] const cuda::Device& device() const noexcept { return window_.device(); }

    void record_stream(cuda::StreamHandle stream) const { window_.record_stream(stream); }

    void release(cuda::StreamHandle stream) noexcept { window_.release(stream); }

    [[nodiscard]] Result<void> copy_to_host(std::span<std::byte> into) const
    {
        return window_.copy_to_host(into);
    }

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
