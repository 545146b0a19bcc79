#include "tensor_ipc/dds/endpoint.hpp"

#include <array>
#include <utility>

#include "tensor_ipc/dds/fork_gate.hpp"
#include "tensor_ipc/dds/generated/tensor_ipc.h"
#include "tensor_ipc/dds/return_code.hpp"

namespace tensor_ipc::dds {

namespace {

using Qos = std::unique_ptr<dds_qos_t, decltype(&dds_delete_qos)>;

Qos qos_of(TopicKind kind, std::int32_t keep_last, bool is_writer)
{
    Qos qos(dds_create_qos(), &dds_delete_qos);
    if (kind == TopicKind::Metadata) {
        dds_qset_reliability(qos.get(), DDS_RELIABILITY_RELIABLE, DDS_MSECS(100));
        dds_qset_durability(qos.get(), DDS_DURABILITY_TRANSIENT_LOCAL);
        dds_qset_history(qos.get(), DDS_HISTORY_KEEP_LAST, 1);
        // A pool that ends here and begins elsewhere: the later one counts, in whichever order the
        // two arrive.
        dds_qset_destination_order(qos.get(), DDS_DESTINATIONORDER_BY_SOURCE_TIMESTAMP);
    } else {
        dds_qset_reliability(qos.get(), DDS_RELIABILITY_BEST_EFFORT, 0);
        dds_qset_durability(qos.get(), DDS_DURABILITY_VOLATILE);
        dds_qset_history(qos.get(), DDS_HISTORY_KEEP_LAST, keep_last);
    }
    if (is_writer) {
        // XCDR1 is what every implementation reads.
        const std::array<dds_data_representation_id_t, 1> xcdr1{DDS_DATA_REPRESENTATION_XCDR1};
        dds_qset_data_representation(qos.get(), xcdr1.size(), xcdr1.data());
        dds_qset_liveliness(qos.get(), DDS_LIVELINESS_AUTOMATIC,
                            kind == TopicKind::Metadata ? kLeaseNs : DDS_INFINITY);
        // Ended pools are disposed by their producers; those of a dead one are without a writer.
        dds_qset_writer_data_lifecycle(qos.get(), false);
    } else {
        dds_qset_resource_limits(qos.get(), DDS_LENGTH_UNLIMITED, kMaxPools, DDS_LENGTH_UNLIMITED);
    }
    return qos;
}

}  // namespace

Result<Endpoint> Endpoint::writer(std::shared_ptr<Participant> participant,
                                  const std::string& topic, TopicKind kind, std::int32_t keep_last,
                                  const dds_listener_t* listener)
{
    return make(std::move(participant), topic, kind, keep_last, listener, Side::Writer);
}

Result<Endpoint> Endpoint::reader(std::shared_ptr<Participant> participant,
                                  const std::string& topic, TopicKind kind, std::int32_t keep_last,
                                  const dds_listener_t* listener)
{
    return make(std::move(participant), topic, kind, keep_last, listener, Side::Reader);
}

Result<Endpoint> Endpoint::make(std::shared_ptr<Participant> participant, const std::string& topic,
                                TopicKind kind, std::int32_t keep_last,
                                const dds_listener_t* listener, Side side)
{
    const dds_topic_descriptor_t& type = kind == TopicKind::Metadata
                                             ? tensor_ipc_v1_PoolMetadata_desc
                                             : tensor_ipc_v1_PoolProgress_desc;
    const std::lock_guard lock(fork_gate());
    Endpoint made;
    made.participant_ = std::move(participant);
    const Entity parent = made.participant_->entity();
    made.topic_ = dds_create_topic(parent, &type, topic.c_str(), nullptr, nullptr);
    if (made.topic_ < 0) {
        return dds_error("dds_create_topic", topic, std::exchange(made.topic_, 0));
    }
    const Qos qos = qos_of(kind, keep_last, side == Side::Writer);
    made.entity_ = side == Side::Writer
                       ? dds_create_writer(parent, made.topic_, qos.get(), listener)
                       : dds_create_reader(parent, made.topic_, qos.get(), listener);
    if (made.entity_ < 0) {
        const char* call = side == Side::Writer ? "dds_create_writer" : "dds_create_reader";
        return dds_error(call, topic, std::exchange(made.entity_, 0));
    }
    return made;
}

Endpoint::Endpoint(Endpoint&& other) noexcept
    : participant_(std::move(other.participant_)),
      topic_(std::exchange(other.topic_, 0)),
      entity_(std::exchange(other.entity_, 0))
{
}

Endpoint& Endpoint::operator=(Endpoint&& other) noexcept
{
    if (this != &other) {
        reset();
        participant_ = std::move(other.participant_);
        topic_ = std::exchange(other.topic_, 0);
        entity_ = std::exchange(other.entity_, 0);
    }
    return *this;
}

Endpoint::~Endpoint()
{
    reset();
}

void Endpoint::reset() noexcept
{
    if (participant_ == nullptr) {
        return;
    }
    const std::lock_guard lock(fork_gate());
    if (is_usable()) {
        for (Entity* each : {&entity_, &topic_}) {
            if (*each > 0) {
                dds_delete(std::exchange(*each, 0));
            }
        }
    }
    participant_.reset();
}

}  // namespace tensor_ipc::dds
