/// A reader or writer of one ROS topic.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cdr/messages.hpp"
#include "tensor_ipc/dds/participant.hpp"
#include "tensor_ipc/ros/serialized_type.hpp"

namespace tensor_ipc::ros {

/// Quality of service as ROS names it. A reader gets nothing from a writer that offers less than it
/// asks for.
struct QoS {
    std::uint32_t depth = 10;      ///< messages kept; at least 1
    bool reliable = true;          ///< else best effort
    bool transient_local = false;  ///< late readers get what is kept
};

/// Seen by ROS tools as a subscription or publisher of its type. Deletes itself, which does nothing
/// in a forked child. Move-only.
class Endpoint {
public:
    /// @param topic     as ROS has it: `/camera/image_raw`
    /// @param receiver  gets every message
    /// @return InvalidArgument, Dds
    [[nodiscard]] static Result<Endpoint> reader(std::shared_ptr<dds::Participant> participant,
                                                 const std::string& topic, cdr::MessageType type,
                                                 const QoS& qos,
                                                 std::shared_ptr<MessageReceiver> receiver);
    [[nodiscard]] static Result<Endpoint> writer(std::shared_ptr<dds::Participant> participant,
                                                 const std::string& topic, cdr::MessageType type,
                                                 const QoS& qos);

    Endpoint() = default;
    Endpoint(Endpoint&& other) noexcept;
    Endpoint& operator=(Endpoint&& other) noexcept;
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;
    ~Endpoint();

    /// Sends a message. While reliable readers are behind it blocks, up to 1 s.
    /// @return Dds, when they stayed behind
    [[nodiscard]] Result<void> write(const OutgoingMessage& message) const;

    /// How many writers it gets messages from, or readers it serves.
    [[nodiscard]] std::uint32_t matched() const noexcept;

    /// How many were found that ask for another quality than is offered.
    [[nodiscard]] std::uint32_t incompatible() const noexcept;

    /// False in a forked child, and when there is none.
    [[nodiscard]] bool is_usable() const noexcept;

private:
    static Result<Endpoint> make(std::shared_ptr<dds::Participant> participant,
                                 const std::string& topic, cdr::MessageType type, const QoS& qos,
                                 std::shared_ptr<MessageReceiver> receiver, bool reads);
    void reset() noexcept;

    std::shared_ptr<dds::Participant> participant_;
    dds::Entity topic_ = 0;
    dds::Entity entity_ = 0;
    bool reads_ = false;
};

}  // namespace tensor_ipc::ros
