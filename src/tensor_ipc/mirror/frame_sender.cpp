#include "tensor_ipc/mirror/frame_sender.hpp"

#include <algorithm>
#include <array>
#include <random>

#include <system_error>

#include "tensor_ipc/mirror/generated/mirror.h"
#include "tensor_ipc/mirror/piece.hpp"
#include "tensor_ipc/os/clock.hpp"

namespace tensor_ipc::mirror {

namespace {

// How long anything blocks before the thread looks whether it is to end.
constexpr std::uint64_t kSliceNs = 100'000'000;

// How often a mirror is told whether there is a pool, while there is no new frame. Once is not
// enough where nothing is repeated that got lost.
constexpr std::uint64_t kTellNs = 500'000'000;

std::uint64_t random_session()
{
    std::random_device source;
    return (std::uint64_t{source()} << 32U | source()) | 1U;
}

/// The generated type with what it points to. Valid while it is where it was made.
struct OutgoingDescription {
    explicit OutgoingDescription(const PoolMetadata& metadata, const Geometry& geometry)
        : extents(metadata.shape.extents().begin(), metadata.shape.extents().end())
    {
        sample.dtype_code = metadata.dtype.code;
        sample.dtype_bits = metadata.dtype.bits;
        sample.dtype_lanes = metadata.dtype.lanes;
        sample.shape._buffer = extents.data();
        sample.shape._length = sample.shape._maximum = static_cast<std::uint32_t>(extents.size());
        sample.history_len = metadata.history_len;
        sample.spare = geometry.spare();
        sample.chronological = geometry.memory_order == MemoryOrder::Chronological;
        sample.varying_extent = metadata.varying_extent;
        put_text(sample.backend, metadata.backend);
        put_text(sample.device, metadata.device);
    }

    OutgoingDescription(const OutgoingDescription&) = delete;
    OutgoingDescription& operator=(const OutgoingDescription&) = delete;
    OutgoingDescription(OutgoingDescription&&) = delete;
    OutgoingDescription& operator=(OutgoingDescription&&) = delete;
    ~OutgoingDescription() = default;

    void put_into(tensor_ipc_mirror_v1_Piece& piece)
    {
        piece.pool._buffer = &sample;
        piece.pool._length = piece.pool._maximum = 1;
    }

    std::vector<std::int64_t> extents;
    tensor_ipc_mirror_v1_Description sample{};
};

}  // namespace

Result<std::unique_ptr<FrameSender>> FrameSender::start(dds_entity_t participant, const Id& server,
                                                        const SendRequest& request)
{
    auto writer = piece_writer(participant, request.mirror, request.reliable);
    if (!writer) {
        return writer.error();
    }
    auto alarm = Alarm::make(participant);
    if (!alarm) {
        return alarm.error();
    }
    if (auto watched = alarm->watch_matches(writer->get()); !watched) {
        return watched.error();
    }
    std::unique_ptr<FrameSender> sender(
        new FrameSender(server, request, std::move(writer).value(), std::move(alarm).value()));
    try {
        sender->thread_ = std::thread([raw = sender.get()] { raw->run(); });
    } catch (const std::system_error& error) {
        return system_error("pthread_create", "a sender to a mirror", error.code().value());
    }
    return sender;
}

FrameSender::FrameSender(const Id& server, SendRequest request, Entity writer, Alarm alarm)
    : server_(server),
      request_(std::move(request)),
      writer_(std::move(writer)),
      alarm_(std::move(alarm)),
      pacer_(request_.period_ns, request_.bytes_per_s),
      session_(random_session())
{
}

FrameSender::~FrameSender()
{
    stop_ = true;
    alarm_.wake();
    if (thread_.joinable()) {
        thread_.join();
    }
}

SendCounts FrameSender::counts() const noexcept
{
    return {frames_.load(std::memory_order_relaxed), bytes_.load(std::memory_order_relaxed),
            abandoned_.load(std::memory_order_relaxed)};
}

bool FrameSender::has_reader() const noexcept
{
    dds_publication_matched_status_t status{};
    return dds_get_publication_matched_status(writer_.get(), &status) >= 0 &&
           status.current_count > 0;
}

void FrameSender::run() noexcept
{
    while (!must_stop()) {
        turn();
    }
}

/// One frame, or a wait for one.
void FrameSender::turn()
{
    if (!has_reader()) {
        alarm_.wait(kSliceNs);
        return;
    }
    if (!consumer_) {
        auto consumer = Consumer::attach(request_.pool_name);
        if (!consumer) {
            tell_state();
            alarm_.wait(kSliceNs);
            return;
        }
        consumer_.emplace(std::move(consumer).value());
    }
    if (!sleep_until(pacer_.frame_due_ns())) {
        return;
    }
    if (consumer_->attachments() != attachment_) {
        attachment_ = consumer_->attachments();
        sent_.reset();
    }
    if (const std::uint64_t again = again_.exchange(0); sent_ && again == *sent_ + 1) {
        sent_.reset();
    }
    const auto waited = consumer_->wait(sent_, os::monotonic_ns() + kSliceNs);
    if (!waited) {
        consumer_.reset();  // damaged or closed to us: what comes after it may be better
        alarm_.wait(kSliceNs);
        return;
    }
    if (*waited == WaitOutcome::Ready) {
        if (consumer_->metadata()->device != kHostMemory) {
            alarm_.wait(kSliceNs);  // nothing that could be sent
        } else if (auto frame = consumer_->latest(); frame && frame->has_value()) {
            send(**frame);
            return;
        }
    }
    tell_state();
}

/// Says whether there is a pool, if that was not said for a while.
void FrameSender::tell_state()
{
    const std::uint64_t now = os::monotonic_ns();
    if (now - told_ns_ < kTellNs) {
        return;
    }
    told_ns_ = now;
    tensor_ipc_mirror_v1_Piece piece{};
    put_id(piece.server, server_);
    piece.session = session_;
    piece.turn = turn_;
    const auto created_ns = consumer_ ? consumer_->created_ns() : std::nullopt;
    if (!created_ns || consumer_->metadata()->device != kHostMemory) {
        piece.kind = static_cast<std::uint8_t>(PieceKind::NoPool);
        write(piece);
        return;
    }
    OutgoingDescription description(*consumer_->metadata(), *consumer_->geometry());
    description.put_into(piece);
    piece.kind = static_cast<std::uint8_t>(PieceKind::Pool);
    piece.created_ns = *created_ns;
    piece.frame = sent_ && consumer_->attachments() == attachment_ ? *sent_ + 1 : 0;
    write(piece);
}

void FrameSender::send(const Frame& frame)
{
    pacer_.began_frame(os::monotonic_ns());
    attachment_ = consumer_->attachments();
    sent_ = frame.info().index;
    const std::span<const std::byte> bytes = frame.bytes();
    OutgoingDescription description(frame.metadata(), *consumer_->geometry());
    tensor_ipc_mirror_v1_Piece piece{};
    put_id(piece.server, server_);
    piece.session = session_;
    piece.kind = static_cast<std::uint8_t>(PieceKind::Frame);
    piece.turn = ++turn_;
    piece.created_ns = *consumer_->created_ns();
    piece.frame = frame.info().index;
    piece.captured_ns = frame.info().captured_ns;
    piece.frame_bytes = bytes.size();
    description.put_into(piece);
    const std::string_view texts = frame.user_metadata();
    std::array<std::uint8_t, kMaxUserMetadataBytes> packed{};
    std::ranges::copy(texts, packed.begin());
    piece.user_metadata._buffer = packed.data();
    piece.user_metadata._length = piece.user_metadata._maximum =
        static_cast<std::uint32_t>(texts.size());
    do {
        const auto part =
            bytes.subspan(piece.offset)
                .first(std::min<std::uint64_t>(request_.piece_bytes, bytes.size() - piece.offset));
        piece.data._length = piece.data._maximum = static_cast<std::uint32_t>(part.size());
        // Written out by dds_write, which returns with a copy; never through this pointer.
        auto* const bytes_out = const_cast<std::byte*>(part.data());  // NOLINT(*-const-cast)
        piece.data._buffer = reinterpret_cast<std::uint8_t*>(bytes_out);
        if (!sleep_until(pacer_.piece_due_ns()) || !write(piece)) {
            abandoned_.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        pacer_.sent(part.size(), os::monotonic_ns());
        bytes_.fetch_add(part.size(), std::memory_order_relaxed);
        piece.offset += part.size();
        piece.pool = {};
        piece.user_metadata = {};
    } while (piece.offset < bytes.size());
    told_ns_ = os::monotonic_ns();
    frames_.fetch_add(1, std::memory_order_relaxed);
}

/// Hands one sample to DDS, however long a reliable link needs to take it.
/// @return false when this is to end, or nobody is there any more
bool FrameSender::write(const tensor_ipc_mirror_v1_Piece& piece) const noexcept
{
    while (!must_stop() && has_reader()) {
        const dds_return_t code = dds_write(writer_.get(), &piece);
        if (code != DDS_RETCODE_TIMEOUT) {
            return code == DDS_RETCODE_OK;
        }
    }
    return false;
}

/// @return false when this is to end, or nobody is there any more
bool FrameSender::sleep_until(std::uint64_t due_ns) const noexcept
{
    for (;;) {
        const std::uint64_t now = os::monotonic_ns();
        if (now >= due_ns) {
            return true;
        }
        alarm_.wait(std::min(due_ns - now, kSliceNs));
        if (must_stop() || !has_reader()) {
            return false;
        }
    }
}

}  // namespace tensor_ipc::mirror
