#include "tensor_ipc/pool/cuda_producer_core.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "tensor_ipc/cuda/pointer.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/pool/device_reader.hpp"
#include "tensor_ipc/segment/locks.hpp"
#include "tensor_ipc/segment/open_segment.hpp"

namespace tensor_ipc {

namespace {

// How long the end of a pool waits for consumers of Ipc memory to let go, and how often it looks.
constexpr std::uint64_t kFarewellNs = 2'000'000'000;
constexpr auto kBetweenLooks = std::chrono::milliseconds(1);

// A broken context calls no host function, so whoever waits for one looks after the context too.
constexpr std::uint64_t kSliceNs = 100'000'000;

}  // namespace

Result<CudaParts> CudaParts::make(const cuda::Driver& driver, int ordinal)
{
    const auto device = cuda::device_at(driver, ordinal);
    if (!device) {
        return device.error();
    }
    auto context = cuda::PrimaryContext::retain(driver, device.value());
    if (!context) {
        return context.error();
    }
    const auto current = cuda::CurrentContext::push(*context.value());
    if (!current) {
        return current.error();
    }
    auto stream = cuda::Stream::create(context.value(), current.value());
    if (!stream) {
        return stream.error();
    }
    auto before = cuda::Event::create(context.value(), current.value());
    if (!before) {
        return before.error();
    }
    auto after = cuda::Event::create(context.value(), current.value());
    if (!after) {
        return after.error();
    }
    return CudaParts{std::move(context).value(), std::move(stream).value(),
                     std::move(before).value(), std::move(after).value()};
}

CudaProducerCore::CudaProducerCore(SegmentFile segment, HostRing headrooms, CudaParts parts,
                                   const CudaOptions& options)
    : segment_(std::move(segment)),
      headrooms_(std::move(headrooms)),
      parts_(std::move(parts)),
      liveness_(segment_.fd.get()),
      writer_(RingMemory(segment_.control.data(), segment_.geometry), liveness_),
      wake_word_(segment_.header().wake_word, segment_.header().waiting),
      sync_(options.sync),
      peer_copy_(options.peer_copy),
      next_number_(writer_.next_frame()),
      records_(segment_.geometry.slot_count)
{
    for (std::uint32_t slot = 0; slot < records_.size(); ++slot) {
        records_[slot].core = this;
        records_[slot].slot = slot;
    }
}

CudaProducerCore::~CudaProducerCore()
{
    // Loans that were dropped after close() may still be on their way, and the memory goes now.
    if (const auto current = cuda::CurrentContext::push(*parts_.context)) {
        static_cast<void>(parts_.stream.synchronize(current.value()));
    }
}

/// Called by a thread of the driver, which must not call CUDA. See Stream::then_on_host.
void CudaProducerCore::on_host(void* record) noexcept
{
    auto& mine = *static_cast<Record*>(record);
    mine.core->run(mine);
}

void CudaProducerCore::run(Record& record) noexcept
{
    // Copied before the record is given back: once the slot is committed it may be claimed again.
    const Then what = record.then;
    const std::uint32_t slot = record.slot;
    const std::uint64_t extent = record.extent;
    const std::optional<std::uint64_t> captured_ns = record.captured_ns;
    if (!record.on_its_way.exchange(false, std::memory_order_acq_rel)) {
        return;  // break_down() was faster
    }
    if (what == Then::Commit) {
        commit(slot, extent, captured_ns);
    } else {
        writer_.abandon(slot);
    }
    under_way_.fetch_sub(1, std::memory_order_seq_cst);
    WakeWord(arrival_word_, arrival_waiting_).notify();
}

void CudaProducerCore::commit(std::uint32_t slot, std::uint64_t extent,
                              std::optional<std::uint64_t> captured_ns) noexcept
{
    if (segment_.geometry.varying_extent) {
        writer_.set_extent(slot, extent);
    }
    const std::uint64_t now = os::monotonic_ns();
    writer_.commit(slot, now, captured_ns.value_or(now));
    wake_word_.notify();
    frames_.fetch_add(1, std::memory_order_release);  // whoever sees it may let go of the source
}

Result<cuda::CurrentContext> CudaProducerCore::enter() const
{
    if (!is_open()) {
        return producer_closed(segment_.metadata);
    }
    if (broken_) {
        return *broken_;
    }
    return cuda::CurrentContext::push(*parts_.context);
}

Result<const CudaProducerCore::Peer*> CudaProducerCore::peer_at(int ordinal)
{
    const auto known = peers_.find(ordinal);
    if (known != peers_.end()) {
        return &known->second;
    }
    const cuda::Driver& driver = parts_.context->driver();
    const auto device = cuda::device_at(driver, ordinal);
    if (!device) {
        return device.error();
    }
    auto context = cuda::PrimaryContext::retain(driver, device.value());
    if (!context) {
        return context.error();
    }
    const auto current = cuda::CurrentContext::push(*context.value());
    if (!current) {
        return current.error();
    }
    auto event = cuda::Event::create(context.value(), current.value());
    if (!event) {
        return event.error();
    }
    return &peers_.emplace(ordinal, Peer{std::move(context).value(), std::move(event).value()})
                .first->second;
}

Result<CudaProducerCore::Origin> CudaProducerCore::origin_of(const CudaSource& frame)
{
    using Where = Origin::Where;
    if (frame.bytes == 0) {
        return Origin{};
    }
    const auto address = reinterpret_cast<cuda::DevicePointer>(frame.address);
    const auto facts = cuda::facts_of(parts_.context->driver(), address);
    if (!facts) {
        return facts.error();
    }
    if (!*facts) {
        return Origin{Where::Pageable};
    }
    if ((*facts)->type == cuda::MemoryType::Host) {
        return Origin{Where::Pinned};
    }
    const cuda::Device& here = parts_.context->device();
    if ((*facts)->device_ordinal == here.ordinal) {
        return Origin{Where::Here};
    }
    if (!peer_copy_) {
        return Error{ErrorCode::InvalidArgument,
                     "pool '" + segment_.metadata.name +
                         "' lies on cuda:" + std::to_string(here.ordinal) + " (" + here.name +
                         "), got memory of cuda:" + std::to_string((*facts)->device_ordinal) +
                         ": move it there, or make the producer with peer_copy"};
    }
    const auto peer = peer_at((*facts)->device_ordinal);
    if (!peer) {
        return peer.error();
    }
    return Origin{Where::Peer, *peer};
}

/// The context of `peer`, for a while; nothing where that is ours, which is current anyway.
Result<std::optional<cuda::CurrentContext>> CudaProducerCore::enter(const Peer* peer)
{
    using Outcome = std::optional<cuda::CurrentContext>;
    if (peer == nullptr) {
        return Outcome{};
    }
    auto there = cuda::CurrentContext::push(*peer->context);
    if (!there) {
        return there.error();
    }
    return Outcome(std::move(there).value());
}

/// The host function that publishes would become part of the graph.
Result<void> CudaProducerCore::refuse_capture(const cuda::CurrentContext& current, const Peer* peer,
                                              cuda::StreamHandle stream) const
{
    const auto there = enter(peer);
    if (!there) {
        return there.error();
    }
    const auto capturing = cuda::is_capturing(*there ? **there : current, stream);
    if (!capturing) {
        return capturing.error();
    }
    if (*capturing) {
        return Error{ErrorCode::InvalidArgument,
                     "the stream records a CUDA graph: a frame of pool '" + segment_.metadata.name +
                         "' cannot be published from a graph. Let the graph write to memory of "
                         "its own, and put that after each launch"};
    }
    return {};
}

/// Sleeps until at most so many frames are on their way.
Result<void> CudaProducerCore::wait_until_under_way(const cuda::CurrentContext& current,
                                                    std::uint32_t most)
{
    const auto has_room = [&] { return under_way_.load(std::memory_order_seq_cst) <= most; };
    const WakeWord arrivals(arrival_word_, arrival_waiting_);
    while (!has_room()) {
        if (arrivals.wait(has_room, os::monotonic_ns() + kSliceNs, 0) == WakeOutcome::TimedOut) {
            if (const auto alive = parts_.stream.is_idle(current); !alive) {
                break_down(alive.error());
                return alive.error();
            }
        }
    }
    return {};
}

Result<std::uint32_t> CudaProducerCore::claim(const cuda::CurrentContext& current)
{
    // Of the spare slots, one stays for the newest frame beside the history.
    const std::uint32_t most = segment_.geometry.spare() - 2;
    if (const auto room = wait_until_under_way(current, most); !room) {
        return room.error();
    }
    const auto slot = claim_patiently(writer_);
    if (!slot) {
        return pool_exhausted(segment_);
    }
    return *slot;
}

Result<std::uint64_t> CudaProducerCore::put(const CudaSource& frame, const PublishOptions& options)
{
    if (is_open() && !allows_bytes(segment_.geometry, frame.bytes)) {
        return wrong_bytes(segment_, frame.bytes);
    }
    const auto texts = packed_texts(options);
    if (!texts) {
        return texts.error();
    }
    const auto current = enter();
    if (!current) {
        return current.error();
    }
    const auto origin = origin_of(frame);
    if (!origin) {
        return look_after(current.value(), origin.error());
    }
    if (origin->where == Origin::Where::Here || origin->where == Origin::Where::Peer) {
        if (const auto allowed = refuse_capture(current.value(), origin->peer, frame.stream);
            !allowed) {
            return look_after(current.value(), allowed.error());
        }
    }
    const auto slot = claim(current.value());
    if (!slot) {
        return slot.error();
    }
    headroom(*slot).set_user_metadata(*texts ? (*texts)->bytes() : std::string_view());
    Asked asked = Asked::Nothing;
    const auto filled = fill(current.value(), *slot, frame, *origin, options.captured_ns, asked);
    if (!filled) {
        if (asked == Asked::Copy) {
            // The device may write to the slot until then.
            static_cast<void>(parts_.stream.synchronize(current.value()));
        }
        if (asked != Asked::Commit) {
            writer_.abandon(*slot);
        }
        return look_after(current.value(), filled.error());
    }
    return next_number_++;
}

/// Everything that the device is asked to do for one frame. @param asked  how far it came
Result<void> CudaProducerCore::fill(const cuda::CurrentContext& current, std::uint32_t slot,
                                    const CudaSource& frame, const Origin& origin,
                                    std::optional<std::uint64_t> captured_ns, Asked& asked)
{
    using Where = Origin::Where;
    const bool on_device = origin.where == Where::Here || origin.where == Where::Peer;
    if (on_device) {
        if (auto after = come_after(current, origin.peer, frame.stream); !after) {
            return after;
        }
    }
    asked = Asked::Copy;
    if (auto copied = copy(current, slot, frame, origin); !copied) {
        return copied;
    }
    const std::uint64_t extent = frame.bytes / segment_.geometry.row_bytes;
    if (auto published = publish_here(current, slot, extent, captured_ns); !published) {
        return published;
    }
    asked = Asked::Commit;
    if (sync_ == CudaSync::Block) {
        return {};
    }
    // From here on the frame is published, whatever happens. What is left is the source: it may
    // change when this returns (host), or in the order of its stream.
    const bool waits = on_device && let_source_wait(current, origin.peer, frame.stream);
    if (waits || origin.where == Where::Pageable || origin.where == Where::Nowhere) {
        return {};
    }
    return parts_.stream.synchronize(current);
}

/// What is asked of our stream from now on comes after what `stream` is asked for now.
Result<void> CudaProducerCore::come_after(const cuda::CurrentContext& current, const Peer* peer,
                                          cuda::StreamHandle stream) const
{
    const cuda::Event& event = peer != nullptr ? peer->event : parts_.before;
    {
        const auto there = enter(peer);
        if (!there) {
            return there.error();
        }
        if (auto recorded = event.record(*there ? **there : current, stream); !recorded) {
            return recorded;
        }
    }
    return parts_.stream.wait_for(current, event);
}

/// What is asked of `stream` from now on comes after what our stream is asked for now.
Result<void> CudaProducerCore::let_source_wait(const cuda::CurrentContext& current,
                                               const Peer* peer, cuda::StreamHandle stream) const
{
    if (auto recorded = parts_.after.record(current, parts_.stream.handle()); !recorded) {
        return recorded;
    }
    const auto there = enter(peer);
    if (!there) {
        return there.error();
    }
    return cuda::let_wait(*there ? **there : current, stream, parts_.after);
}

Result<void> CudaProducerCore::copy(const cuda::CurrentContext& current, std::uint32_t slot,
                                    const CudaSource& frame, const Origin& origin) const
{
    using Where = Origin::Where;
    const cuda::DevicePointer to = address_of(slot);
    const auto from = reinterpret_cast<cuda::DevicePointer>(frame.address);
    switch (origin.where) {
        case Where::Nowhere:
            return {};
        case Where::Pageable:
        case Where::Pinned:
            return parts_.stream.copy_to_device(current, to, frame.address, frame.bytes);
        case Where::Here:
            return parts_.stream.copy_on_device(current, to, from, frame.bytes);
        case Where::Peer:
            break;
    }
    return parts_.stream.copy_from_peer(current, to, *origin.peer->context, from, frame.bytes);
}

/// Publishes when our stream has come so far.
Result<void> CudaProducerCore::publish_here(const cuda::CurrentContext& current, std::uint32_t slot,
                                            std::uint64_t extent,
                                            std::optional<std::uint64_t> captured_ns)
{
    if (sync_ == CudaSync::Stream) {
        return then(current, Then::Commit, slot, extent, captured_ns);
    }
    if (auto done = parts_.stream.synchronize(current); !done) {
        return done;
    }
    commit(slot, extent, captured_ns);
    return {};
}

Result<void> CudaProducerCore::then(const cuda::CurrentContext& current, Then what,
                                    std::uint32_t slot, std::uint64_t extent,
                                    std::optional<std::uint64_t> captured_ns)
{
    Record& record = records_[slot];
    record.then = what;
    record.extent = extent;
    record.captured_ns = captured_ns;
    under_way_.fetch_add(1, std::memory_order_relaxed);
    record.on_its_way.store(true, std::memory_order_release);
    auto asked = parts_.stream.then_on_host(current, on_host, &record);
    if (!asked) {
        record.on_its_way.store(false, std::memory_order_relaxed);
        under_way_.fetch_sub(1, std::memory_order_relaxed);
    }
    return asked;
}

/// After a refusal: is it the end?
Error CudaProducerCore::look_after(const cuda::CurrentContext& current, Error error)
{
    if (const auto alive = parts_.stream.is_idle(current); !alive) {
        break_down(alive.error());
    }
    return error;
}

/// No host function is called any more, so nobody else gives these slots back.
void CudaProducerCore::break_down(const Error& reason) noexcept
{
    broken_ = reason;
    for (Record& record : records_) {
        if (record.on_its_way.exchange(false, std::memory_order_acq_rel)) {
            writer_.abandon(record.slot);
            under_way_.fetch_sub(1, std::memory_order_relaxed);
        }
    }
}

Result<std::uint32_t> CudaProducerCore::take_slot()
{
    const auto current = enter();
    if (!current) {
        return current.error();
    }
    auto slot = claim(current.value());
    if (slot) {
        headroom(*slot).set_user_metadata({});
    }
    return slot;
}

Result<std::uint64_t> CudaProducerCore::publish(std::uint32_t slot, std::uint64_t extent,
                                                std::span<const cuda::StreamHandle> streams,
                                                std::optional<std::uint64_t> captured_ns)
{
    const auto current = enter();
    if (!current) {
        return current.error();
    }
    for (const cuda::StreamHandle stream : streams) {
        if (const auto allowed = refuse_capture(current.value(), nullptr, stream); !allowed) {
            return look_after(current.value(), allowed.error());
        }
    }
    for (const cuda::StreamHandle stream : streams) {
        if (const auto after = come_after(current.value(), nullptr, stream); !after) {
            return look_after(current.value(), after.error());
        }
    }
    if (const auto published = publish_here(current.value(), slot, extent, captured_ns);
        !published) {
        return look_after(current.value(), published.error());
    }
    return next_number_++;
}

void CudaProducerCore::give_back(std::uint32_t slot,
                                 std::span<const cuda::StreamHandle> streams) noexcept
{
    if (segment_.is_parents()) {
        return;
    }
    const auto current = cuda::CurrentContext::push(*parts_.context);
    bool follows = current.ok() && !broken_;
    for (const cuda::StreamHandle stream : streams) {
        const auto captured =
            follows ? cuda::is_capturing(current.value(), stream) : Result<bool>(false);
        if (captured && *captured) {
            return;
        }
        follows = follows && captured && come_after(current.value(), nullptr, stream);
    }
    if (follows && then(current.value(), Then::GiveBack, slot, 0, {})) {
        return;
    }
    if (current) {
        static_cast<void>(parts_.stream.synchronize(current.value()));
    }
    writer_.abandon(slot);
}

Result<void> CudaProducerCore::synchronize()
{
    const auto current = enter();
    if (!current) {
        return current.error();
    }
    auto done = parts_.stream.synchronize(current.value());
    return done ? done : look_after(current.value(), done.error());
}

bool CudaProducerCore::is_anybody_attached() const noexcept
{
    const RingMemory memory(segment_.control.data(), segment_.geometry);
    const std::uint32_t limit = memory.consumer_limit();
    for (std::uint32_t id = 0; id < limit; ++id) {
        if (os::is_byte_locked(segment_.fd.get(), consumer_lock(id))) {
            return true;
        }
    }
    return false;
}

void CudaProducerCore::close() noexcept
{
    if (!is_open()) {
        return;
    }
    if (const auto current = enter(); current && !synchronize() && !broken_) {
        static_cast<void>(wait_until_under_way(current.value(), 0));
    }
    open_ = false;
    end_segment(segment_);
    parts_.memory->stop_sharing();  // views of this process may keep the memory itself
    if (parts_.memory->kind() == cuda::MemoryKind::Ipc) {
        const std::uint64_t deadline = os::monotonic_ns() + kFarewellNs;
        drop_finished_frames();
        while (is_anybody_attached() && os::monotonic_ns() < deadline) {
            std::this_thread::sleep_for(kBetweenLooks);
            drop_finished_frames();  // they may be of this process
        }
        if (!is_anybody_attached()) {
            parts_.memory->nobody_else_has_it();
        }
    }
    segment_.fd.reset();
}

}  // namespace tensor_ipc
