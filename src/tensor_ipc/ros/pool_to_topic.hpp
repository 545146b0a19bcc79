/// A pool becomes a ROS topic.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cdr/messages.hpp"
#include "tensor_ipc/dds/participant.hpp"
#include "tensor_ipc/ros/endpoint.hpp"

namespace tensor_ipc::ros {

struct PoolToTopicOptions {
    cdr::MessageType type = cdr::MessageType::Image;
    QoS qos;
    std::string encoding;  ///< of images, whatever a frame says; empty: what it says
    std::string frame_id;  ///< likewise
    /// Whether stamps are times of publication even where the producer gave a time of capture: for
    /// producers whose times are of another clock than the time of day.
    bool stamp_publication = false;
    double rate_limit_hz = 0;  ///< at most so many messages a second; 0 for all
};

/// What became of the frames.
struct PoolToTopicStats {
    std::uint64_t frames = 0;             ///< looked at
    std::uint64_t messages = 0;           ///< published
    std::uint64_t missed = 0;             ///< overtaken by newer ones before they were looked at
    std::uint64_t conversion_errors = 0;  ///< no message of this type, or not in this encoding
    std::uint64_t publish_errors = 0;     ///< refused by Cyclone DDS: readers stayed behind
    std::uint64_t limited = 0;            ///< left out by the rate limit
    std::uint64_t incompatible_qos = 0;   ///< subscriptions that ask for more than is offered
    std::uint64_t copied_frames = 0;      ///< could not be sent from the pool's memory
    std::uint32_t subscriptions = 0;      ///< matched now
};

/// Publishes the newest frame of a pool whenever there is a new one. The pool may come later, end,
/// and come again.
///
/// Datagrams are made of the pool's memory; only the first and the last of a message are put
/// together elsewhere (64 KiB at most each). Until every reader has a message its frame stays
/// pinned, with transient_local the last `depth` of them; when these are more than a consumer may
/// hold, frames are copied, and counted.
///
/// A stamp is the frame's captured_ns, taken for the time of day; of a frame whose producer gave
/// none it is the time of day of its publication. Has a thread of its own. Not thread-safe
/// otherwise. Move-only. A forked child does nothing with its parent's.
class PoolToTopic {
public:
    /// @return InvalidArgument, InvalidName, Dds
    [[nodiscard]] static Result<PoolToTopic> open(std::shared_ptr<dds::Participant> participant,
                                                  const std::string& pool_name,
                                                  const std::string& topic,
                                                  const PoolToTopicOptions& options);

    PoolToTopic(PoolToTopic&&) noexcept;
    PoolToTopic& operator=(PoolToTopic&& other) noexcept;
    PoolToTopic(const PoolToTopic&) = delete;
    PoolToTopic& operator=(const PoolToTopic&) = delete;

    /// As close().
    ~PoolToTopic();

    /// Ends the thread and the publisher. The pool is left alone. Takes up to 0.1 s, or 1 s while
    /// reliable readers are behind.
    void close() noexcept;

    [[nodiscard]] PoolToTopicStats stats() const;

    /// Text of the last error; empty while there was none.
    [[nodiscard]] std::string last_error() const;

private:
    class Outlet;

    explicit PoolToTopic(std::unique_ptr<Outlet> outlet) noexcept;

    std::unique_ptr<Outlet> outlet_;
};

}  // namespace tensor_ipc::ros
