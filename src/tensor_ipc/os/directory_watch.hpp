/// Waiting for a file to appear in a directory (inotify(7)).
#pragma once

#include <cstdint>
#include <string>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/os/file_descriptor.hpp"

namespace tensor_ipc::os {

enum class WatchOutcome : std::uint8_t { Changed, TimedOut, Interrupted };

/// Sees files made, renamed to, or given their mode in a directory from its construction on. Made
/// and destroyed in one thread, which keeps its inotify instance for the next one.
class DirectoryWatch {
public:
    /// Falls back to looking every 10 ms where no inotify instance is to be had.
    explicit DirectoryWatch(const std::string& directory) noexcept;

    DirectoryWatch(const DirectoryWatch&) = delete;
    DirectoryWatch& operator=(const DirectoryWatch&) = delete;
    DirectoryWatch(DirectoryWatch&&) = delete;
    DirectoryWatch& operator=(DirectoryWatch&&) = delete;
    ~DirectoryWatch();

    /// Waits until something changed or `deadline_ns` (CLOCK_MONOTONIC) passed.
    WatchOutcome wait(std::uint64_t deadline_ns) noexcept;

private:
    FileDescriptor inotify_;
    int watch_ = -1;
    std::uint32_t epoch_ = 0;  ///< of forks, when it was made
};

}  // namespace tensor_ipc::os
