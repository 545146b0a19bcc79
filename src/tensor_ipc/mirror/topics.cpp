#include "tensor_ipc/mirror/topics.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <random>

#include "tensor_ipc/dds/fork_gate.hpp"
#include "tensor_ipc/dds/return_code.hpp"
#include "tensor_ipc/mirror/generated/mirror.h"

namespace tensor_ipc::mirror {

namespace {

// A process that is starved for less is not taken for dead; and a server or mirror that died is
// noticed after so long.
constexpr dds_duration_t kLease = DDS_SECS(2);

// How long one call of dds_write may wait for a slow link; the sender then looks whether it is
// still wanted, and goes on.
constexpr dds_duration_t kWriteWait = DDS_MSECS(200);

// What may come while the mirror makes its pool: 28 MB of pieces at most.
constexpr std::int32_t kReaderDepth = 512;

using Qos = std::unique_ptr<dds_qos_t, decltype(&dds_delete_qos)>;

Qos new_qos()
{
    return {dds_create_qos(), &dds_delete_qos};
}

Qos announcement_qos()
{
    Qos qos = new_qos();
    dds_qset_reliability(qos.get(), DDS_RELIABILITY_RELIABLE, DDS_MSECS(100));
    dds_qset_durability(qos.get(), DDS_DURABILITY_TRANSIENT_LOCAL);
    dds_qset_history(qos.get(), DDS_HISTORY_KEEP_LAST, 1);
    dds_qset_liveliness(qos.get(), DDS_LIVELINESS_AUTOMATIC, kLease);
    return qos;
}

Qos piece_qos(bool reliable)
{
    Qos qos = new_qos();
    dds_qset_reliability(
        qos.get(), reliable ? DDS_RELIABILITY_RELIABLE : DDS_RELIABILITY_BEST_EFFORT, kWriteWait);
    return qos;
}

Result<Entity> made(std::string_view call, std::string_view object, dds_entity_t entity)
{
    if (entity < 0) {
        return dds::dds_error(call, object, entity);
    }
    return Entity(entity);
}

struct Topic {
    const char* name;
    const dds_topic_descriptor_t* type;
};

Topic topic_of(Announcements what)
{
    return what == Announcements::Offers
               ? Topic{"tensoripc_mirror_offers", &tensor_ipc_mirror_v1_Offer_desc}
               : Topic{"tensoripc_mirror_requests", &tensor_ipc_mirror_v1_Request_desc};
}

constexpr Topic kPieces{"tensoripc_mirror_frames", &tensor_ipc_mirror_v1_Piece_desc};

/// A reader or a writer.
template <typename Make>
Result<Entity> endpoint(dds_entity_t participant, const Topic& topic, const Qos& qos,
                        const Make& make)
{
    const std::lock_guard lock(dds::fork_gate());
    // Deleted here, it lives on as long as the endpoint needs it.
    auto name = made("dds_create_topic", topic.name,
                     dds_create_topic(participant, topic.type, topic.name, nullptr, nullptr));
    if (!name) {
        return name.error();
    }
    return made("dds_create_endpoint", topic.name,
                make(participant, name->get(), qos.get(), nullptr));
}

/// The publisher or subscriber that an endpoint brings with it takes its partition from the same
/// QoS.
Qos in_partition(Qos qos, const Id& mirror)
{
    const std::string partition = text_of(mirror);
    const char* names[] = {partition.c_str()};  // NOLINT(*-avoid-c-arrays)
    dds_qset_partition(qos.get(), 1, static_cast<const char**>(names));
    return qos;
}

}  // namespace

Entity::~Entity()
{
    if (entity_ > 0) {
        const std::lock_guard lock(dds::fork_gate());
        dds_delete(entity_);
    }
}

Id random_id()
{
    std::random_device source;
    Id id{};
    std::ranges::generate(id, [&] { return static_cast<std::uint8_t>(source()); });
    return id;
}

std::string text_of(const Id& id)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : id) {
        text.push_back(kDigits[byte >> 4U]);
        text.push_back(kDigits[byte & 15U]);
    }
    return text;
}

Id id_of(const std::uint8_t (&bytes)[16])  // NOLINT(*-avoid-c-arrays)
{
    return std::to_array(bytes);
}

void put_id(std::uint8_t (&bytes)[16], const Id& id)  // NOLINT(*-avoid-c-arrays)
{
    std::ranges::copy(id, std::begin(bytes));
}

Result<Entity> announcement_writer(dds_entity_t participant, Announcements what)
{
    return endpoint(participant, topic_of(what), announcement_qos(), dds_create_writer);
}

Result<Entity> announcement_reader(dds_entity_t participant, Announcements what)
{
    return endpoint(participant, topic_of(what), announcement_qos(), dds_create_reader);
}

Result<Entity> piece_writer(dds_entity_t participant, const Id& mirror, bool reliable)
{
    // Only a writer that keeps all waits for its reader. What that has not acknowledged is bounded
    // by the high-water mark of Cyclone DDS, 500 kB; "keep last" is the sender's, which takes the
    // newest frame whenever the link has taken the one before.
    Qos qos = piece_qos(reliable);
    dds_qset_history(qos.get(), DDS_HISTORY_KEEP_ALL, 0);
    return endpoint(participant, kPieces, in_partition(std::move(qos), mirror), dds_create_writer);
}

Result<Entity> piece_reader(dds_entity_t participant, const Id& mirror, bool reliable)
{
    Qos qos = piece_qos(reliable);
    dds_qset_history(qos.get(), DDS_HISTORY_KEEP_LAST, kReaderDepth);
    return endpoint(participant, kPieces, in_partition(std::move(qos), mirror), dds_create_reader);
}

Result<Alarm> Alarm::make(dds_entity_t participant)
{
    const std::lock_guard lock(dds::fork_gate());
    Alarm alarm;
    auto waitset = made("dds_create_waitset", "", dds_create_waitset(participant));
    if (!waitset) {
        return waitset.error();
    }
    auto guard = made("dds_create_guardcondition", "", dds_create_guardcondition(participant));
    if (!guard) {
        return guard.error();
    }
    alarm.waitset_ = std::move(waitset).value();
    alarm.guard_ = std::move(guard).value();
    if (const auto code = dds_waitset_attach(alarm.waitset_.get(), alarm.guard_.get(), 0);
        code < 0) {
        return dds::dds_error("dds_waitset_attach", "", code);
    }
    return alarm;
}

Result<void> Alarm::watch(dds_entity_t reader)
{
    dds_set_status_mask(reader, DDS_DATA_AVAILABLE_STATUS);
    const auto code = dds_waitset_attach(waitset_.get(), reader, 0);
    return code < 0 ? Result<void>(dds::dds_error("dds_waitset_attach", "", code)) : Result<void>();
}

Result<void> Alarm::watch_matches(dds_entity_t writer)
{
    dds_set_status_mask(writer, DDS_PUBLICATION_MATCHED_STATUS);
    const auto code = dds_waitset_attach(waitset_.get(), writer, 0);
    return code < 0 ? Result<void>(dds::dds_error("dds_waitset_attach", "", code)) : Result<void>();
}

void Alarm::wait(std::uint64_t timeout_ns) const noexcept
{
    dds_waitset_wait(waitset_.get(), nullptr, 0, static_cast<dds_duration_t>(timeout_ns));
    bool was_set = false;
    dds_take_guardcondition(guard_.get(), &was_set);
}

}  // namespace tensor_ipc::mirror
