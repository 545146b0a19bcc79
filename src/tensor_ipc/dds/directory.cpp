#include "tensor_ipc/dds/directory.hpp"

#include <algorithm>
#include <array>
#include <dds/dds.h>
#include <optional>
#include <tuple>
#include <utility>

#include "tensor_ipc/dds/endpoint.hpp"
#include "tensor_ipc/dds/return_code.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/os/futex.hpp"
#include "tensor_ipc/os/host.hpp"

namespace tensor_ipc::dds {

namespace {

constexpr std::uint64_t kSliceNs = 100'000'000;

void ring(std::atomic<std::uint32_t>& word) noexcept
{
    word.fetch_add(1);
    os::futex_wake_all(word);
}

}  // namespace

/// Stays where it is: listeners know its address.
struct Directory::State {
    std::atomic<std::uint32_t> told{0};
    std::uint32_t seen = 0;
    std::string host_id = os::shared_memory_id();
    Endpoint reader;  // last, so that its listener is gone before what it uses

    static void on_data(dds_entity_t /*reader*/, void* state)
    {
        ring(static_cast<State*>(state)->told);
    }

    static void on_liveliness(dds_entity_t /*reader*/,
                              const dds_liveliness_changed_status_t /*status*/, void* state)
    {
        ring(static_cast<State*>(state)->told);
    }
};

Directory::Directory(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}

Directory::Directory(Directory&&) noexcept = default;
Directory& Directory::operator=(Directory&&) noexcept = default;
Directory::~Directory() = default;

Result<Directory> Directory::open(const ParticipantOptions& options)
{
    auto participant = Participant::shared(options);
    if (!participant) {
        return participant.error();
    }
    auto state = std::make_unique<State>();
    const std::unique_ptr<dds_listener_t, decltype(&dds_delete_listener)> listener(
        dds_create_listener(state.get()), &dds_delete_listener);
    dds_lset_data_available(listener.get(), &State::on_data);
    dds_lset_liveliness_changed(listener.get(), &State::on_liveliness);
    auto reader = Endpoint::reader(std::move(participant).value(), kPoolsTopic, TopicKind::Metadata,
                                   1, listener.get());
    if (!reader) {
        return reader.error();
    }
    state->reader = std::move(reader).value();
    return Directory(std::move(state));
}

bool Directory::wait(std::uint64_t deadline_ns) const noexcept
{
    const std::uint64_t until = std::min(deadline_ns, os::monotonic_ns() + kSliceNs);
    while (state_->told.load() == state_->seen) {
        if (os::futex_wait(state_->told, state_->seen, until) != os::FutexOutcome::Woken) {
            break;
        }
    }
    return state_->told.load() != state_->seen;
}

Result<std::vector<DiscoveredPool>> Directory::pools()
{
    if (!state_->reader.is_usable()) {
        return Error{ErrorCode::Dds,
                     "this directory of pools is the parent process's: open another one here"};
    }
    state_->seen = state_->told.load();
    constexpr std::size_t kMost = kMaxPools;
    std::vector<void*> samples(kMost, nullptr);
    std::vector<dds_sample_info_t> infos(kMost);
    const Entity reader = state_->reader.entity();
    const dds_return_t count = dds_read(reader, samples.data(), infos.data(), kMost, kMost);
    if (count < 0) {
        return dds_error("dds_read", kPoolsTopic, count);
    }
    std::vector<DiscoveredPool> found;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        if (!infos[i].valid_data || infos[i].instance_state == DDS_IST_NOT_ALIVE_DISPOSED) {
            continue;
        }
        auto record = record_of(*static_cast<const tensor_ipc_v1_PoolMetadata*>(samples[i]));
        if (record) {
            const bool is_local = record->key.host_id == state_->host_id;
            found.push_back(
                {*std::move(record), infos[i].instance_state == DDS_IST_ALIVE, is_local});
        }
    }
    dds_return_loan(reader, samples.data(), count);
    std::ranges::sort(found, {}, [](const DiscoveredPool& pool) {
        const PoolRecord& record = pool.record;
        return std::tie(record.key.name_space, record.key.pool, record.host, record.key.host_id);
    });
    return found;
}

}  // namespace tensor_ipc::dds
