#include "tensor_ipc/pool/producer.hpp"

#include <utility>
#include <vector>

#include "tensor_ipc/base/test_point.hpp"
#include "tensor_ipc/memory/frame_copier.hpp"
#include "tensor_ipc/memory/host_ring.hpp"
#include "tensor_ipc/notify/wake_word.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/pool/pinning.hpp"
#include "tensor_ipc/pool/producer_parts.hpp"
#include "tensor_ipc/ring/frame_writer.hpp"

namespace tensor_ipc {

/// What a producer and its loans share.
class ProducerCore {
public:
    ProducerCore(SegmentFile segment, HostRing payload)
        : segment_(std::move(segment)),
          payload_(std::move(payload)),
          liveness_(segment_.fd.get()),
          writer_(RingMemory(segment_.control.data(), segment_.geometry), liveness_),
          wake_word_(segment_.header().wake_word, segment_.header().waiting),
          may_have_texts_(segment_.geometry.slot_count, 1)
    {
        // A dead producer may have lowered the flag of those who sleep, and not woken them. It may
        // also have committed a frame that only writer_ has announced now, so this comes after it.
        wake_word_.wake();
    }

    [[nodiscard]] const SegmentFile& segment() const noexcept { return segment_; }

    void pin_payload(int device) { pinning_ = Pinning::of_producer(payload_.mapped(), device); }

    [[nodiscard]] const Pinning* pinning() const noexcept { return pinning_.get(); }

    [[nodiscard]] bool is_open() const noexcept { return open_ && !segment_.is_parents(); }

    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }

    std::optional<std::uint32_t> claim() noexcept { return claim_patiently(writer_); }

    [[nodiscard]] std::byte* payload_of(std::uint32_t slot) const noexcept
    {
        return payload_.slot(slot);
    }

    void copy_in(std::byte* payload, std::span<const std::byte> frame) noexcept
    {
        copier_.copy(payload, frame);
    }

    [[nodiscard]] bool allows(std::uint64_t extent) const noexcept
    {
        return allows_extent(segment_.geometry, extent);
    }

    /// The texts of a claimed slot's frame. Without any, and none there from before, the headroom
    /// is left alone: its line is in nobody's cache.
    void set_user_metadata(std::uint32_t slot, std::string_view packed) noexcept
    {
        if (may_have_texts_[slot] != 0 || !packed.empty()) {
            headroom_of(payload_of(slot)).set_user_metadata(packed);
            may_have_texts_[slot] = packed.empty() ? 0 : 1;
        }
    }

    std::uint64_t commit(std::uint32_t slot, std::uint64_t payload_bytes,
                         std::optional<std::uint64_t> captured_ns) noexcept
    {
        if (segment_.geometry.varying_extent) {
            writer_.set_extent(slot, payload_bytes / segment_.geometry.row_bytes);
        }
        const std::uint64_t now = os::monotonic_ns();
        const std::uint64_t frame = writer_.commit(slot, now, captured_ns.value_or(now));
        wake_word_.notify();
        ++frames_;
        return frame;
    }

    [[nodiscard]] bool skip_to(std::uint64_t frame) noexcept { return writer_.skip_to(frame); }

    void abandon(std::uint32_t slot) noexcept
    {
        if (is_open()) {
            writer_.abandon(slot);
        }
    }

    void close() noexcept
    {
        if (std::exchange(open_, false)) {
            end_segment(segment_);
            // Drops the producer's lock. Loans keep the mapping, and write where nobody reads.
            segment_.fd.reset();
        }
    }

private:
    SegmentFile segment_;
    HostRing payload_;
    std::unique_ptr<const Pinning> pinning_;  ///< of payload_, so it goes first
    KernelLiveness liveness_;
    FrameWriter writer_;
    WakeWord wake_word_;
    FrameCopier copier_;
    std::vector<std::uint8_t> may_have_texts_;  ///< by slot; at first not known, so 1
    std::uint64_t frames_ = 0;
    bool open_ = true;
};

void Loan::drop() noexcept
{
    if (std::exchange(holds_slot_, false)) {
        core_->abandon(slot_);
    }
}

std::shared_ptr<const void> Loan::mapping() const noexcept
{
    return core_;
}

void Loan::fill(std::span<const std::byte> from) noexcept
{
    core_->copy_in(bytes_.data(), from);
}

std::uint64_t Loan::extent() const noexcept
{
    return bytes_.size() / core_->segment().geometry.row_bytes;
}

Result<void> Loan::resize(std::uint64_t extent)
{
    if (!core_->allows(extent)) {
        return wrong_extent(core_->segment(), extent);
    }
    bytes_ = {bytes_.data(), extent * core_->segment().geometry.row_bytes};
    return {};
}

std::span<std::byte, kWireHeadroomBytes> Loan::wire_headroom() const noexcept
{
    return headroom_of(bytes_.data()).wire;
}

void Loan::set_user_metadata(const PackedUserMetadata& packed) noexcept
{
    if (holds_slot_ && core_->is_open()) {  // in a forked child the slot is the parent's
        core_->set_user_metadata(slot_, packed.bytes());
    }
}

std::optional<std::uint64_t> Loan::publish(std::optional<std::uint64_t> captured_ns) noexcept
{
    if (!std::exchange(holds_slot_, false) || !core_->is_open()) {
        return std::nullopt;
    }
    return core_->commit(slot_, bytes_.size(), captured_ns);
}

std::optional<std::uint64_t> Loan::publish_as(std::uint64_t frame,
                                              std::optional<std::uint64_t> captured_ns) noexcept
{
    if (holds_slot_ && core_->is_open() && !core_->skip_to(frame)) {
        drop();
    }
    return publish(captured_ns);
}

Result<Producer> Producer::create(const PoolMetadata& metadata, const SegmentOptions& options)
{
    auto segment = open_for_producer(metadata, options);
    if (!segment) {
        return segment.error();
    }
    auto payload =
        HostRing::map(segment->mappable.get(), segment->geometry, os::Protection::ReadWrite);
    segment->mappable.close();
    if (!payload) {
        // What was there before us stays for a producer that has more luck.
        if (segment->header().generation.load(std::memory_order_relaxed) == 1) {
            end_segment(*segment);
        }
        return payload.error();
    }
    auto core =
        std::make_shared<ProducerCore>(std::move(segment).value(), std::move(payload).value());
    if (options.pinned_for) {
        core->pin_payload(*options.pinned_for);
    }
    return Producer(std::move(core));
}

Producer::Producer(std::shared_ptr<ProducerCore> core) noexcept : core_(std::move(core)) {}

Producer& Producer::operator=(Producer&& other) noexcept
{
    if (this != &other) {
        close();
        core_ = std::move(other.core_);
    }
    return *this;
}

Producer::~Producer()
{
    close();
}

Result<std::uint64_t> Producer::put(std::span<const std::byte> frame, const PublishOptions& options)
{
    if (!is_open()) {
        return producer_closed(metadata());
    }
    const Geometry& geometry = core_->segment().geometry;
    if (frame.size() != geometry.frame_bytes &&
        (frame.size() % geometry.row_bytes != 0 ||
         !core_->allows(frame.size() / geometry.row_bytes))) {
        return wrong_bytes(core_->segment(), frame.size());
    }
    std::optional<PackedUserMetadata> user_metadata;
    if (!options.user_metadata.empty()) {
        auto packed = PackedUserMetadata::pack(options.user_metadata);
        if (!packed) {
            return packed.error();
        }
        user_metadata = *packed;
    }
    const auto slot = core_->claim();
    if (!slot) {
        return pool_exhausted(core_->segment());
    }
    core_->set_user_metadata(*slot, user_metadata ? user_metadata->bytes() : std::string_view());
    core_->copy_in(core_->payload_of(*slot), frame);
    TENSOR_IPC_TEST_POINT("put:copied");
    return core_->commit(*slot, frame.size(), options.captured_ns);
}

Result<Loan> Producer::loan(std::optional<std::uint64_t> extent)
{
    if (!is_open()) {
        return producer_closed(metadata());
    }
    if (extent && !core_->allows(*extent)) {
        return wrong_extent(core_->segment(), *extent);
    }
    const auto slot = core_->claim();
    if (!slot) {
        return pool_exhausted(core_->segment());
    }
    core_->set_user_metadata(*slot, {});
    return Loan(core_, *slot,
                std::span(core_->payload_of(*slot),
                          extent.value_or(geometry().max_extent) * geometry().row_bytes));
}

void Producer::close() noexcept
{
    if (core_) {
        core_->close();
    }
}

bool Producer::is_open() const noexcept
{
    return core_ && core_->is_open();
}

const PoolMetadata& Producer::metadata() const noexcept
{
    return core_->segment().metadata;
}

const Geometry& Producer::geometry() const noexcept
{
    return core_->segment().geometry;
}

const Pinning* Producer::pinning() const noexcept
{
    return core_->pinning();
}

ProducerStats Producer::stats() const noexcept
{
    return {core_->frames(),
            core_->segment().header().skipped_slots.load(std::memory_order_relaxed)};
}

}  // namespace tensor_ipc
