/// The side that asks: a pool here that follows one there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/dds/participant.hpp"
#include "tensor_ipc/mirror/local_pool.hpp"

namespace tensor_ipc::mirror {

struct MirrorOptions {
    dds::ParticipantOptions network;
    std::string pool_name;     ///< at the source
    std::string local_name;    ///< here; empty: the same
    std::string host = "any";  ///< name or id of the source's machine
    bool reliable = true;      ///< lost pieces are sent again; else frames with gaps are lost
    double max_rate_hz = 0.0;  ///< no more frames a second; 0: as the source and the link go
    std::uint64_t max_bytes_per_s = 0;  ///< no more payload a second; 0: as the link goes
    std::uint32_t piece_bytes = kMaxPieceBytes;
    std::uint64_t max_pool_bytes = kDefaultMaxPoolBytes;
};

/// Who sends. What it says of itself; nothing proves it.
struct MirrorSource {
    std::string host;
    std::string host_id;
    std::uint32_t uid = 0;
    std::uint32_t pid = 0;
};

struct MirrorStatus {
    std::optional<MirrorSource> source;  ///< nothing while nobody offers the pool
    bool open = false;                   ///< whether there is a local pool
    FrameCounts frames;
    std::uint64_t refused = 0;  ///< samples that no sound server sends
    std::optional<std::uint64_t> latest_frame;
    std::string problem;  ///< why there is no local pool though there is a remote one
};

/// Makes a pool of another host again on this one, and goes on with that until it is closed,
/// whatever restarts in between. Is the local pool's producer: consumers use that as any other, and
/// `connected` says of them whether this mirror lives.
///
/// Has one thread. Thread-safe. Dead in a forked child: its calls do nothing there.
class PoolMirror {
public:
    /// Begins to look for the pool; does not wait for it.
    /// @return PoolInUse when there is a pool of that name here with a living producer;
    ///         InvalidName; InvalidArgument; Dds
    [[nodiscard]] static Result<PoolMirror> start(const MirrorOptions& options);

    PoolMirror(PoolMirror&&) noexcept;
    PoolMirror& operator=(PoolMirror&&) noexcept;
    PoolMirror(const PoolMirror&) = delete;
    PoolMirror& operator=(const PoolMirror&) = delete;

    /// As close().
    ~PoolMirror();

    /// Ends the local pool. Views that consumers hold stay valid.
    void close() noexcept;

    [[nodiscard]] MirrorStatus status() const;

    /// Blocks until there is a local pool.
    /// @return whether there is one at the deadline (CLOCK_MONOTONIC)
    [[nodiscard]] bool wait_open(std::uint64_t deadline_ns) const;

private:
    class Core;
    explicit PoolMirror(std::unique_ptr<Core> core) noexcept;
    std::unique_ptr<Core> core_;
};

}  // namespace tensor_ipc::mirror
