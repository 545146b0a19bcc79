#include "tensor_ipc/pool/attachment.hpp"

#include "tensor_ipc/base/test_point.hpp"
#include "tensor_ipc/os/shared_memory.hpp"
#include "tensor_ipc/pool/device_reader.hpp"
#include "tensor_ipc/pool/pinning.hpp"

namespace tensor_ipc {

Result<AttachmentRef> Attachment::open(SegmentFile segment)
{
    auto payload =
        HostRing::map(segment.mappable.get(), segment.geometry, os::Protection::ReadOnly);
    segment.mappable.close();
    if (!payload) {
        return payload.error();
    }
    const RingMemory memory(segment.control.data(), segment.geometry);
    for (std::uint32_t id = 0; id < segment.geometry.consumer_capacity; ++id) {
        auto locked = os::try_lock_byte(segment.fd.get(), consumer_lock(id));
        if (!locked) {
            return locked.error();
        }
        if (*locked) {
            TENSOR_IPC_TEST_POINT("attach:locked");
            memory.clear_column(id);
            if (!memory.raise_high_water(id)) {
                return Error{ErrorCode::BadSegment,
                             "not a sound tensor-ipc segment: consumer_high_water of pool '" +
                                 segment.metadata.name + "' changes without end"};
            }
            memory.consumer(id).pid.store(os::process_id(), std::memory_order_relaxed);
            TENSOR_IPC_TEST_POINT("attach:done");
            AttachmentRef attachment(
                new Attachment(std::move(segment), std::move(payload).value(), id));
            if (attachment->segment_.ticket) {
                if (auto opened = attachment->open_device(); !opened) {
                    return opened.error();
                }
            }
            return attachment;
        }
    }
    return Error{ErrorCode::PoolExhausted, "pool '" + segment.metadata.name + "' has " +
                                               std::to_string(segment.geometry.consumer_capacity) +
                                               " consumers already, which is all it can have"};
}

Attachment::Attachment(SegmentFile segment, HostRing payload, std::uint32_t id) noexcept
    : segment_(std::move(segment)),
      payload_(std::move(payload)),
      reader_(RingMemory(segment_.control.data(), segment_.geometry), id)
{
}

/// The id is taken by now. A producer that ends marks the pool first and then looks for ids; we do
/// it the other way round, so that one of both sees the other, and nobody frees memory that is
/// being opened.
Result<void> Attachment::open_device()
{
    const cuda::MemoryTicket& ticket = *segment_.ticket;
    const Error gone{ErrorCode::PoolNotFound,
                     "pool '" + segment_.metadata.name + "' has just ended"};
    if (has_ended()) {
        return gone;
    }
    auto opened = DeviceReader::open(ticket, segment_.geometry);
    if (!opened) {
        return opened.error();
    }
    device_ = std::move(opened).value();
    dies_with_producer_ = ticket.kind == cuda::MemoryKind::Ipc;
    if (has_lost_payload()) {
        return gone;
    }
    return {};
}

Attachment::~Attachment()
{
    if (is_ours()) {
        reader_.memory().consumer(reader_.id()).pid.store(0, std::memory_order_relaxed);
    }
}

/// The last reference is gone.
void Attachment::end() noexcept
{
    const bool is_used = pinning_ != nullptr && pinning_->late_unpins() != nullptr &&
                         !pinning_->late_unpins()->settle();
    // Still used by a driver that cannot be waited for, it stays as it is until the process ends.
    if (!is_used) {
        delete this;  // NOLINT(*-owning-memory)
    }
}

void Attachment::pin_payload(int device, std::span<const cuda::StreamHandle> streams)
{
    pinning_ = device_ != nullptr
                   ? Pinning::refused("the frames of pool '" + segment_.metadata.name +
                                      "' lie in the memory of a GPU; pinned is for host memory")
                   : Pinning::of_consumer(payload_.mapped(), device, *this, streams);
}

void Attachment::let_go_in_order(std::uint32_t newest, std::uint32_t count) noexcept
{
    LateUnpins* late = pinning_->late_unpins();
    if (late == nullptr) {
        unpin_run(newest, count);
    } else if (is_ours()) {
        late->unpin(newest, count);
    }
}

Result<PrivateRing*> Attachment::private_payload()
{
    const std::lock_guard lock(private_payload_mutex_);
    if (private_payload_ == nullptr) {
        const auto file = os::MappableFile::of(segment_.fd.get(), segment_.segment_name);
        if (!file) {
            return file.error();
        }
        auto ring = PrivateRing::map(file->get(), geometry());
        if (!ring) {
            return ring.error();
        }
        private_payload_ = std::make_unique<PrivateRing>(std::move(ring).value());
    }
    return private_payload_.get();
}

void Attachment::unpin(std::uint32_t slot) noexcept
{
    if (is_ours()) {
        reader_.unpin(slot);
    }
}

void Attachment::unpin_run(std::uint32_t newest, std::uint32_t count) noexcept
{
    for (std::uint32_t i = 0; i < count; ++i) {
        unpin(newest);
        newest = geometry().previous_slot(newest);
    }
}

}  // namespace tensor_ipc
