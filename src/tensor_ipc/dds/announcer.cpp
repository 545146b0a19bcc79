#include "tensor_ipc/dds/announcer.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <dds/dds.h>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tensor_ipc/dds/endpoint.hpp"
#include "tensor_ipc/dds/fork_gate.hpp"
#include "tensor_ipc/dds/pool_record.hpp"
#include "tensor_ipc/dds/return_code.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/os/fork_epoch.hpp"
#include "tensor_ipc/os/futex.hpp"
#include "tensor_ipc/os/host.hpp"
#include "tensor_ipc/os/shared_memory.hpp"
#include "tensor_ipc/pool/observer.hpp"

namespace tensor_ipc::dds {

namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

// A pool whose frames are read over DDS, but that stands still, is looked at this often.
constexpr std::uint64_t kStillPeriodNs = 10'000'000;

// A rate that changed by less than this is not told anew.
constexpr double kRateChange = 0.05;

/// Wakes the announcer's thread. Listeners ring it too, so it takes no lock.
class Bell {
public:
    void ring() noexcept
    {
        rung_.fetch_add(1);
        os::futex_wake_all(rung_);
    }

    [[nodiscard]] std::uint32_t count() const noexcept { return rung_.load(); }

    /// Sleeps until it has rung since `seen` was counted, or the deadline.
    void wait(std::uint32_t seen, std::uint64_t deadline_ns) const noexcept
    {
        os::futex_wait(rung_, seen, deadline_ns);
    }

private:
    std::atomic<std::uint32_t> rung_{0};
};

// Never destroyed: a listener may still ring it.
Bell& bell()
{
    static auto* const instance = new Bell;  // NOLINT(*-owning-memory)
    return *instance;
}

PoolRecord describe(const PoolObserver& pool, PoolKey key)
{
    PoolRecord record;
    record.key = std::move(key);
    record.metadata = pool.metadata();
    record.host = os::host_name();
    record.owner_uid = os::effective_uid();
    record.producer_pid = pool.producer_pid();
    record.generation = pool.generation();
    record.frame_bytes = pool.geometry().frame_bytes;
    return record;
}

}  // namespace

/// What is told of one pool. But for the counters guarded by fork_gate().
class Announcement::Pool {
public:
    Pool(PoolObserver observer, PoolKey key, const AnnouncementOptions& options)
        : observer_(std::move(observer)),
          record_(describe(observer_, std::move(key))),
          period_ns_(static_cast<std::uint64_t>(1e9 / options.max_rate_hz)),
          fork_epoch_(os::fork_epoch())
    {
    }

    Result<void> begin(const std::shared_ptr<Participant>& participant,
                       std::shared_ptr<Endpoint> pools, std::int32_t keep_last)
    {
        const std::string& name = record_.metadata.name;
        pools_ = std::move(pools);
        auto metadata =
            Endpoint::writer(participant, topic_name(name, kMetadata), TopicKind::Metadata, 1);
        if (!metadata) {
            return metadata.error();
        }
        metadata_ = std::move(metadata).value();
        const std::unique_ptr<dds_listener_t, decltype(&dds_delete_listener)> listener(
            dds_create_listener(this), &dds_delete_listener);
        dds_lset_publication_matched(listener.get(), &Pool::on_matched);
        auto progress = Endpoint::writer(participant, topic_name(name, kProgress),
                                         TopicKind::Progress, keep_last, listener.get());
        if (!progress) {
            return progress.error();
        }
        progress_ = std::move(progress).value();
        return tell();
    }

    /// Tells what is new.
    /// @return when to look again
    std::uint64_t look(std::uint64_t now_ns)
    {
        if (now_ns >= next_rate_ns_) {
            next_rate_ns_ = now_ns + kSecondNs;
            measure_rate();
        }
        if (readers_.load() == 0) {
            return next_rate_ns_;
        }
        if (now_ns >= next_progress_ns_) {
            const bool is_new_reader = has_new_reader_.exchange(false);
            const auto latest = observer_.latest();
            const bool has_moved = latest != told_frame_;
            // A sample may be lost, or come before its reader knows this writer: told once more.
            const bool is_due = is_new_reader || now_ns - told_ns_ >= kSecondNs;
            if (latest && (has_moved || is_due) && tell_progress()) {
                told_ns_ = now_ns;
                moved_ns_ = has_moved ? now_ns : moved_ns_;
            }
            const bool is_moving = now_ns - moved_ns_ < kSecondNs;
            next_progress_ns_ =
                now_ns + (is_moving ? period_ns_ : std::max(period_ns_, kStillPeriodNs));
        }
        return std::min(next_rate_ns_, next_progress_ns_);
    }

    void end() noexcept
    {
        const tensor_ipc_v1_PoolMetadata sample = sample_of(record_);
        const std::int64_t now = os::unix_time_ns();
        for (const Entity writer : {pools_ ? pools_->entity() : 0, metadata_.entity()}) {
            if (writer > 0) {
                dds_dispose_ts(writer, &sample, now);
                dds_unregister_instance_ts(writer, &sample, now);
            }
        }
        progress_ = {};
        metadata_ = {};
        pools_.reset();
    }

    [[nodiscard]] bool is_ours() const noexcept { return fork_epoch_ == os::fork_epoch(); }

    [[nodiscard]] std::uint32_t readers() const noexcept { return readers_.load(); }

    [[nodiscard]] std::uint64_t samples() const noexcept { return samples_.load(); }

private:
    /// In a thread of Cyclone DDS, which others wait for.
    static void on_matched(dds_entity_t /*writer*/, const dds_publication_matched_status_t status,
                           void* argument)
    {
        auto* pool = static_cast<Pool*>(argument);
        pool->readers_.store(status.current_count);
        if (status.current_count_change > 0) {
            pool->has_new_reader_.store(true);
            bell().ring();
        }
    }

    Result<void> tell()
    {
        const tensor_ipc_v1_PoolMetadata sample = sample_of(record_);
        for (const Entity writer : {pools_->entity(), metadata_.entity()}) {
            if (const dds_return_t code = dds_write(writer, &sample); code < 0) {
                return dds_error("dds_write", record_.metadata.name, code);
            }
        }
        return {};
    }

    bool tell_progress() noexcept
    {
        const auto found = observer_.progress();
        if (!found) {
            return false;
        }
        ProgressRecord& progress = progress_record_;
        progress.key = record_.key;
        progress.generation = record_.generation;
        progress.frame = found->frame;
        progress.captured_ns = found->captured_ns;
        progress.published_ns = found->published_ns;
        progress.published_unix_ns = os::unix_time_ns() -
                                     static_cast<std::int64_t>(os::monotonic_ns()) +
                                     static_cast<std::int64_t>(found->published_ns);
        const tensor_ipc_v1_PoolProgress sample = sample_of(progress);
        if (dds_write(progress_.entity(), &sample) < 0) {
            return false;
        }
        told_frame_ = found->frame;
        samples_.fetch_add(1);
        return true;
    }

    /// Frames a second since the last look, between two publications; told when it changed.
    void measure_rate()
    {
        const auto now = observer_.progress();
        double rate = 0.0;
        if (now && measured_ && now->frame > measured_->frame &&
            now->published_ns > measured_->published_ns) {
            rate = static_cast<double>(now->frame - measured_->frame) * 1e9 /
                   static_cast<double>(now->published_ns - measured_->published_ns);
        }
        const bool is_first = now && !measured_;
        if (now) {
            measured_ = now;
            record_.latest_frame = static_cast<std::int64_t>(now->frame);
        }
        const bool has_changed =
            std::abs(rate - record_.rate_hz) > kRateChange * std::max(rate, record_.rate_hz);
        if (is_first || has_changed) {
            record_.rate_hz = rate;
            // Next time it will be told if not now: nothing else to do in this thread.
            static_cast<void>(tell());
        }
    }

    PoolObserver observer_;
    PoolRecord record_;
    std::uint64_t period_ns_;
    std::uint32_t fork_epoch_;
    std::shared_ptr<Endpoint> pools_;
    Endpoint metadata_;
    Endpoint progress_;
    ProgressRecord progress_record_;
    std::optional<PoolProgress> measured_;
    std::optional<std::uint64_t> told_frame_;
    std::uint64_t told_ns_ = 0;
    std::uint64_t moved_ns_ = 0;
    std::uint64_t next_rate_ns_ = 0;
    std::uint64_t next_progress_ns_ = 0;
    std::atomic<std::uint32_t> readers_{0};
    std::atomic<bool> has_new_reader_{false};
    std::atomic<std::uint64_t> samples_{0};
};

/// The thread that looks at all announced pools of this process. Guarded by fork_gate().
class Announcer {
public:
    /// That of this process: a forked child begins without pools and without a thread.
    static Announcer& instance()
    {
        static Announcer* current = nullptr;
        static std::uint32_t epoch = 0;
        if (current == nullptr || epoch != os::fork_epoch()) {
            current = new Announcer;  // NOLINT(*-owning-memory) the parent's is left as it is
            epoch = os::fork_epoch();
        }
        return *current;
    }

    /// The writer of this process on the topic of all pools.
    Result<std::shared_ptr<Endpoint>> pools_writer(const std::shared_ptr<Participant>& participant)
    {
        std::weak_ptr<Endpoint>& known = pools_writers_[participant->domain()];
        if (auto writer = known.lock()) {
            return writer;
        }
        auto made = Endpoint::writer(participant, kPoolsTopic, TopicKind::Metadata, 1);
        if (!made) {
            return made.error();
        }
        auto writer = std::make_shared<Endpoint>(std::move(made).value());
        known = writer;
        return writer;
    }

    void add(std::shared_ptr<Announcement::Pool> pool)
    {
        pools_.push_back(std::move(pool));
        if (!thread_.joinable()) {
            thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
        }
        bell().ring();
    }

    /// @return the thread when it has nothing left to do; to be joined without fork_gate()
    std::jthread remove(const std::shared_ptr<Announcement::Pool>& pool)
    {
        std::erase(pools_, pool);
        if (!pools_.empty()) {
            return {};
        }
        std::jthread idle = std::exchange(thread_, {});
        idle.request_stop();
        bell().ring();
        return idle;
    }

private:
    void run(const std::stop_token& stop)
    {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are for the program's own threads
        while (!stop.stop_requested()) {
            const std::uint32_t rung = bell().count();
            bell().wait(rung, look(stop));
        }
    }

    std::uint64_t look(const std::stop_token& stop)
    {
        const std::lock_guard lock(fork_gate());
        const std::uint64_t now = os::monotonic_ns();
        std::uint64_t next = now + kSecondNs;
        if (stop.stop_requested()) {
            return now;
        }
        for (const auto& pool : pools_) {
            next = std::min(next, pool->look(now));
        }
        return next;
    }

    std::vector<std::shared_ptr<Announcement::Pool>> pools_;
    std::map<std::uint32_t, std::weak_ptr<Endpoint>> pools_writers_;
    std::jthread thread_;
};

Announcement::Announcement(std::shared_ptr<Pool> pool) noexcept : pool_(std::move(pool)) {}

Result<Announcement> Announcement::begin(const std::string& pool_name,
                                         const AnnouncementOptions& options)
{
    if (options.keep_last < 1 || !(options.max_rate_hz > 0.0 && options.max_rate_hz <= 10'000.0)) {
        return Error{ErrorCode::InvalidArgument,
                     "keep_last is at least 1 and max_rate_hz above 0 and at most 10000, got " +
                         std::to_string(options.keep_last) + " and " +
                         std::to_string(options.max_rate_hz)};
    }
    auto key = local_key(pool_name);
    if (!key) {
        return key.error();
    }
    auto observer = PoolObserver::open(pool_name);
    if (!observer) {
        return observer.error();
    }
    if (!observer->has_value() || (*observer)->producer_pid() != os::process_id()) {
        return Error{ErrorCode::PoolNotFound,
                     "this process produces no pool '" + pool_name + "' to tell of over DDS"};
    }
    auto pool = std::make_shared<Pool>(*std::move(*observer), *std::move(key), options);
    auto participant = Participant::shared(options.participant);
    if (!participant) {
        return participant.error();
    }
    const std::lock_guard lock(fork_gate());
    auto pools = Announcer::instance().pools_writer(*participant);
    if (!pools) {
        return pools.error();
    }
    if (auto begun = pool->begin(*participant, std::move(pools).value(), options.keep_last);
        !begun) {
        return begun.error();
    }
    Announcer::instance().add(pool);
    return Announcement(std::move(pool));
}

Announcement& Announcement::operator=(Announcement&& other) noexcept
{
    if (this != &other) {
        withdraw();
        pool_ = std::move(other.pool_);
    }
    return *this;
}

Announcement::~Announcement()
{
    withdraw();
}

void Announcement::withdraw() noexcept
{
    const auto pool = std::exchange(pool_, nullptr);
    if (pool == nullptr || !pool->is_ours()) {
        return;
    }
    std::jthread idle;
    const std::lock_guard lock(fork_gate());
    idle = Announcer::instance().remove(pool);
    pool->end();
}

bool Announcement::is_announced() const noexcept
{
    return pool_ != nullptr && pool_->is_ours();
}

std::uint32_t Announcement::readers() const noexcept
{
    return is_announced() ? pool_->readers() : 0;
}

std::uint64_t Announcement::samples() const noexcept
{
    return pool_ == nullptr ? 0 : pool_->samples();
}

}  // namespace tensor_ipc::dds
