#include "tensor_ipc/ros/pool_to_topic.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tensor_ipc/cdr/outgoing.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/os/directory_watch.hpp"
#include "tensor_ipc/os/shared_memory.hpp"
#include "tensor_ipc/pool/consumer.hpp"
#include "tensor_ipc/ros/rate_limit.hpp"

namespace tensor_ipc::ros {

namespace {

// How long the thread sleeps at most before it looks whether it has to end.
constexpr std::uint64_t kSliceNs = 100'000'000;

// After an error that a look right away would meet again.
constexpr auto kRetryAfter = std::chrono::milliseconds(200);

std::uint64_t stamp_of(const FrameInfo& info, bool of_publication) noexcept
{
    if (!of_publication && info.captured_ns != info.published_ns) {
        return info.captured_ns;
    }
    // CLOCK_MONOTONIC, which no other host and no recording understands: as an age, then.
    return os::realtime_ns() - (os::monotonic_ns() - info.published_ns);
}

Shape shape_of(const FrameWindow& frame)
{
    const PoolMetadata& pool = frame.metadata();
    if (!pool.varying_extent) {
        return pool.shape;
    }
    const auto extents = pool.shape.extents();
    std::vector<std::int64_t> shape(extents.begin(), extents.end());
    shape[0] = static_cast<std::int64_t>(frame.info().extent);
    return Shape(shape);
}

}  // namespace

/// The thread, and what it works on.
class PoolToTopic::Outlet {
public:
    Outlet(std::string pool_name, PoolToTopicOptions options, Endpoint writer)
        : pool_name_(std::move(pool_name)),
          options_(std::move(options)),
          writer_(std::move(writer)),
          limit_(options_.rate_limit_hz),
          thread_([this] { run(); })
    {
    }

    Outlet(const Outlet&) = delete;
    Outlet& operator=(const Outlet&) = delete;
    Outlet(Outlet&&) = delete;
    Outlet& operator=(Outlet&&) = delete;

    ~Outlet()
    {
        if (!writer_.is_usable()) {
            thread_.detach();  // it runs in the parent; here there is only its handle
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        stop_.notify_all();
        thread_.join();
    }

    [[nodiscard]] PoolToTopicStats stats() const
    {
        PoolToTopicStats stats;
        {
            const std::lock_guard lock(mutex_);
            stats = stats_;
        }
        stats.subscriptions = writer_.matched();
        stats.incompatible_qos = writer_.incompatible();
        return stats;
    }

    [[nodiscard]] std::string last_error() const
    {
        const std::lock_guard lock(mutex_);
        return last_error_;
    }

private:
    void run()
    {
        while (!is_stopping()) {
            if (auto looked = consumer_ ? publish_next() : attach(); !looked) {
                fail(nullptr, looked.error());
                std::unique_lock lock(mutex_);
                stop_.wait_for(lock, kRetryAfter, [this] { return stopping_; });
            }
        }
        consumer_.reset();
    }

    [[nodiscard]] bool is_stopping() const
    {
        const std::lock_guard lock(mutex_);
        return stopping_;
    }

    /// Attaches to the pool, or waits a while for one.
    Result<void> attach()
    {
        os::DirectoryWatch watch(os::kSharedMemoryDirectory);
        auto consumer = Consumer::attach(pool_name_);
        if (consumer) {
            consumer_ = std::move(consumer).value();
            return {};
        }
        if (consumer.error().code != ErrorCode::PoolNotFound) {
            return consumer.error();
        }
        [[maybe_unused]] const auto why = watch.wait(os::monotonic_ns() + kSliceNs);
        return {};
    }

    /// Waits a while for a frame, and publishes the newest.
    Result<void> publish_next()
    {
        auto waited = consumer_->wait(consumer_->last_index(), os::monotonic_ns() + kSliceNs);
        if (!waited) {
            return waited.error();
        }
        if (*waited != WaitOutcome::Ready) {
            return {};
        }
        auto frame = consumer_->latest();
        if (!frame) {
            return frame.error();
        }
        if (*frame) {
            publish(std::move(**frame).into_window());
        }
        const std::lock_guard lock(mutex_);
        stats_.missed = consumer_->stats().missed;
        stats_.copied_frames = consumer_->stats().copied_frames;
        return {};
    }

    void publish(FrameWindow frame)
    {
        count(stats_.frames);
        if (!limit_.admits(os::monotonic_ns())) {
            return count(stats_.limited);
        }
        if (frame.on_device()) {
            return fail(
                &stats_.conversion_errors,
                Error{ErrorCode::CudaUnsupported,
                      "pool '" + pool_name_ + "' lies on " + frame.metadata().device +
                          ": only frames in host memory go to a topic from where they lie"});
        }
        auto envelope = envelope_for(frame);
        if (!envelope) {
            return fail(&stats_.conversion_errors, envelope.error());
        }
        OutgoingMessage message;
        message.prefix = std::move(envelope->prefix);
        message.tail = std::move(envelope->tail);
        message.payload = frame.bytes();
        message.keeper = std::make_shared<FrameWindow>(std::move(frame));
        if (auto written = writer_.write(message); !written) {
            return fail(&stats_.publish_errors, written.error());
        }
        count(stats_.messages);
    }

    [[nodiscard]] Result<cdr::Envelope> envelope_for(const FrameWindow& frame) const
    {
        auto texts = unpack_user_metadata(frame.user_metadata());
        if (!texts) {
            return texts.error();
        }
        cdr::OutgoingFrame outgoing;
        outgoing.dtype = frame.metadata().dtype;
        outgoing.shape = shape_of(frame);
        outgoing.stamp_ns = stamp_of(frame.info(), options_.stamp_publication);
        outgoing.texts = *texts;
        outgoing.frame_id = options_.frame_id;
        outgoing.encoding = options_.encoding;
        return cdr::envelope_of(options_.type, outgoing);
    }

    void count(std::uint64_t& counter)
    {
        const std::lock_guard lock(mutex_);
        ++counter;
    }

    void fail(std::uint64_t* counter, const Error& error)
    {
        const std::lock_guard lock(mutex_);
        *(counter == nullptr ? &stats_.conversion_errors : counter) += 1;
        last_error_ = error.message;
    }

    std::string pool_name_;
    PoolToTopicOptions options_;
    Endpoint writer_;
    RateLimit limit_;
    std::optional<Consumer> consumer_;  // of the thread

    mutable std::mutex mutex_;
    std::condition_variable stop_;
    PoolToTopicStats stats_;
    std::string last_error_;
    bool stopping_ = false;

    std::thread thread_;  // last: it uses all of the above
};

Result<PoolToTopic> PoolToTopic::open(std::shared_ptr<dds::Participant> participant,
                                      const std::string& pool_name, const std::string& topic,
                                      const PoolToTopicOptions& options)
{
    if (const auto pool = PoolName::parse(pool_name); !pool) {
        return pool.error();
    }
    auto writer = Endpoint::writer(std::move(participant), topic, options.type, options.qos);
    if (!writer) {
        return writer.error();
    }
    return PoolToTopic(std::make_unique<Outlet>(pool_name, options, std::move(writer).value()));
}

PoolToTopic::PoolToTopic(std::unique_ptr<Outlet> outlet) noexcept : outlet_(std::move(outlet)) {}

PoolToTopic::PoolToTopic(PoolToTopic&&) noexcept = default;

PoolToTopic& PoolToTopic::operator=(PoolToTopic&& other) noexcept = default;

PoolToTopic::~PoolToTopic() = default;

void PoolToTopic::close() noexcept
{
    outlet_.reset();
}

PoolToTopicStats PoolToTopic::stats() const
{
    return outlet_ ? outlet_->stats() : PoolToTopicStats{};
}

std::string PoolToTopic::last_error() const
{
    return outlet_ ? outlet_->last_error() : std::string();
}

}  // namespace tensor_ipc::ros
