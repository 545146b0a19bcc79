/// What one mirror gets: the newest frame of the pool, as often as its link takes one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tensor_ipc/mirror/pacer.hpp"
#include "tensor_ipc/mirror/topics.hpp"
#include "tensor_ipc/pool/consumer.hpp"

struct tensor_ipc_mirror_v1_Piece;

namespace tensor_ipc::mirror {

/// What a mirror asked for.
struct SendRequest {
    Id mirror{};
    std::string pool_name;
    std::string host;  ///< who asks, as it says
    std::uint32_t uid = 0;
    std::uint32_t pid = 0;
    bool reliable = true;
    std::uint64_t period_ns = 0;
    std::uint64_t bytes_per_s = 0;
    std::uint32_t piece_bytes = 0;

    friend bool operator==(const SendRequest&, const SendRequest&) = default;
};

struct SendCounts {
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;      ///< payload
    std::uint64_t abandoned = 0;  ///< frames of which the last piece was not sent
};

/// A consumer of the pool, a writer to one mirror, and a thread between them. Each mirror has its
/// own, so that none waits for another's link.
///
/// It is a consumer like others: a frame is pinned while it is sent, one at a time, and the
/// producer goes round it. Nothing is read from the pool while no reader matches the writer.
class FrameSender {
public:
    /// Begins to send.
    /// @param participant  outlives this
    [[nodiscard]] static Result<std::unique_ptr<FrameSender>> start(dds_entity_t participant,
                                                                    const Id& server,
                                                                    const SendRequest& request);

    FrameSender(const FrameSender&) = delete;
    FrameSender& operator=(const FrameSender&) = delete;
    FrameSender(FrameSender&&) = delete;
    FrameSender& operator=(FrameSender&&) = delete;

    /// Ends within 300 ms, however slow the link.
    ~FrameSender();

    /// Sends a frame once more, if it still is the newest. Thread-safe.
    /// @param frame_plus_1  0 for none
    void repeat(std::uint64_t frame_plus_1) noexcept { again_ = frame_plus_1; }

    [[nodiscard]] const SendRequest& request() const noexcept { return request_; }

    [[nodiscard]] SendCounts counts() const noexcept;

    /// Whether the mirror's reader is there.
    [[nodiscard]] bool has_reader() const noexcept;

private:
    FrameSender(const Id& server, SendRequest request, Entity writer, Alarm alarm);

    void run() noexcept;
    void turn();
    void tell_state();
    void send(const Frame& frame);
    bool write(const tensor_ipc_mirror_v1_Piece& piece) const noexcept;
    [[nodiscard]] bool sleep_until(std::uint64_t due_ns) const noexcept;

    [[nodiscard]] bool must_stop() const noexcept { return stop_.load(std::memory_order_relaxed); }

    Id server_;
    SendRequest request_;
    Entity writer_;
    Alarm alarm_;
    Pacer pacer_;
    std::uint64_t session_;
    std::uint64_t turn_ = 0;
    std::optional<Consumer> consumer_;
    std::uint64_t attachment_ = 0;
    std::optional<std::uint64_t> sent_;  ///< number of the frame that was sent last
    std::uint64_t told_ns_ = 0;
    std::atomic<std::uint64_t> frames_{0};
    std::atomic<std::uint64_t> bytes_{0};
    std::atomic<std::uint64_t> abandoned_{0};
    std::atomic<std::uint64_t> again_{0};
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace tensor_ipc::mirror
