#include "tensor_ipc/dds/progress_watch.hpp"

#include <array>
#include <atomic>
#include <dds/dds.h>
#include <mutex>
#include <string>
#include <utility>

#include "tensor_ipc/dds/endpoint.hpp"

namespace tensor_ipc::dds {

/// Stays where it is: the listener knows its address.
struct ProgressWatch::State {
    PoolKey key;
    std::shared_ptr<News> news = std::make_shared<News>();
    mutable std::mutex mutex;
    std::optional<ProgressRecord> latest;  ///< guarded by `mutex`
    std::atomic<std::uint64_t> samples{0};
    Endpoint reader;  // last, so that its listener is gone before what it uses

    /// In a thread of Cyclone DDS, which receives for the whole process: short.
    static void on_data(dds_entity_t reader, void* argument)
    {
        constexpr std::size_t kMost = 16;
        auto* self = static_cast<State*>(argument);
        std::array<void*, kMost> samples{};
        std::array<dds_sample_info_t, kMost> infos{};
        bool is_news = false;
        for (;;) {
            const dds_return_t count = dds_take(reader, samples.data(), infos.data(), kMost, kMost);
            if (count <= 0) {
                break;
            }
            for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
                is_news = (infos.at(i).valid_data && self->note(samples.at(i))) || is_news;
            }
            dds_return_loan(reader, samples.data(), count);
        }
        if (is_news) {
            self->news->ring();
        }
    }

    bool note(const void* sample)
    {
        auto record = record_of(*static_cast<const tensor_ipc_v1_PoolProgress*>(sample));
        if (!record || record->key != key) {
            return false;  // made up, or a pool that shares the topic: another host's, another's
                           // name
        }
        const std::lock_guard lock(mutex);
        latest = *std::move(record);
        samples.fetch_add(1);
        return true;
    }
};

ProgressWatch::ProgressWatch(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}

ProgressWatch::ProgressWatch(ProgressWatch&&) noexcept = default;
ProgressWatch& ProgressWatch::operator=(ProgressWatch&&) noexcept = default;
ProgressWatch::~ProgressWatch() = default;

Result<ProgressWatch> ProgressWatch::open(const std::string& pool_name,
                                          const ParticipantOptions& options, std::int32_t keep_last)
{
    if (keep_last < 1) {
        return Error{ErrorCode::InvalidArgument,
                     "keep_last is at least 1, got " + std::to_string(keep_last)};
    }
    auto key = local_key(pool_name);
    if (!key) {
        return key.error();
    }
    auto participant = Participant::shared(options);
    if (!participant) {
        return participant.error();
    }
    auto state = std::make_unique<State>();
    state->key = *std::move(key);
    const std::unique_ptr<dds_listener_t, decltype(&dds_delete_listener)> listener(
        dds_create_listener(state.get()), &dds_delete_listener);
    dds_lset_data_available(listener.get(), &State::on_data);
    auto reader = Endpoint::reader(std::move(participant).value(), topic_name(pool_name, kProgress),
                                   TopicKind::Progress, keep_last, listener.get());
    if (!reader) {
        return reader.error();
    }
    state->reader = std::move(reader).value();
    return ProgressWatch(std::move(state));
}

std::shared_ptr<News> ProgressWatch::news() const noexcept
{
    return state_->news;
}

std::optional<ProgressRecord> ProgressWatch::latest() const
{
    if (!is_usable()) {
        return std::nullopt;  // a forked child may have found the mutex taken
    }
    const std::lock_guard lock(state_->mutex);
    return state_->latest;
}

std::uint64_t ProgressWatch::samples() const noexcept
{
    return state_->samples.load();
}

bool ProgressWatch::is_usable() const noexcept
{
    return state_->reader.is_usable();
}

}  // namespace tensor_ipc::dds
