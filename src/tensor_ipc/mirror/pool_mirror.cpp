#include "tensor_ipc/mirror/pool_mirror.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "tensor_ipc/dds/fork_gate.hpp"
#include "tensor_ipc/mirror/generated/mirror.h"
#include "tensor_ipc/mirror/samples.hpp"
#include "tensor_ipc/mirror/topics.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/os/fork_epoch.hpp"
#include "tensor_ipc/os/host.hpp"
#include "tensor_ipc/os/shared_memory.hpp"
#include "tensor_ipc/tensor/pool_name.hpp"

namespace tensor_ipc::mirror {

namespace {

// How often the request is written again, for a server that took this mirror for dead.
constexpr std::uint64_t kRequestNs = 1'000'000'000;

constexpr const char* kAnyHost = "any";

}  // namespace

class PoolMirror::Core {
public:
    Core(MirrorOptions options, std::shared_ptr<dds::Participant> participant)
        : options_(std::move(options)), participant_(std::move(participant))
    {
    }

    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;
    Core(Core&&) = delete;
    Core& operator=(Core&&) = delete;

    ~Core()
    {
        stop_ = true;
        alarm_.wake();
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    Result<void> start()
    {
        const dds_entity_t participant = participant_->entity();
        auto pieces = piece_reader(participant, id_, options_.reliable);
        if (!pieces) {
            return pieces.error();
        }
        auto offers = announcement_reader(participant, Announcements::Offers);
        if (!offers) {
            return offers.error();
        }
        auto requests = announcement_writer(participant, Announcements::Requests);
        if (!requests) {
            return requests.error();
        }
        auto alarm = Alarm::make(participant);
        if (!alarm) {
            return alarm.error();
        }
        for (const Entity* reader : {&*pieces, &*offers}) {
            if (auto watched = alarm->watch(reader->get()); !watched) {
                return watched.error();
            }
        }
        pieces_ = std::move(pieces).value();
        offers_ = std::move(offers).value();
        requests_ = std::move(requests).value();
        alarm_ = std::move(alarm).value();
        thread_ = std::thread([this] { run(); });
        return {};
    }

    [[nodiscard]] bool is_ours() const noexcept { return fork_epoch_ == os::fork_epoch(); }

    [[nodiscard]] MirrorStatus status() const
    {
        const std::lock_guard lock(mutex_);
        return status_;
    }

    [[nodiscard]] bool wait_open(std::uint64_t deadline_ns) const
    {
        std::unique_lock lock(mutex_);
        const auto is_open = [&] { return status_.open; };
        // CLOCK_MONOTONIC, as the deadline.
        const auto most = std::chrono::hours(24 * 365);
        const std::chrono::steady_clock::time_point deadline{std::chrono::nanoseconds(
            static_cast<std::int64_t>(std::min<std::uint64_t>(deadline_ns, INT64_MAX)))};
        return changed_.wait_until(
            lock, std::min(deadline, std::chrono::steady_clock::now() + most), is_open);
    }

private:
    void run()
    {
        Taker<tensor_ipc_mirror_v1_Offer> offers(tensor_ipc_mirror_v1_Offer_desc);
        Taker<tensor_ipc_mirror_v1_Piece> pieces(tensor_ipc_mirror_v1_Piece_desc);
        while (!stop_) {
            const std::uint64_t now = os::monotonic_ns();
            alarm_.wait(now < request_due_ns_ ? request_due_ns_ - now : 0);
            offers.take_all(offers_.get(),
                            [&](const auto& sample, const auto& info) { hear(sample, info); });
            choose_server();
            pieces.take_all(pieces_.get(), [&](const auto& sample, const auto& info) {
                if (info.valid_data) {
                    accept(sample);
                }
            });
            tell();
        }
        pool_.close();
    }

    void hear(const tensor_ipc_mirror_v1_Offer& offer, const dds_sample_info_t& info)
    {
        if (options_.pool_name != static_cast<const char*>(offer.pool)) {
            return;
        }
        const Id server = id_of(offer.server);
        if (info.instance_state != DDS_ALIVE_INSTANCE_STATE) {
            servers_.erase(server);
            return;
        }
        MirrorSource source{printable(static_cast<const char*>(offer.host)),
                            printable(static_cast<const char*>(offer.host_id)), offer.uid,
                            offer.pid};
        const bool is_wanted = options_.host == kAnyHost || options_.host == source.host ||
                               options_.host == source.host_id;
        if (info.valid_data && is_wanted && servers_.size() < kMaxServers) {
            servers_.insert_or_assign(server, std::move(source));
        }
    }

    /// Stays with its server while that lives, and asks it again now and then.
    void choose_server()
    {
        if (server_ && !servers_.contains(*server_)) {
            server_.reset();
            pool_.interrupt();  // what is there stays, until another server knows better
        }
        const bool is_new = !server_ && !servers_.empty();
        if (is_new) {
            server_ = servers_.begin()->first;
        }
        const std::uint64_t now = os::monotonic_ns();
        if (is_new || now >= request_due_ns_) {
            request_due_ns_ = now + kRequestNs;
            if (server_) {
                request(*server_);
            }
        }
    }

    void request(const Id& server)
    {
        tensor_ipc_mirror_v1_Request sample{};
        put_id(sample.mirror, id_);
        put_id(sample.server, server);
        put_text(sample.pool, options_.pool_name);
        put_text(sample.host, os::host_name());
        sample.uid = os::effective_uid();
        sample.pid = os::process_id();
        sample.reliable = options_.reliable;
        sample.period_ns =
            options_.max_rate_hz > 0.0 ? static_cast<std::uint64_t>(1e9 / options_.max_rate_hz) : 0;
        sample.bytes_per_s = options_.max_bytes_per_s;
        sample.piece_bytes = options_.piece_bytes;
        sample.again = pool_.missing();
        const std::lock_guard lock(dds::fork_gate());
        dds_write(requests_.get(), &sample);
    }

    void accept(const tensor_ipc_mirror_v1_Piece& sample)
    {
        if (!server_ || id_of(sample.server) != *server_) {
            return;
        }
        auto piece = read_piece(sample, options_.local_name, options_.max_pool_bytes);
        if (piece) {
            refusal_.clear();
            pool_.accept(*piece);
            if (piece->kind == PieceKind::Pool && pool_.missing() != 0) {
                request_due_ns_ = 0;  // the source is silent, and its newest frame is not here
            }
        } else {
            ++refused_;
            refusal_ = piece.error().message;
        }
    }

    void tell()
    {
        const std::lock_guard lock(mutex_);
        status_.source = server_ ? std::optional(servers_.at(*server_)) : std::nullopt;
        status_.open = pool_.is_open();
        status_.frames = pool_.counts();
        status_.refused = refused_;
        status_.latest_frame = pool_.latest();
        status_.problem = refusal_.empty() ? pool_.problem() : refusal_;
        changed_.notify_all();
    }

    static constexpr std::size_t kMaxServers = 256;

    const Id id_ = random_id();
    const std::uint32_t fork_epoch_ = os::fork_epoch();
    const MirrorOptions options_;
    std::shared_ptr<dds::Participant> participant_;
    Entity offers_;
    Entity requests_;
    Entity pieces_;
    Alarm alarm_;
    std::map<Id, MirrorSource> servers_;  ///< who offers the pool
    std::optional<Id> server_;            ///< who is asked
    std::uint64_t request_due_ns_ = 0;
    LocalPool pool_;
    std::uint64_t refused_ = 0;
    std::string refusal_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    MirrorStatus status_;  ///< a copy for other threads
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

Result<PoolMirror> PoolMirror::start(const MirrorOptions& options)
{
    MirrorOptions named = options;
    if (named.local_name.empty()) {
        named.local_name = named.pool_name;
    }
    for (const std::string& name : {named.pool_name, named.local_name}) {
        if (auto parsed = PoolName::parse(name); !parsed) {
            return parsed.error();
        }
    }
    if (!std::isfinite(options.max_rate_hz) || options.max_rate_hz < 0.0) {
        return Error{ErrorCode::InvalidArgument, "max_rate_hz must be 0 (no limit) or positive"};
    }
    if (options.piece_bytes < kMinPieceBytes || options.piece_bytes > kMaxPieceBytes) {
        return Error{ErrorCode::InvalidArgument, "piece_bytes must be " +
                                                     std::to_string(kMinPieceBytes) + " to " +
                                                     std::to_string(kMaxPieceBytes) + ", got " +
                                                     std::to_string(options.piece_bytes)};
    }
    if (auto name_is_free = check_name_is_free(named.local_name); !name_is_free) {
        return name_is_free.error();
    }
    os::count_forks();
    auto participant = dds::Participant::shared(options.network);
    if (!participant) {
        return participant.error();
    }
    auto core = std::make_unique<Core>(std::move(named), std::move(participant).value());
    if (auto started = core->start(); !started) {
        return started.error();
    }
    return PoolMirror(std::move(core));
}

PoolMirror::PoolMirror(std::unique_ptr<Core> core) noexcept : core_(std::move(core)) {}

PoolMirror::PoolMirror(PoolMirror&&) noexcept = default;

PoolMirror& PoolMirror::operator=(PoolMirror&& other) noexcept
{
    close();
    core_ = std::move(other.core_);
    return *this;
}

PoolMirror::~PoolMirror()
{
    close();
}

void PoolMirror::close() noexcept
{
    if (core_ && !core_->is_ours()) {
        // The thread is not in this child, and the pool is its parent's.
        static_cast<void>(core_.release());
    }
    core_.reset();
}

MirrorStatus PoolMirror::status() const
{
    return core_ && core_->is_ours() ? core_->status() : MirrorStatus{};
}

bool PoolMirror::wait_open(std::uint64_t deadline_ns) const
{
    return core_ && core_->is_ours() && core_->wait_open(deadline_ns);
}

}  // namespace tensor_ipc::mirror
