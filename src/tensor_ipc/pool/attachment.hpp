/// One consumer's hold on one segment: mappings, id, and the books on what it has pinned.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "tensor_ipc/cuda/driver_abi.hpp"
#include "tensor_ipc/memory/host_ring.hpp"
#include "tensor_ipc/memory/private_ring.hpp"
#include "tensor_ipc/notify/wake_word.hpp"
#include "tensor_ipc/os/processors.hpp"
#include "tensor_ipc/ring/frame_reader.hpp"
#include "tensor_ipc/segment/locks.hpp"
#include "tensor_ipc/segment/segment_file.hpp"

namespace tensor_ipc {

class DeviceReader;
class Pinning;

/// Shared by the consumer and all its frames; gone with the last of them, so that a frame may
/// outlive its consumer. Counted in place because a shared_ptr costs twice as much per frame.
class Attachment {
public:
    /// Takes a free consumer id, clears what its last owner left, and maps the payload read-only;
    /// opens device memory where that is the payload (DeviceReader::open).
    /// @return PoolExhausted when all ids are taken; PoolNotFound when a device pool just ended
    [[nodiscard]] static Result<class AttachmentRef> open(SegmentFile segment);

    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;

    [[nodiscard]] const SegmentFile& segment() const noexcept { return segment_; }

    [[nodiscard]] const Geometry& geometry() const noexcept { return segment_.geometry; }

    [[nodiscard]] const FrameReader& reader() const noexcept { return reader_; }

    [[nodiscard]] const HostRing& payload() const noexcept { return payload_; }

    /// The payload on its device; null for host pools.
    [[nodiscard]] DeviceReader* device() const noexcept { return device_.get(); }

    /// Whether the payload is gone with its producer: memory of kind Ipc, once that has died. What
    /// the driver then does with it is not documented.
    [[nodiscard]] bool has_lost_payload() const noexcept
    {
        return dies_with_producer_ && !producer_alive();
    }

    /// Has the CUDA driver lock the payload, or notes why it does not. Once, before the first
    /// frame. From then on frames are let go of in stream order; see Pinning::of_consumer.
    void pin_payload(int device, std::span<const cuda::StreamHandle> streams);

    /// Null where that was not asked for.
    [[nodiscard]] const Pinning* pinning() const noexcept { return pinning_.get(); }

    /// The payload for those who may write to it; mapped at the first call. Thread-safe.
    [[nodiscard]] Result<PrivateRing*> private_payload();

    [[nodiscard]] WakeWord wake_word() const noexcept
    {
        return {segment_.header().wake_word, segment_.header().waiting};
    }

    /// Whether each consumer could run on a processor of its own, with one left for the producer.
    [[nodiscard]] bool has_processors_to_spare() const noexcept
    {
        std::uint32_t processors = processors_.load(std::memory_order_relaxed);
        if (processors == 0) {  // the first time; attaching does without
            processors = os::usable_processors();
            processors_.store(processors, std::memory_order_relaxed);
        }
        return reader_.memory().consumers_in_table() < processors;
    }

    [[nodiscard]] bool has_ended() const noexcept
    {
        return segment_.header().ended.load(std::memory_order_seq_cst) != PoolEnd::Running;
    }

    [[nodiscard]] bool producer_alive() const noexcept { return producer_lives(segment_.fd.get()); }

    /// Pins one frame; see FrameReader::pin.
    [[nodiscard]] PinOutcome pin(FramePlace place,
                                 std::uint8_t limit = FrameReader::kMaxPinsOfSlot) const noexcept
    {
        return reader_.pin(place, limit);
    }

    /// Whether the segment may be touched: not in a forked child, where it is the parent's, and not
    /// when it was truncated.
    [[nodiscard]] bool is_ours() const noexcept
    {
        return !segment_.is_parents() && !is_lost_.load(std::memory_order_relaxed);
    }

    /// Its bytes are gone: nothing here touches them from now on.
    void give_up() noexcept { is_lost_.store(true, std::memory_order_relaxed); }

    /// Undoes one pin, if this is ours.
    void unpin(std::uint32_t slot) noexcept;

    /// Undoes the pins of `count` consecutive slots that end with `newest`.
    void unpin_run(std::uint32_t newest, std::uint32_t count) noexcept;

    /// The same for frames that somebody had in hand, and that a GPU may be copying from.
    void let_go(std::uint32_t newest, std::uint32_t count) noexcept
    {
        if (pinning_ == nullptr) {
            unpin_run(newest, count);
        } else {
            let_go_in_order(newest, count);
        }
    }

    void add_reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }

    void drop_reference() noexcept
    {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            end();
        }
    }

private:
    Attachment(SegmentFile segment, HostRing payload, std::uint32_t id) noexcept;
    Result<void> open_device();
    ~Attachment();

    void let_go_in_order(std::uint32_t newest, std::uint32_t count) noexcept;
    void end() noexcept;

    SegmentFile segment_;
    HostRing payload_;
    FrameReader reader_;
    std::mutex private_payload_mutex_;
    std::unique_ptr<PrivateRing> private_payload_;
    std::unique_ptr<const Pinning> pinning_;  ///< of payload_, so it goes first
    std::atomic<std::uint32_t> references_{1};
    std::atomic<bool> is_lost_{false};
    std::unique_ptr<DeviceReader> device_;
    bool dies_with_producer_ = false;
    mutable std::atomic<std::uint32_t> processors_{0};  ///< 0 before somebody asked
};

/// Counts one reference on an attachment. Null after a move.
class AttachmentRef {
public:
    AttachmentRef() = default;

    /// Takes over the reference that `attachment` was made with.
    explicit AttachmentRef(Attachment* attachment) noexcept : attachment_(attachment) {}

    AttachmentRef(const AttachmentRef& other) noexcept : attachment_(other.attachment_)
    {
        if (attachment_ != nullptr) {
            attachment_->add_reference();
        }
    }

    AttachmentRef(AttachmentRef&& other) noexcept
        : attachment_(std::exchange(other.attachment_, nullptr))
    {
    }

    AttachmentRef& operator=(AttachmentRef other) noexcept
    {
        std::swap(attachment_, other.attachment_);
        return *this;
    }

    ~AttachmentRef()
    {
        if (attachment_ != nullptr) {
            attachment_->drop_reference();
        }
    }

    explicit operator bool() const noexcept { return attachment_ != nullptr; }

    Attachment* operator->() const noexcept { return attachment_; }

    Attachment& operator*() const noexcept { return *attachment_; }

private:
    Attachment* attachment_ = nullptr;
};

}  // namespace tensor_ipc
