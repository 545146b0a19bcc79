#include "tensor_ipc/mirror/mirror_server.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "tensor_ipc/dds/fork_gate.hpp"
#include "tensor_ipc/mirror/frame_sender.hpp"
#include "tensor_ipc/mirror/generated/mirror.h"
#include "tensor_ipc/mirror/piece.hpp"
#include "tensor_ipc/mirror/samples.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/os/fork_epoch.hpp"
#include "tensor_ipc/os/host.hpp"
#include "tensor_ipc/os/shared_memory.hpp"
#include "tensor_ipc/segment/open_segment.hpp"
#include "tensor_ipc/tensor/pool_name.hpp"

namespace tensor_ipc::mirror {

namespace {

// How often offers are written again, for those who took this server for dead, and how often new
// pools are looked for.
constexpr std::uint64_t kOfferNs = 1'000'000'000;

SendRequest request_of(const tensor_ipc_mirror_v1_Request& sample)
{
    SendRequest request;
    request.mirror = id_of(sample.mirror);
    request.pool_name = static_cast<const char*>(sample.pool);
    request.host = printable(static_cast<const char*>(sample.host));
    request.uid = sample.uid;
    request.pid = sample.pid;
    request.reliable = sample.reliable;
    request.period_ns = sample.period_ns;
    request.bytes_per_s = sample.bytes_per_s;
    request.piece_bytes = sample.piece_bytes;
    return request;
}

}  // namespace

class MirrorServer::Core {
public:
    Core(const ServerOptions& options, std::shared_ptr<dds::Participant> participant)
        : participant_(std::move(participant)),
          all_(options.all),
          pools_(options.pools.begin(), options.pools.end())
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
        senders_.clear();
    }

    Result<void> start()
    {
        auto offers = announcement_writer(participant_->entity(), Announcements::Offers);
        if (!offers) {
            return offers.error();
        }
        auto requests = announcement_reader(participant_->entity(), Announcements::Requests);
        if (!requests) {
            return requests.error();
        }
        auto alarm = Alarm::make(participant_->entity());
        if (!alarm) {
            return alarm.error();
        }
        if (auto watched = alarm->watch(requests->get()); !watched) {
            return watched.error();
        }
        offers_ = std::move(offers).value();
        requests_ = std::move(requests).value();
        alarm_ = std::move(alarm).value();
        thread_ = std::thread([this] { run(); });
        return {};
    }

    [[nodiscard]] bool is_ours() const noexcept { return fork_epoch_ == os::fork_epoch(); }

    [[nodiscard]] std::vector<ServedMirror> mirrors() const
    {
        const std::lock_guard lock(mutex_);
        std::vector<ServedMirror> served;
        for (const auto& [id, sender] : senders_) {
            const SendRequest& request = sender->request();
            const SendCounts counts = sender->counts();
            served.push_back({request.pool_name, request.host, request.uid, request.pid,
                              sender->has_reader(), counts.frames, counts.bytes, counts.abandoned});
        }
        return served;
    }

    [[nodiscard]] std::vector<std::string> pools() const
    {
        const std::lock_guard lock(mutex_);
        return {pools_.begin(), pools_.end()};
    }

private:
    void run()
    {
        Taker<tensor_ipc_mirror_v1_Request> requests(tensor_ipc_mirror_v1_Request_desc);
        while (!stop_) {
            if (os::monotonic_ns() >= offer_due_ns_) {
                find_pools();
                offer();
                offer_due_ns_ = os::monotonic_ns() + kOfferNs;
            }
            const std::uint64_t now = os::monotonic_ns();
            alarm_.wait(now < offer_due_ns_ ? offer_due_ns_ - now : 0);
            requests.take_all(requests_.get(), [&](const auto& sample, const auto& info) {
                if (info.valid_data && info.instance_state == DDS_ALIVE_INSTANCE_STATE) {
                    serve(request_of(sample), id_of(sample.server), sample.again);
                } else if (info.instance_state != DDS_ALIVE_INSTANCE_STATE) {
                    dismiss(id_of(sample.mirror));
                }
            });
        }
    }

    /// With `all`: what is there now. A pool that was offered stays so, as if it were named.
    void find_pools()
    {
        if (!all_) {
            return;
        }
        const auto found = inspect_all();
        if (!found) {
            return;
        }
        const std::lock_guard lock(mutex_);
        for (const PoolFacts& facts : *found) {
            if (facts.problem.empty()) {
                pools_.insert(facts.metadata.name);
            }
        }
    }

    void offer()
    {
        tensor_ipc_mirror_v1_Offer sample{};
        put_id(sample.server, id_);
        put_text(sample.host, os::host_name());
        put_text(sample.host_id, os::shared_memory_id());
        sample.uid = os::effective_uid();
        sample.pid = os::process_id();
        const std::lock_guard lock(dds::fork_gate());
        for (const std::string& pool : pools_) {
            put_text(sample.pool, pool);
            dds_write(offers_.get(), &sample);
        }
    }

    void serve(SendRequest request, const Id& server, std::uint64_t again)
    {
        if (server != id_) {
            dismiss(request.mirror);  // it goes to another server now
            return;
        }
        request.piece_bytes = std::clamp(request.piece_bytes, kMinPieceBytes, kMaxPieceBytes);
        const auto known = senders_.find(request.mirror);
        if (known != senders_.end() && known->second->request() == request) {
            known->second->repeat(again);
            return;
        }
        dismiss(request.mirror);
        if (!pools_.contains(request.pool_name) || senders_.size() >= kMaxMirrors) {
            return;
        }
        auto sender = FrameSender::start(participant_->entity(), id_, request);
        if (sender) {
            const std::lock_guard lock(mutex_);
            senders_.emplace(request.mirror, std::move(sender).value());
        }
    }

    void dismiss(const Id& mirror)
    {
        std::unique_ptr<FrameSender> ended;
        const std::lock_guard lock(mutex_);
        if (const auto known = senders_.find(mirror); known != senders_.end()) {
            ended = std::move(known->second);
            senders_.erase(known);
        }
    }

    const Id id_ = random_id();
    const std::uint32_t fork_epoch_ = os::fork_epoch();
    std::shared_ptr<dds::Participant> participant_;
    Entity offers_;
    Entity requests_;
    Alarm alarm_;
    bool all_;
    std::uint64_t offer_due_ns_ = 0;
    mutable std::mutex mutex_;  ///< for what follows; only the thread changes it
    std::set<std::string> pools_;
    std::map<Id, std::unique_ptr<FrameSender>> senders_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

Result<MirrorServer> MirrorServer::start(const ServerOptions& options)
{
    if (options.pools.empty() && !options.all) {
        return Error{ErrorCode::InvalidArgument,
                     "name the pools to serve, or say that all are to be served"};
    }
    for (const std::string& pool : options.pools) {
        if (auto name = PoolName::parse(pool); !name) {
            return name.error();
        }
    }
    os::count_forks();
    auto participant = dds::Participant::shared(options.network);
    if (!participant) {
        return participant.error();
    }
    auto core = std::make_unique<Core>(options, std::move(participant).value());
    if (auto started = core->start(); !started) {
        return started.error();
    }
    return MirrorServer(std::move(core));
}

MirrorServer::MirrorServer(std::unique_ptr<Core> core) noexcept : core_(std::move(core)) {}

MirrorServer::MirrorServer(MirrorServer&&) noexcept = default;

MirrorServer& MirrorServer::operator=(MirrorServer&& other) noexcept
{
    close();
    core_ = std::move(other.core_);
    return *this;
}

MirrorServer::~MirrorServer()
{
    close();
}

void MirrorServer::close() noexcept
{
    if (core_ && !core_->is_ours()) {
        // The threads are not in this child, and the entities are its parent's.
        static_cast<void>(core_.release());
    }
    core_.reset();
}

std::vector<ServedMirror> MirrorServer::mirrors() const
{
    return core_ && core_->is_ours() ? core_->mirrors() : std::vector<ServedMirror>{};
}

std::vector<std::string> MirrorServer::pools() const
{
    return core_ && core_->is_ours() ? core_->pools() : std::vector<std::string>{};
}

}  // namespace tensor_ipc::mirror
