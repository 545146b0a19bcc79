/// A ROS topic becomes a pool.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cdr/messages.hpp"
#include "tensor_ipc/dds/participant.hpp"
#include "tensor_ipc/layout/geometry.hpp"
#include "tensor_ipc/ros/endpoint.hpp"
#include "tensor_ipc/tensor/metadata.hpp"

namespace tensor_ipc::ros {

struct TopicToPoolOptions {
    cdr::MessageType type = cdr::MessageType::Image;
    QoS qos;
    std::string encoding;           ///< of images, the only one to take; empty takes all
    std::uint32_t history_len = 1;  ///< of the pool
    std::uint32_t spare = kDefaultSpare;
    /// What the pool holds. Without it the first message says so.
    std::optional<PoolMetadata> metadata;
    /// Largest first extent of frames that vary in it: points of a cloud, bytes of a compressed
    /// image. 0: frames have one shape; files may be half as long again as the first.
    std::uint64_t capacity = 0;
    /// A message of another shape or dtype: whether it begins the pool anew, else it is refused.
    bool follow_changes = false;
    double rate_limit_hz = 0;  ///< at most so many messages a second; 0 for all
};

/// What became of the messages.
struct TopicToPoolStats {
    std::uint64_t messages = 0;           ///< arrived
    std::uint64_t frames = 0;             ///< went into the pool
    std::uint64_t conversion_errors = 0;  ///< damaged, or no frame of the pool
    std::uint64_t refused = 0;            ///< the pool could not take them
    std::uint64_t limited = 0;            ///< left out by the rate limit
    std::uint64_t incompatible_qos = 0;   ///< publishers that offer less than is asked for
    std::uint64_t pools = 0;              ///< pools made; more than one with `follow_changes`
    std::uint32_t publishers = 0;         ///< matched now
};

/// Subscribes to a topic, owns a pool, and puts each message into it as a frame.
///
/// One copy in this process: from the datagrams into the slot, in the thread in which Cyclone DDS
/// delivers them. A message that is no frame of this pool is counted and left out.
///
/// A frame's captured_ns is the header's stamp, or the time of day at arrival when that is zero.
/// Its user metadata has `frame_id` and, for images, `encoding`. Not thread-safe, but for what
/// Cyclone DDS does in its threads. Move-only. A forked child does nothing with its parent's.
class TopicToPool {
public:
    /// @param topic  as ROS has it: `/camera/image_raw`
    /// @return InvalidArgument, InvalidName, Dds; with `metadata` also what Producer::create
    /// refuses
    [[nodiscard]] static Result<TopicToPool> open(std::shared_ptr<dds::Participant> participant,
                                                  const std::string& topic,
                                                  const std::string& pool_name,
                                                  const TopicToPoolOptions& options);

    TopicToPool(TopicToPool&&) noexcept = default;
    TopicToPool& operator=(TopicToPool&& other) noexcept;
    TopicToPool(const TopicToPool&) = delete;
    TopicToPool& operator=(const TopicToPool&) = delete;

    /// As close().
    ~TopicToPool();

    /// Ends the subscription and the pool. Views of its frames stay valid. Waits for the message
    /// that is being taken.
    void close() noexcept;

    [[nodiscard]] TopicToPoolStats stats() const;

    /// Text of the last error; empty while there was none.
    [[nodiscard]] std::string last_error() const;

    /// Of the pool; nothing before the first message, unless it was given.
    [[nodiscard]] std::optional<PoolMetadata> metadata() const;

private:
    class Inlet;

    TopicToPool(std::shared_ptr<Inlet> inlet, Endpoint reader) noexcept;

    std::shared_ptr<Inlet> inlet_;
    Endpoint reader_;
};

}  // namespace tensor_ipc::ros
