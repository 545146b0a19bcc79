/// The source's side: who may be sent what, and to whom it is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/dds/participant.hpp"

namespace tensor_ipc::mirror {

struct ServerOptions {
    dds::ParticipantOptions network;
    std::vector<std::string> pools;  ///< names of what is offered, there or not
    bool all = false;                ///< also every pool that is there, or will be
};

/// One mirror that is sent to. What is said of it is what it says: nothing proves it.
struct ServedMirror {
    std::string pool_name;
    std::string host;
    std::uint32_t uid = 0;
    std::uint32_t pid = 0;
    bool connected = false;  ///< its reader is there; until then nothing is read or sent
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;      ///< payload
    std::uint64_t abandoned = 0;  ///< frames that were begun and not ended
};

/// Offers pools of this host and sends their newest frames to the mirrors that ask. Whoever reaches
/// the DDS domain can ask: what is offered is a choice, never a default.
///
/// A thread waits for requests; each mirror, up to kMaxMirrors, has a thread and is one more
/// consumer of its pool. Thread-safe. Dead in a forked child: its calls do nothing there.
class MirrorServer {
public:
    static constexpr std::size_t kMaxMirrors = 64;

    /// Begins to serve. Pools need not exist yet.
    /// @return InvalidArgument when nothing is offered; InvalidName; Dds
    [[nodiscard]] static Result<MirrorServer> start(const ServerOptions& options);

    MirrorServer(MirrorServer&&) noexcept;
    MirrorServer& operator=(MirrorServer&&) noexcept;
    MirrorServer(const MirrorServer&) = delete;
    MirrorServer& operator=(const MirrorServer&) = delete;

    /// As close().
    ~MirrorServer();

    /// Takes the offers back and ends all threads, within a second.
    void close() noexcept;

    [[nodiscard]] std::vector<ServedMirror> mirrors() const;

    /// Names of the pools that are offered.
    [[nodiscard]] std::vector<std::string> pools() const;

private:
    class Core;
    explicit MirrorServer(std::unique_ptr<Core> core) noexcept;
    std::unique_ptr<Core> core_;
};

}  // namespace tensor_ipc::mirror
