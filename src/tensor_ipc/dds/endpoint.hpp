/// Writers and readers of Cyclone DDS that delete themselves, and the QoS of our topics.
#pragma once

#include <cstdint>
#include <dds/dds.h>
#include <memory>
#include <string>

#include "tensor_ipc/dds/participant.hpp"

namespace tensor_ipc::dds {

/// Which of our two kinds of topic it is. docs/dds.md has the QoS of each.
enum class TopicKind : std::uint8_t {
    Metadata,  ///< reliable, transient local, the newest sample of each pool, liveliness 1 s
    Progress,  ///< best effort, volatile, the newest `keep_last` samples
};

/// How long after its last sign of life a writer's pools are taken for dead.
inline constexpr std::int64_t kLeaseNs = 1'000'000'000;

/// Pools of a domain that a reader keeps: a flood of made-up ones ends here.
inline constexpr std::int32_t kMaxPools = 4096;

/// A topic with one writer or reader on it. Keeps the participant. Move-only.
class Endpoint {
public:
    Endpoint() = default;

    /// @param listener  of the endpoint; may be null, is copied
    [[nodiscard]] static Result<Endpoint> writer(std::shared_ptr<Participant> participant,
                                                 const std::string& topic, TopicKind kind,
                                                 std::int32_t keep_last,
                                                 const dds_listener_t* listener = nullptr);
    [[nodiscard]] static Result<Endpoint> reader(std::shared_ptr<Participant> participant,
                                                 const std::string& topic, TopicKind kind,
                                                 std::int32_t keep_last,
                                                 const dds_listener_t* listener = nullptr);

    Endpoint(Endpoint&& other) noexcept;
    Endpoint& operator=(Endpoint&& other) noexcept;
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    /// Waits for its listener. Does nothing in a forked child.
    ~Endpoint();

    [[nodiscard]] Entity entity() const noexcept { return entity_; }

    [[nodiscard]] bool is_usable() const noexcept
    {
        return participant_ != nullptr && participant_->is_usable();
    }

private:
    enum class Side : std::uint8_t { Writer, Reader };

    static Result<Endpoint> make(std::shared_ptr<Participant> participant, const std::string& topic,
                                 TopicKind kind, std::int32_t keep_last,
                                 const dds_listener_t* listener, Side side);
    void reset() noexcept;

    std::shared_ptr<Participant> participant_;
    Entity topic_ = 0;
    Entity entity_ = 0;
};

}  // namespace tensor_ipc::dds
