#include "tensor_ipc/pool/consumer.hpp"

#include <algorithm>

#include "tensor_ipc/base/test_point.hpp"
#include "tensor_ipc/os/directory_watch.hpp"
#include "tensor_ipc/os/shared_memory.hpp"
#include "tensor_ipc/pool/device_reader.hpp"
#include "tensor_ipc/pool/pinning.hpp"
#include "tensor_ipc/segment/open_segment.hpp"

namespace tensor_ipc {

namespace {

// How long a wait may go without looking whether its pool was replaced by hand (rm /dev/shm/...),
// which nothing announces.
constexpr std::uint64_t kSliceNs = 100'000'000;

// Reading the clock costs a fifth of a call that finds nothing new.
constexpr std::uint32_t kCallsPerLook = 16;

/// Names the device of the pool by this process's number for it.
Result<void> name_device(SegmentFile& segment)
{
    const auto driver = cuda::Driver::get();
    if (!driver) {
        return driver.error();
    }
    const auto device = cuda::find_device(*driver.value(), segment.ticket->device);
    if (!device) {
        return device.error();
    }
    segment.metadata.device = "cuda:" + std::to_string(device.value().ordinal);
    return {};
}

bool was_replaced(const Attachment& pool)
{
    return !pool.producer_alive() && !is_current(pool.segment());
}

}  // namespace

WaitOutcome Waiter::wait(std::uint64_t deadline_ns) const noexcept
{
    const std::uint64_t now = os::monotonic_ns();
    const std::uint64_t slice = std::min(deadline_ns, now + kSliceNs);
    if (!pool_) {
        os::DirectoryWatch watch(os::kSharedMemoryDirectory);
        auto segment = open_for_consumer(pool_name_);
        if (!segment || segment->has_value()) {
            return WaitOutcome::Changed;  // an error is told by the consumer's next call
        }
        switch (watch.wait(slice)) {
            case os::WatchOutcome::Interrupted:
                return WaitOutcome::Interrupted;
            case os::WatchOutcome::TimedOut:
                return slice == deadline_ns ? WaitOutcome::TimedOut : WaitOutcome::Changed;
            case os::WatchOutcome::Changed:
                return WaitOutcome::Changed;
        }
    }
    const auto is_newer = [&] {
        const auto latest = pool_->reader().latest();
        return latest && (!after_ || latest->frame > *after_);
    };
    const auto was_woken = [&] {
        return (news_ ? news_->rung()
                      : pool_->segment().header().wake_word.load(std::memory_order_seq_cst)) !=
               seen_word_;
    };
    const auto ready = [&] { return pool_->has_ended() || is_newer() || was_woken(); };
    std::uint64_t brief_ns = pace_.spin_ns(now);
    if (brief_ns > 0 && !pool_->has_processors_to_spare()) {
        brief_ns = 0;
    }
    const WakeWord words = news_ ? news_->words() : pool_->wake_word();
    switch (words.wait(ready, slice, std::max(spin_ns_, brief_ns))) {
        case WakeOutcome::Ready:
            return !pool_->has_ended() && is_newer() ? WaitOutcome::Ready : WaitOutcome::Changed;
        case WakeOutcome::Interrupted:
            return WaitOutcome::Interrupted;
        case WakeOutcome::TimedOut:
            break;
    }
    if (was_replaced(*pool_)) {
        return WaitOutcome::Changed;
    }
    return slice == deadline_ns ? WaitOutcome::TimedOut : WaitOutcome::Changed;
}

Consumer::Consumer(std::string pool_name, std::optional<PoolMetadata> expected,
                   const ConsumerOptions& options)
    : pool_name_(std::move(pool_name)), expected_(std::move(expected)), options_(options)
{
}

Result<Consumer> Consumer::attach(const std::string& pool_name, const ConsumerOptions& options)
{
    Consumer consumer(pool_name, std::nullopt, options);
    auto attached = consumer.try_attach();
    if (!attached) {
        return attached.error();
    }
    if (!*attached) {
        return Error{ErrorCode::PoolNotFound,
                     "there is no pool '" + pool_name +
                         "'. Is its producer running, and in the same TENSOR_IPC_NAMESPACE? "
                         "(tensor-ipc list)"};
    }
    return consumer;
}

Result<Consumer> Consumer::follow(const PoolMetadata& expected, const ConsumerOptions& options)
{
    if (auto valid = validate(expected); !valid) {
        return valid.error();
    }
    Consumer consumer(expected.name, expected, options);
    if (auto attached = consumer.try_attach(); !attached) {
        return attached.error();
    }
    return consumer;
}

/// Whether the attachment is no longer the pool's: ended, or our parent's, or without a payload.
bool Consumer::is_stale() noexcept
{
    return pool_->has_ended() || pool_->segment().is_parents() || pool_->has_lost_payload();
}

Result<bool> Consumer::try_attach()
{
    if (pool_ && !is_stale()) {
        return true;
    }
    detach();
    auto segment = open_for_consumer(pool_name_);
    if (!segment) {
        return segment.error();
    }
    if (!segment->has_value()) {
        return false;
    }
    const bool on_device = (*segment)->ticket.has_value();
    if (on_device) {
        if (!producer_lives((*segment)->fd.get())) {
            return false;  // nobody can open its memory any more
        }
        const auto named = name_device(**segment);
        const bool host_expected = expected_ && !expected_->device.starts_with("cuda");
        if (!named && !host_expected) {
            return named.error();
        }
    }
    if (expected_ && (*segment)->metadata != *expected_) {
        return Error{ErrorCode::MetadataMismatch,
                     "pool '" + pool_name_ + "' is not what this consumer expects: " +
                         differences(*expected_, (*segment)->metadata)};
    }
    auto pool = Attachment::open(std::move(**segment));
    if (!pool) {
        if (on_device && pool.error().code == ErrorCode::PoolNotFound) {
            return false;  // it ended meanwhile
        }
        return pool.error();
    }
    pool_ = std::move(pool).value();
    if (options_.pinned_for) {
        pool_->pin_payload(*options_.pinned_for, copy_streams_);
    }
    last_index_.reset();
    pace_.forget();
    ++attachments_;
    return true;
}

Result<bool> Consumer::refresh()
{
    if (pool_ && !pool_->segment().is_parents()) {
        // Before anything is touched. Nobody truncates a pool in order, and nothing announces it.
        if (auto whole = check_size(pool_->segment()); !whole) {
            pool_->give_up();
            detach();
            return whole.error();
        }
    }
    if (pool_ && !is_stale() && was_replaced(*pool_)) {
        detach();
    }
    return try_attach();
}

void Consumer::wake_waiters() const noexcept
{
    if (news_) {
        news_->ring();
    }
    if (pool_ && !pool_->segment().is_parents()) {
        pool_->wake_word().wake();
    }
}

void Consumer::detach() noexcept
{
    if (pool_ && pool_->device() != nullptr) {
        drop_finished_frames();
    }
    pool_ = AttachmentRef();
    last_index_.reset();
}

std::uint32_t Consumer::max_slots(std::uint32_t request) noexcept
{
    widest_request_ = std::max(widest_request_, request);
    if (options_.max_pins != FrameSource::kAutomatic) {
        return options_.max_pins;
    }
    return std::max(pool_->geometry().spare() - 1, 2 * widest_request_);
}

/// Counts what was got apart from the stream of newest frames.
void Consumer::count_apart(const FrameWindow& window) noexcept
{
    ++stats_.received;
    if (window.copied()) {
        stats_.copied_frames += window.count();
        for (std::uint32_t age = 0; age < window.count(); ++age) {
            stats_.copied_bytes += window.payload_bytes(age);
        }
    }
}

void Consumer::count(const FrameWindow& window) noexcept
{
    const std::uint64_t index = window.info().index;
    count_apart(window);
    if (!last_index_ || index > *last_index_) {
        if (last_index_) {
            stats_.missed += index - *last_index_ - 1;
        }
        last_index_ = index;
        pace_.note(window.info());
    }
}

/// Why FrameSource found no way to hold a frame.
Error Consumer::exhausted() const
{
    if (auto failure =
            pool_->device() != nullptr ? pool_->device()->take_failure() : std::nullopt) {
        return *std::move(failure);
    }
    return Error{ErrorCode::PoolExhausted,
                 "no frame of pool '" + pool_name_ +
                     "' can be held: other consumers pin all slots but the one that the producer "
                     "needs. Drop views, or give the pool more spare slots"};
}

std::optional<Error> Consumer::check_count(std::uint32_t count) const
{
    const PoolMetadata* known = metadata();
    if (count >= 1 && (known == nullptr || count <= known->history_len)) {
        return std::nullopt;
    }
    const std::uint32_t most = known != nullptr ? known->history_len : kMaxHistory;
    return Error{ErrorCode::InvalidArgument, "history_len must be 1 to " + std::to_string(most) +
                                                 " for pool '" + pool_name_ + "', got " +
                                                 std::to_string(count)};
}

/// Attaches if there is a pool. Nothing announces that one was removed by hand: who sees no frame
/// newer than `seen` looks, at times.
Result<bool> Consumer::attach_or_look(std::optional<std::uint64_t> seen)
{
    auto attached = try_attach();
    if (!attached || !*attached) {
        return attached;
    }
    if (seen && !has_newer(seen) && ++calls_without_news_ % kCallsPerLook == 0) {
        const std::uint64_t now = os::monotonic_ns();
        if (now - checked_ns_ > kSliceNs) {
            checked_ns_ = now;
            return refresh();
        }
    }
    return true;
}

Result<std::optional<FrameWindow>> Consumer::take(std::uint32_t count)
{
    using Outcome = std::optional<FrameWindow>;
    auto attached = attach_or_look(last_index_);
    if (!attached) {
        return attached.error();
    }
    if (auto wrong = check_count(count)) {
        return *std::move(wrong);
    }
    if (!*attached) {
        return Outcome{};
    }
    FrameWindow window;
    switch (FrameSource::take_newest(pool_, count, max_slots(count), window)) {
        case FrameSource::Outcome::NoFrame:
            return Outcome{};
        case FrameSource::Outcome::Exhausted:
            return exhausted();
        case FrameSource::Outcome::Taken:
            break;
    }
    this->count(window);
    return Outcome(std::move(window));
}

Result<std::optional<Frame>> Consumer::latest()
{
    auto window = take(1);
    if (!window) {
        return window.error();
    }
    if (!window->has_value()) {
        return std::optional<Frame>{};
    }
    return std::optional<Frame>(Frame(std::move(**window)));
}

Result<std::optional<FrameWindow>> Consumer::history(std::uint32_t count)
{
    return take(count);
}

Result<std::optional<Frame>> Consumer::frame(std::uint64_t index)
{
    using Outcome = std::optional<Frame>;
    auto attached = try_attach();
    if (!attached) {
        return attached.error();
    }
    if (!*attached) {
        return Outcome{};
    }
    FrameWindow window;
    switch (FrameSource::take_frame(pool_, index, max_slots(1), window)) {
        case FrameSource::Outcome::NoFrame:
            return Outcome{};
        case FrameSource::Outcome::Exhausted:
            return exhausted();
        case FrameSource::Outcome::Taken:
            break;
    }
    count_apart(window);
    return Outcome(Frame(std::move(window)));
}

Waiter Consumer::waiter(std::optional<std::uint64_t> after) const
{
    Waiter waiter;
    waiter.pool_ = pool_;
    waiter.after_ = after;
    if (!pool_) {
        waiter.pool_name_ = pool_name_;
    } else {
        // Read before the caller lets go of what keeps `wake_waiters` out.
        waiter.news_ = news_;
        waiter.seen_word_ =
            news_ ? news_->rung()
                  : pool_->segment().header().wake_word.load(std::memory_order_seq_cst);
    }
    waiter.spin_ns_ = options_.spin_ns;
    waiter.pace_ = pace_;
    return waiter;
}

const Pinning* Consumer::pinning() const noexcept
{
    return pool_ ? pool_->pinning() : nullptr;
}

Result<void> Consumer::record_stream(cuda::StreamHandle stream)
{
    if (std::ranges::find(copy_streams_, stream) != copy_streams_.end()) {
        return {};
    }
    if (const Pinning* pinned = pinning(); pinned != nullptr && pinned->is_granted()) {
        if (auto added = pinned->late_unpins()->add_stream(stream); !added) {
            return added;
        }
    }
    copy_streams_.push_back(stream);
    return {};
}

const Geometry* Consumer::geometry() const noexcept
{
    return pool_ ? &pool_->geometry() : nullptr;
}

const cuda::Device* Consumer::device() const noexcept
{
    return pool_ && pool_->device() != nullptr ? &pool_->device()->device() : nullptr;
}

std::optional<std::uint64_t> Consumer::created_ns() const noexcept
{
    return pool_ ? std::optional(pool_->segment().header().created_ns) : std::nullopt;
}

std::optional<std::uint64_t> Consumer::latest_index() const noexcept
{
    if (!pool_ || pool_->has_ended()) {
        return std::nullopt;
    }
    const auto latest = pool_->reader().latest();
    return latest ? std::optional(latest->frame) : std::nullopt;
}

bool Consumer::has_newer(std::optional<std::uint64_t> after) const noexcept
{
    const auto latest = latest_index();
    return latest && (!after || *latest > *after);
}

Result<WaitOutcome> Consumer::wait(std::optional<std::uint64_t> after, std::uint64_t deadline_ns)
{
    const std::uint64_t attached_before = attachments_;
    auto attached = try_attach();
    bool is_over = false;
    for (;;) {
        if (!attached) {
            return attached.error();
        }
        if (attachments_ != attached_before) {
            after.reset();  // another pool counts from 0 again
        }
        if (has_newer(after)) {
            return WaitOutcome::Ready;
        }
        if (is_over) {
            return WaitOutcome::TimedOut;
        }
        const WaitOutcome outcome = waiter(after).wait(deadline_ns);
        TENSOR_IPC_TEST_POINT("wait:done");
        if (outcome != WaitOutcome::Changed) {
            return outcome;
        }
        // Asked here too: something may change again and again, and none of it be a frame.
        is_over = os::monotonic_ns() >= deadline_ns;
        attached = refresh();
    }
}

bool Consumer::connected()
{
    if (auto refreshed = refresh(); !refreshed) {
        return false;
    }
    return pool_ && pool_->producer_alive();
}

const PoolMetadata* Consumer::metadata() const noexcept
{
    if (pool_) {
        return &pool_->segment().metadata;
    }
    return expected_ ? &*expected_ : nullptr;
}

}  // namespace tensor_ipc
