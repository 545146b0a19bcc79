/// The side that reads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/pool/frame.hpp"
#include "tensor_ipc/pool/frame_pace.hpp"
#include "tensor_ipc/pool/frame_source.hpp"
#include "tensor_ipc/pool/news.hpp"
#include "tensor_ipc/pool/time_match.hpp"
#include "tensor_ipc/ring/frame_times.hpp"

namespace tensor_ipc {

struct ConsumerOptions {
    std::uint32_t max_pins = FrameSource::kAutomatic;  ///< slots it may hold as views
    /// How long wait() looks before it sleeps, at least; see FramePace.
    std::uint64_t spin_ns = 0;
    /// Have the CUDA driver lock the frames' memory (Pinning), for copies to this GPU.
    std::optional<int> pinned_for = {};
};

struct ConsumerStats {
    std::uint64_t received = 0;       ///< calls that returned frames
    std::uint64_t missed = 0;         ///< frames published between newest frames that were got
    std::uint64_t copied_frames = 0;  ///< frames that could not be views
    std::uint64_t copied_bytes = 0;
};

enum class WaitOutcome : std::uint8_t {
    Ready,        ///< a newer frame is there
    TimedOut,     ///< the deadline passed
    Interrupted,  ///< a signal handler ran
    Changed,  ///< the pool appeared, ended or was replaced; the consumer attaches at its next call
};

/// A way to wait for a consumer's next frame in another thread than the consumer's own.
class Waiter {
public:
    /// Blocks, for 100 ms at most: the caller looks after signals and shut-down between calls.
    [[nodiscard]] WaitOutcome wait(std::uint64_t deadline_ns) const noexcept;

private:
    friend class Consumer;
    AttachmentRef pool_;  ///< null while there is no pool
    std::string pool_name_;
    std::optional<std::uint64_t> after_;
    std::shared_ptr<News> news_;   ///< what wakes it; the pool's futex when null
    std::uint32_t seen_word_ = 0;  ///< of either: another one means look again
    std::uint64_t spin_ns_ = 0;
    FramePace pace_;
};

/// Reader of a pool, which need not exist yet: attaches by itself when it appears, follows its
/// producer's successors, also into a forked child.
///
/// Not thread-safe; the frames it returned are, and a Waiter may wait in another thread. Move-only.
/// `latest`, `history` and `frame` never block and allocate nothing while attached, except to copy
/// what may not be a view (FrameSource). Of a device pool they make no call of the driver, but they
/// allocate the books of the frame, and for Ipc memory ask the kernel whether the producer lives.
class Consumer {
public:
    /// Attaches to a pool of any shape.
    /// @return PoolNotFound when there is none
    [[nodiscard]] static Result<Consumer> attach(const std::string& pool_name,
                                                 const ConsumerOptions& options = {});

    /// Reads the pool that `expected` describes, now or when it appears.
    /// @return MetadataMismatch when the pool there is another; the same comes from later calls
    [[nodiscard]] static Result<Consumer> follow(const PoolMetadata& expected,
                                                 const ConsumerOptions& options = {});

    Consumer(Consumer&&) noexcept = default;
    Consumer& operator=(Consumer&&) noexcept = default;
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;
    ~Consumer() = default;

    /// The newest frame; nothing before the first one and after the producer's orderly end.
    [[nodiscard]] Result<std::optional<Frame>> latest();

    /// The newest `count` frames, fewer when there are not as many.
    /// @param count  1 to the pool's history_len, else InvalidArgument
    [[nodiscard]] Result<std::optional<FrameWindow>> history(std::uint32_t count);

    /// Frame number `index`, if the history still has it.
    [[nodiscard]] Result<std::optional<Frame>> frame(std::uint64_t index);

    /// The frame of the history that was captured closest to `timestamp_ns`, on the producer's
    /// clock, on that side of it; of several as close, the one published last. As frame(), this
    /// leaves last_index() alone.
    [[nodiscard]] Result<std::optional<Frame>> frame_at(std::uint64_t timestamp_ns,
                                                        TimeSide side = TimeSide::Before);

    /// The frames of the history with `first_ns` <= time of capture <= `last_ns`; nothing when
    /// there is none. Where they are not successive, because the producer's times fell, they are a
    /// copy, and `info_at()` says which they are.
    [[nodiscard]] Result<std::optional<FrameWindow>> frames_between(std::uint64_t first_ns,
                                                                    std::uint64_t last_ns);

    /// Blocks until there is a frame with a greater number than `after` (any, when empty).
    /// @param deadline_ns  CLOCK_MONOTONIC
    /// @return Ready, TimedOut or Interrupted; the errors of follow()
    [[nodiscard]] Result<WaitOutcome> wait(std::optional<std::uint64_t> after,
                                           std::uint64_t deadline_ns = os::kNever);

    /// The pieces of wait() for those who block elsewhere. Attaches if there is a pool to attach
    /// to.
    Result<bool> try_attach();

    /// As try_attach(), and lets go of a pool that was removed by hand. After `Changed`.
    /// @return also BadSegment for a pool that was truncated while attached
    Result<bool> refresh();

    [[nodiscard]] Waiter waiter(std::optional<std::uint64_t> after) const;

    /// Lets waits begin to sleep on `news` in place of the pool's own futex, or on that again with
    /// null. What they wait for stays the same, and is seen within 100 ms if nobody rings.
    void wake_by(std::shared_ptr<News> news) noexcept { news_ = std::move(news); }

    /// Makes Waiters look again; they return `Changed` or go on waiting.
    void wake_waiters() const noexcept;

    /// Whether a frame newer than `after` can be had without waiting.
    [[nodiscard]] bool has_newer(std::optional<std::uint64_t> after) const noexcept;

    /// Whether a living producer owns the pool. Asks the kernel, about 1 us.
    [[nodiscard]] bool connected();

    /// How often it attached. Frame numbers of different attachments cannot be compared.
    [[nodiscard]] std::uint64_t attachments() const noexcept { return attachments_; }

    /// Sizes and places of the pool while attached, else null.
    [[nodiscard]] const Geometry* geometry() const noexcept;

    /// When the segment was made, on CLOCK_MONOTONIC: tells pools of one name apart. Nothing while
    /// there is none.
    [[nodiscard]] std::optional<std::uint64_t> created_ns() const noexcept;

    /// Number of the newest frame that could be got; nothing when there is none.
    [[nodiscard]] std::optional<std::uint64_t> latest_index() const noexcept;

    /// Number of the newest frame that was got; nothing before.
    [[nodiscard]] std::optional<std::uint64_t> last_index() const noexcept { return last_index_; }

    /// Of the pool while attached, else what is expected; nothing when neither is known. The device
    /// is named by this process's number for it.
    [[nodiscard]] const PoolMetadata* metadata() const noexcept;

    /// The device that the pool's frames lie on, by this process's number; null for host pools, and
    /// while there is none.
    [[nodiscard]] const cuda::Device* device() const noexcept;

    [[nodiscard]] const ConsumerStats& stats() const noexcept { return stats_; }

    /// Whether the frames of the pool are pinned; null while there is none, and where it was not
    /// asked for.
    [[nodiscard]] const Pinning* pinning() const noexcept;

    /// Says that frames of a pinned pool are copied on `stream` too, which does not wait for the
    /// default stream. A frame that is dropped stays as it is until it has done what it has to do
    /// then. `stream` has to live as long as this consumer and its frames.
    /// @return CudaFailed when the stream is not one of the GPU in the options
    [[nodiscard]] Result<void> record_stream(cuda::StreamHandle stream);

    [[nodiscard]] const std::string& pool_name() const noexcept { return pool_name_; }

    /// Lets go of the pool. Frames stay valid. The next call attaches again.
    void detach() noexcept;

private:
    friend class Synchronizer;

    Consumer(std::string pool_name, std::optional<PoolMetadata> expected,
             const ConsumerOptions& options);

    bool is_stale() noexcept;
    [[nodiscard]] std::uint32_t max_slots(std::uint32_t request) noexcept;
    void count(const FrameWindow& window) noexcept;
    void count_apart(const FrameWindow& window) noexcept;
    Result<bool> attach_or_look(std::optional<std::uint64_t> seen);
    [[nodiscard]] std::optional<Error> check_count(std::uint32_t count) const;
    Result<std::optional<FrameWindow>> take(std::uint32_t count);

    Result<bool> read_times();
    FrameSource::Outcome take_ages(std::span<const std::uint32_t> ages, std::uint32_t request,
                                   bool accept_fewer, FrameWindow& into);
    template <typename Choose>
    Result<std::optional<FrameWindow>> take_by_time(const Choose& choose);
    [[nodiscard]] Error exhausted() const;

    std::string pool_name_;
    std::optional<PoolMetadata> expected_;
    ConsumerOptions options_;
    std::shared_ptr<News> news_;
    AttachmentRef pool_;
    ConsumerStats stats_;
    std::optional<std::uint64_t> last_index_;
    FramePace pace_;
    std::uint64_t attachments_ = 0;
    std::uint64_t checked_ns_ = 0;
    std::uint32_t widest_request_ = 1;
    std::uint32_t calls_without_news_ = 0;
    FrameTimes times_;                              ///< of the last reading by time
    std::vector<cuda::StreamHandle> copy_streams_;  ///< for record_stream(), of all attachments
    std::vector<std::uint32_t> ages_;  ///< which of them to take; kept for their memory
};

}  // namespace tensor_ipc
