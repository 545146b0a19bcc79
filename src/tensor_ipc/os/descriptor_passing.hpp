/// Handing an open descriptor to other processes through a socket in the file system (unix(7),
/// SCM_RIGHTS). Why not pidfd_getfd(2): docs/decisions/0008-descriptors-over-a-socket.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/os/file_descriptor.hpp"
#include "tensor_ipc/os/process_facts.hpp"

namespace tensor_ipc::os {

/// Gives a copy of one descriptor to whoever connects. A thread of its own answers; it sleeps until
/// somebody comes, and nobody who connects can hold it up.
///
/// In a forked child it is nothing: the socket is closed there, and the child's copy of this object
/// touches neither the socket nor the thread. Move-only.
class DescriptorServer {
public:
    /// @param path  of the socket; at most 107 characters, removed when this dies
    /// @param id    told to whoever connects, before the descriptor is used
    /// @param mode  of the socket: who may connect, as with files
    [[nodiscard]] static Result<DescriptorServer> start(const std::string& path, FileDescriptor fd,
                                                        const RandomId& id, std::uint32_t mode);

    DescriptorServer(DescriptorServer&& other) noexcept;
    DescriptorServer& operator=(DescriptorServer&& other) noexcept;
    DescriptorServer(const DescriptorServer&) = delete;
    DescriptorServer& operator=(const DescriptorServer&) = delete;
    ~DescriptorServer();

private:
    struct State;
    explicit DescriptorServer(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

/// Asks the server at `path` for its descriptor.
///
/// @param id           what the server has to say; another server than the wanted one is an error
/// @param deadline_ns  CLOCK_MONOTONIC; a server that is stopped does not answer
/// @return PoolNotFound when nobody listens there any more, System when it does not answer in time
///         or answers something else
[[nodiscard]] Result<FileDescriptor> receive_descriptor(const std::string& path, const RandomId& id,
                                                        std::uint64_t deadline_ns);

/// Removes the socket at `path` when its server is gone.
/// @return whether it was removed
bool remove_dead_socket(const std::string& path) noexcept;

}  // namespace tensor_ipc::os
