/// A consumer's side of a device: the memory that it has open there, and how slots are given back
/// when the device is done with them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cuda/context.hpp"
#include "tensor_ipc/cuda/device_memory.hpp"
#include "tensor_ipc/cuda/stream.hpp"
#include "tensor_ipc/layout/geometry.hpp"
#include "tensor_ipc/pool/attachment.hpp"

namespace tensor_ipc {

/// Frees what the device is done with: attachments and copies whose last frames were let go of in
/// the order of a stream, and which a thread of the driver must not free. Each get and release of a
/// device pool does it too. Not blocking. Thread-safe.
void drop_finished_frames() noexcept;

class DeviceReader;

/// What one window of frames holds beside pins of host memory: pins of slots on a device, or memory
/// of its own. Let go of once, by its last owner, who may be a thread of the driver.
class FrameHold {
public:
    FrameHold(AttachmentRef pool, std::uint32_t newest_slot, std::uint32_t count) noexcept;
    FrameHold(const FrameHold&) = delete;
    FrameHold& operator=(const FrameHold&) = delete;
    FrameHold(FrameHold&&) = delete;
    FrameHold& operator=(FrameHold&&) = delete;
    ~FrameHold() = default;

    /// Where the frame with the lowest address begins.
    [[nodiscard]] cuda::DevicePointer lowest() const noexcept
    {
        was_handed_out_.store(true, std::memory_order_relaxed);
        return lowest_;
    }

    /// The same, for copies of our own, which are over before this dies.
    [[nodiscard]] cuda::DevicePointer lowest_for_now() const noexcept { return lowest_; }

    [[nodiscard]] const AttachmentRef& pool() const noexcept { return pool_; }

    /// The copy in host memory; null where this is none.
    [[nodiscard]] std::byte* host_copy() const noexcept { return host_copy_.get(); }

private:
    friend class DeviceReader;
    friend class FrameSource;
    friend void drop_finished_frames() noexcept;

    static void finish(void* argument) noexcept;
    void unpin() noexcept;

    AttachmentRef pool_;
    std::unique_ptr<std::byte[]> host_copy_;  // NOLINT(*-avoid-c-arrays): headrooms, and payloads
    std::shared_ptr<const cuda::DeviceMemory> owned_;  ///< payloads of a copy on a device
    cuda::DevicePointer lowest_ = 0;
    std::uint32_t newest_slot_;
    std::uint32_t count_;  ///< slots that are pinned; 0 for a copy
    mutable std::atomic<bool> was_handed_out_{false};
    std::vector<cuda::StreamHandle> streams_;  ///< under the reader's mutex
    FrameHold* next_ = nullptr;                ///< in the list of those that are finished
};

/// Belongs to one attachment of a device pool.
class DeviceReader {
public:
    /// Opens the memory of `ticket`: finds its device by UUID, and waits up to two seconds for a
    /// creator that hands it out itself. Blocking.
    [[nodiscard]] static Result<std::unique_ptr<DeviceReader>> open(
        const cuda::MemoryTicket& ticket, const Geometry& geometry);

    [[nodiscard]] const cuda::Device& device() const noexcept { return context_->device(); }

    [[nodiscard]] const cuda::DeviceMemory& memory() const noexcept { return *memory_; }

    /// Whether `count` consecutive slots that end with `newest` are one strided range of addresses.
    [[nodiscard]] bool is_one_range(std::uint32_t newest, std::uint32_t count) const noexcept;

    /// Where the lowest frame of such a range begins.
    [[nodiscard]] cuda::DevicePointer run(std::uint32_t newest, std::uint32_t count) const noexcept
    {
        return memory_->address() +
               geometry_.payload_on_device(geometry_.lowest_slot(newest, count));
    }

    /// Memory of our own for `count` frames.
    [[nodiscard]] Result<std::shared_ptr<cuda::DeviceMemory>> allocate(std::uint32_t count) const;

    /// Copies `bytes` of a slot that the caller has pinned. Blocking.
    [[nodiscard]] Result<void> copy(cuda::DevicePointer to, std::uint32_t slot,
                                    std::uint64_t bytes) const;

    [[nodiscard]] Result<void> copy_to_host(void* to, cuda::DevicePointer from,
                                            std::uint64_t bytes) const;

    void record_stream(FrameHold& hold, cuda::StreamHandle stream);

    /// Lets `hold` go when the device is done with it (FrameWindow says what that means), or now,
    /// when the driver refuses. Where a graph has captured one of its streams, the pins stay until
    /// the attachment goes, because the graph may run again.
    void let_go(std::unique_ptr<FrameHold> hold) noexcept;

    /// The refusal that a copy of frames has just failed with; asked for once.
    [[nodiscard]] std::optional<Error> take_failure();
    void keep_failure(Error failure);

    DeviceReader(const DeviceReader&) = delete;
    DeviceReader& operator=(const DeviceReader&) = delete;
    DeviceReader(DeviceReader&&) = delete;
    DeviceReader& operator=(DeviceReader&&) = delete;
    ~DeviceReader() = default;

private:
    enum class Order : std::uint8_t { Follows, Captured, Broken };

    DeviceReader(cuda::ContextRef context, std::shared_ptr<const cuda::DeviceMemory> memory,
                 cuda::Stream releases, cuda::Stream copies, cuda::Event mark,
                 const Geometry& geometry) noexcept;

    [[nodiscard]] Result<void> finish_copies(const cuda::CurrentContext& current) const;
    Order order_after(const cuda::CurrentContext& current, cuda::StreamHandle stream) const;
    Order order_after_all(const cuda::CurrentContext& current, const FrameHold& hold) const;

    cuda::ContextRef context_;
    std::shared_ptr<const cuda::DeviceMemory> memory_;
    cuda::Stream releases_;  ///< has the host functions that unpin, and waits for users' streams
    cuda::Stream copies_;
    cuda::Event mark_;  ///< each record of it is waited for at once, under the mutex
    Geometry geometry_;
    std::mutex mutex_;
    std::optional<Error> failure_;
    std::vector<std::shared_ptr<const cuda::DeviceMemory>> kept_;  ///< for graphs that use copies
};

}  // namespace tensor_ipc
