#include "tensor_ipc/ros/topic_to_pool.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "tensor_ipc/cdr/incoming.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/pool/producer.hpp"
#include "tensor_ipc/ros/rate_limit.hpp"
#include "tensor_ipc/ros/serialized_type.hpp"

namespace tensor_ipc::ros {

namespace {

/// The beginning of a message in one piece.
std::span<const std::byte> gather(std::span<const Piece> pieces,
                                  std::span<std::byte, cdr::kMaxPrefixBytes> into,
                                  std::size_t message_bytes) noexcept
{
    const std::size_t wanted = std::min(into.size(), message_bytes);
    const cdr::PayloadCopy copy({0, 1, wanted, wanted}, into.first(wanted));
    for (const Piece& piece : pieces) {
        if (piece.at < wanted) {
            copy.take(piece.at, piece.bytes);
        }
    }
    return into.first(wanted);
}

/// One byte of a message, behind its payload.
std::byte byte_at(std::span<const Piece> pieces, std::size_t at) noexcept
{
    for (const Piece& piece : pieces) {
        if (at >= piece.at && at - piece.at < piece.bytes.size()) {
            return piece.bytes[at - piece.at];
        }
    }
    return std::byte{0};
}

}  // namespace

/// Takes the messages. Shared with Cyclone DDS, which may call it until some time after the reader
/// is deleted.
class TopicToPool::Inlet final : public MessageReceiver {
public:
    Inlet(std::string pool_name, const TopicToPoolOptions& options)
        : pool_name_(std::move(pool_name)), options_(options), limit_(options.rate_limit_hz)
    {
    }

    Result<void> open(const PoolMetadata& metadata)
    {
        SegmentOptions segment;
        segment.spare = options_.spare;
        auto producer = Producer::create(metadata, segment);
        if (!producer) {
            return producer.error();
        }
        producer_ = std::move(producer).value();
        ++stats_.pools;
        return {};
    }

    void receive(std::span<const Piece> pieces, std::size_t message_bytes) noexcept override
    {
        const std::lock_guard lock(mutex_);
        if (closed_) {
            return;
        }
        ++stats_.messages;
        if (!limit_.admits(os::monotonic_ns())) {
            ++stats_.limited;
            return;
        }
        take(pieces, message_bytes);
    }

    void close() noexcept
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        producer_.reset();
    }

    [[nodiscard]] TopicToPoolStats stats() const
    {
        const std::lock_guard lock(mutex_);
        return stats_;
    }

    [[nodiscard]] std::string last_error() const
    {
        const std::lock_guard lock(mutex_);
        return last_error_;
    }

    [[nodiscard]] std::optional<PoolMetadata> metadata() const
    {
        const std::lock_guard lock(mutex_);
        return producer_ ? std::optional(producer_->metadata()) : std::nullopt;
    }

private:
    void take(std::span<const Piece> pieces, std::size_t message_bytes)
    {
        std::array<std::byte, cdr::kMaxPrefixBytes> memory;  // NOLINT(*-member-init)
        const auto prefix = gather(pieces, memory, message_bytes);
        auto frame = cdr::incoming_frame(options_.type, prefix, message_bytes);
        if (!frame) {
            return fail(stats_.conversion_errors, frame.error());
        }
        if (frame->dense_at) {
            const bool dense = byte_at(pieces, *frame->dense_at) != std::byte{0};
            frame->texts.emplace_back("is_dense", dense ? "1" : "0");
        }
        const auto packed = pack(*frame);
        if (!packed) {
            return fail(stats_.conversion_errors, packed.error());
        }
        if (const auto wrong = what_differs(*frame)) {
            return fail(stats_.conversion_errors, *wrong);
        }
        auto loan = loan_for(*frame);
        if (!loan) {
            return fail(stats_.refused, loan.error());
        }
        const cdr::PayloadCopy copy(frame->rows, loan->bytes());
        for (const Piece& piece : pieces) {
            copy.take(piece.at, piece.bytes);
        }
        if (frame->swapped_item_bytes > 1) {
            cdr::swap_bytes(loan->bytes(), frame->swapped_item_bytes);
        }
        loan->set_user_metadata(*packed);
        loan->publish(frame->captured_ns.value_or(os::realtime_ns()));
        ++stats_.frames;
    }

    static Result<PackedUserMetadata> pack(const cdr::IncomingFrame& frame)
    {
        const std::vector<UserMetadataEntry> entries(frame.texts.begin(), frame.texts.end());
        return PackedUserMetadata::pack(entries);
    }

    /// What keeps a frame out of the pool, if there is one yet.
    [[nodiscard]] std::optional<Error> what_differs(const cdr::IncomingFrame& frame) const
    {
        const auto encoding =
            std::ranges::find(frame.texts, "encoding", &std::pair<std::string, std::string>::first);
        if (!options_.encoding.empty() && encoding != frame.texts.end() &&
            encoding->second != options_.encoding) {
            return Error{ErrorCode::MetadataMismatch,
                         "expected encoding '" + printable(options_.encoding) + "', found '" +
                             printable(encoding->second) + "'"};
        }
        if (!producer_ || options_.follow_changes || fits(frame, producer_->metadata())) {
            return std::nullopt;
        }
        const PoolMetadata& pool = producer_->metadata();
        return Error{ErrorCode::MetadataMismatch,
                     "pool '" + pool.name + "' has frames of shape " + frame_shape_text(pool) +
                         " and dtype " + std::string(dtype_name(pool.dtype)) + ", the message is " +
                         frame.shape.text() + " of " + std::string(dtype_name(frame.dtype)) +
                         ": follow_changes makes the pool anew when that happens"};
    }

    static bool fits(const cdr::IncomingFrame& frame, const PoolMetadata& pool) noexcept
    {
        const auto found = frame.shape.extents();
        const auto room = pool.shape.extents();
        if (frame.dtype != pool.dtype || found.size() != room.size()) {
            return false;
        }
        const std::size_t first = pool.varying_extent ? 1 : 0;
        return std::ranges::equal(found.subspan(first), room.subspan(first)) &&
               (first == 0 || found[0] <= room[0]);
    }

    /// The pool for frames like this one.
    [[nodiscard]] PoolMetadata metadata_for(const cdr::IncomingFrame& frame) const
    {
        PoolMetadata metadata;
        metadata.name = pool_name_;
        metadata.dtype = frame.dtype;
        metadata.history_len = options_.history_len;
        metadata.shape = frame.shape;
        // One file is hardly ever as long as the next.
        metadata.varying_extent =
            options_.capacity > 0 || options_.type == cdr::MessageType::CompressedImage;
        if (metadata.varying_extent) {
            const auto extents = frame.shape.extents();
            std::vector<std::int64_t> room(extents.begin(), extents.end());
            room[0] = options_.capacity > 0 ? static_cast<std::int64_t>(options_.capacity)
                                            : room[0] + room[0] / 2;
            metadata.shape = Shape(room);
        }
        return metadata;
    }

    /// A slot of the frame's size, in a pool that is made for it where that is needed.
    Result<Loan> loan_for(const cdr::IncomingFrame& frame)
    {
        if (!producer_ || !fits(frame, producer_->metadata())) {
            const PoolMetadata metadata = metadata_for(frame);
            if (!fits(frame, metadata)) {
                return Error{ErrorCode::InvalidArgument, "a message of shape " +
                                                             frame.shape.text() +
                                                             " is larger than the capacity " +
                                                             std::to_string(options_.capacity)};
            }
            producer_.reset();
            if (auto opened = open(metadata); !opened) {
                return opened.error();
            }
        }
        if (!producer_->metadata().varying_extent) {
            return producer_->loan();
        }
        return producer_->loan(static_cast<std::uint64_t>(frame.shape.extents()[0]));
    }

    void fail(std::uint64_t& counter, const Error& error)
    {
        ++counter;
        last_error_ = error.message;
    }

    mutable std::mutex mutex_;
    std::string pool_name_;
    TopicToPoolOptions options_;
    RateLimit limit_;
    std::optional<Producer> producer_;
    TopicToPoolStats stats_;
    std::string last_error_;
    bool closed_ = false;
};

Result<TopicToPool> TopicToPool::open(std::shared_ptr<dds::Participant> participant,
                                      const std::string& topic, const std::string& pool_name,
                                      const TopicToPoolOptions& options)
{
    if (const auto pool = PoolName::parse(pool_name); !pool) {
        return pool.error();
    }
    auto inlet = std::make_shared<Inlet>(pool_name, options);
    if (options.metadata) {
        if (auto opened = inlet->open(*options.metadata); !opened) {
            return opened.error();
        }
    }
    auto reader = Endpoint::reader(std::move(participant), topic, options.type, options.qos, inlet);
    if (!reader) {
        return reader.error();
    }
    return TopicToPool(std::move(inlet), std::move(reader).value());
}

TopicToPool::TopicToPool(std::shared_ptr<Inlet> inlet, Endpoint reader) noexcept
    : inlet_(std::move(inlet)), reader_(std::move(reader))
{
}

TopicToPool& TopicToPool::operator=(TopicToPool&& other) noexcept
{
    if (this != &other) {
        close();
        inlet_ = std::move(other.inlet_);
        reader_ = std::move(other.reader_);
    }
    return *this;
}

TopicToPool::~TopicToPool()
{
    close();
}

void TopicToPool::close() noexcept
{
    const bool is_ours = reader_.is_usable();
    reader_ = Endpoint();
    // In a forked child the inlet may be locked for ever, and its pool is the parent's.
    if (is_ours) {
        inlet_->close();
    }
}

TopicToPoolStats TopicToPool::stats() const
{
    TopicToPoolStats stats = inlet_->stats();
    stats.publishers = reader_.matched();
    stats.incompatible_qos = reader_.incompatible();
    return stats;
}

std::string TopicToPool::last_error() const
{
    return inlet_->last_error();
}

std::optional<PoolMetadata> TopicToPool::metadata() const
{
    return inlet_->metadata();
}

}  // namespace tensor_ipc::ros
