/// Serialized messages in and out of Cyclone DDS, past its own copies. The only place that knows
/// its inner types.
///
/// Cyclone DDS hands a message that arrived to a *sertype* as the datagrams it came in, and asks
/// for the pieces of a message that goes out, one per datagram. Its own sertypes copy: datagrams
/// into one buffer, a sample into one buffer. Those here hand the datagrams on as they are, and
/// give out pieces of the frame where it lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/dds/participant.hpp"

namespace tensor_ipc::ros {

/// Part of a message that arrived.
struct Piece {
    std::size_t at = 0;  ///< where in the message
    std::span<const std::byte> bytes;
};

/// Whoever wants the messages of a topic.
class MessageReceiver {
public:
    MessageReceiver() = default;
    MessageReceiver(const MessageReceiver&) = delete;
    MessageReceiver& operator=(const MessageReceiver&) = delete;
    MessageReceiver(MessageReceiver&&) = delete;
    MessageReceiver& operator=(MessageReceiver&&) = delete;
    virtual ~MessageReceiver() = default;

    /// One message, in the order of their arrival, once. In a thread of Cyclone DDS, which delivers
    /// nothing else meanwhile; or, for a writer of this process, in the thread that writes.
    ///
    /// @param pieces         make up the whole message, from its encapsulation on; they may
    /// overlap.
    ///                       Valid during the call. From anybody
    /// @param message_bytes  of the whole message
    virtual void receive(std::span<const Piece> pieces, std::size_t message_bytes) noexcept = 0;
};

/// A message that goes out: bytes in front, a payload that stays where it is, bytes behind.
struct OutgoingMessage {
    std::vector<std::byte> prefix;
    std::span<const std::byte> payload;
    std::vector<std::byte> tail;
    std::shared_ptr<const void> keeper;  ///< keeps the payload as it is, until nobody needs it
};

/// Makes a topic. Its readers hand everything to `receiver`, and have no samples to take; it may be
/// called until some time after topic and readers are deleted, so it is kept as long as that. Its
/// writers take an OutgoingMessage as the sample of dds_write(), and copy it, but for its payload.
/// @return the topic, to be deleted by the caller; Dds
[[nodiscard]] Result<dds::Entity> make_serialized_topic(const dds::Participant& participant,
                                                        const std::string& topic,
                                                        const std::string& type,
                                                        std::shared_ptr<MessageReceiver> receiver);

}  // namespace tensor_ipc::ros
