#include "tensor_ipc/ros/endpoint.hpp"

#include <dds/dds.h>
#include <thread>
#include <utility>

#include "tensor_ipc/dds/fork_gate.hpp"
#include "tensor_ipc/dds/return_code.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/ros/topic_name.hpp"

namespace tensor_ipc::ros {

namespace {

constexpr std::uint32_t kMostDepth = 10'000;

// How long a call of Cyclone DDS waits for readers that are behind. Short, because fork() and
// other endpoints of this process wait for the call.
constexpr dds_duration_t kMaxBlocking = DDS_MSECS(20);

// How long write() does.
constexpr std::uint64_t kPatienceNs = 1'000'000'000;

using QoSPointer = std::unique_ptr<dds_qos_t, decltype(&dds_delete_qos)>;

QoSPointer settings_of(cdr::MessageType type, const QoS& wanted)
{
    QoSPointer qos(dds_create_qos(), &dds_delete_qos);
    const auto depth = static_cast<std::int32_t>(wanted.depth);
    dds_qset_reliability(qos.get(),
                         wanted.reliable ? DDS_RELIABILITY_RELIABLE : DDS_RELIABILITY_BEST_EFFORT,
                         kMaxBlocking);
    dds_qset_history(qos.get(), DDS_HISTORY_KEEP_LAST, depth);
    dds_qset_durability(qos.get(), wanted.transient_local ? DDS_DURABILITY_TRANSIENT_LOCAL
                                                          : DDS_DURABILITY_VOLATILE);
    if (wanted.transient_local) {
        dds_qset_durability_service(qos.get(), 0, DDS_HISTORY_KEEP_LAST, depth, -1, -1, -1);
    }
    const dds_data_representation_id_t plain_cdr = DDS_DATA_REPRESENTATION_XCDR1;
    dds_qset_data_representation(qos.get(), 1, &plain_cdr);
    // REP-2016: by this, ROS tells the versions of a type apart.
    const std::string user_data = "typehash=" + std::string(cdr::names_of(type).hash) + ";";
    dds_qset_userdata(qos.get(), user_data.data(), user_data.size());
    return qos;
}

}  // namespace

Result<Endpoint> Endpoint::reader(std::shared_ptr<dds::Participant> participant,
                                  const std::string& topic, cdr::MessageType type, const QoS& qos,
                                  std::shared_ptr<MessageReceiver> receiver)
{
    return make(std::move(participant), topic, type, qos, std::move(receiver), true);
}

Result<Endpoint> Endpoint::writer(std::shared_ptr<dds::Participant> participant,
                                  const std::string& topic, cdr::MessageType type, const QoS& qos)
{
    return make(std::move(participant), topic, type, qos, nullptr, false);
}

Result<Endpoint> Endpoint::make(std::shared_ptr<dds::Participant> participant,
                                const std::string& topic, cdr::MessageType type, const QoS& qos,
                                std::shared_ptr<MessageReceiver> receiver, bool reads)
{
    const auto name = dds_topic_name(topic);
    if (!name) {
        return name.error();
    }
    if (qos.depth < 1 || qos.depth > kMostDepth) {
        return Error{ErrorCode::InvalidArgument, "the depth of a queue is 1 to " +
                                                     std::to_string(kMostDepth) + ", got " +
                                                     std::to_string(qos.depth)};
    }
    const std::lock_guard lock(dds::fork_gate());
    Endpoint made;
    made.participant_ = std::move(participant);
    made.reads_ = reads;
    auto entity = make_serialized_topic(*made.participant_, *name,
                                        std::string(cdr::names_of(type).dds), std::move(receiver));
    if (!entity) {
        return entity.error();
    }
    made.topic_ = *entity;
    const auto settings = settings_of(type, qos);
    const dds::Entity parent = made.participant_->entity();
    const dds::Entity created =
        reads ? dds_create_reader(parent, made.topic_, settings.get(), nullptr)
              : dds_create_writer(parent, made.topic_, settings.get(), nullptr);
    if (created < 0) {
        return dds::dds_error(reads ? "dds_create_reader" : "dds_create_writer", *name, created);
    }
    made.entity_ = created;
    return made;
}

Endpoint::Endpoint(Endpoint&& other) noexcept
    : participant_(std::move(other.participant_)),
      topic_(std::exchange(other.topic_, 0)),
      entity_(std::exchange(other.entity_, 0)),
      reads_(other.reads_)
{
}

Endpoint& Endpoint::operator=(Endpoint&& other) noexcept
{
    if (this != &other) {
        reset();
        participant_ = std::move(other.participant_);
        topic_ = std::exchange(other.topic_, 0);
        entity_ = std::exchange(other.entity_, 0);
        reads_ = other.reads_;
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
    const std::lock_guard lock(dds::fork_gate());
    if (is_usable()) {
        for (dds::Entity* each : {&entity_, &topic_}) {
            if (*each > 0) {
                dds_delete(std::exchange(*each, 0));
            }
        }
    }
    participant_.reset();
}

bool Endpoint::is_usable() const noexcept
{
    return participant_ != nullptr && participant_->is_usable();
}

Result<void> Endpoint::write(const OutgoingMessage& message) const
{
    const std::uint64_t deadline_ns = os::monotonic_ns() + kPatienceNs;
    for (;;) {
        dds_return_t code = DDS_RETCODE_OK;
        {
            const std::lock_guard lock(dds::fork_gate());
            code = dds_write(entity_, &message);
        }
        if (code >= 0) {
            return {};
        }
        if (code != DDS_RETCODE_TIMEOUT || os::monotonic_ns() >= deadline_ns) {
            return dds::dds_error("dds_write", "", code);
        }
        std::this_thread::yield();  // to whoever waits for the gate
    }
}

std::uint32_t Endpoint::matched() const noexcept
{
    if (!is_usable()) {
        return 0;
    }
    if (reads_) {
        dds_subscription_matched_status_t status{};
        dds_get_subscription_matched_status(entity_, &status);
        return status.current_count;
    }
    dds_publication_matched_status_t status{};
    dds_get_publication_matched_status(entity_, &status);
    return status.current_count;
}

std::uint32_t Endpoint::incompatible() const noexcept
{
    if (!is_usable()) {
        return 0;
    }
    if (reads_) {
        dds_requested_incompatible_qos_status_t status{};
        dds_get_requested_incompatible_qos_status(entity_, &status);
        return status.total_count;
    }
    dds_offered_incompatible_qos_status_t status{};
    dds_get_offered_incompatible_qos_status(entity_, &status);
    return status.total_count;
}

}  // namespace tensor_ipc::ros
