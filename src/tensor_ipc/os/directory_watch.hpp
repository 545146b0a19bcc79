/// Waiting for a file to appear in a directory (inotify(7)).
#pragma once

#include <cstdint>
#include <string>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/os/file_descriptor.hpp"

namespace tensor_ipc::os {

enum class WatchOutcome : std::uint8_t { Changed, TimedOut, Interrupted };

/// Sees files made, renamed to, or given their mode in a directory from its construction on.
class DirectoryWatch {
public:
    /// Falls back to looking every 10 ms where no inotify instance is to be had.
    explicit DirectoryWatch(const std::string& directory) noexcept;

    /// Waits until something changed or `deadline_ns` (CLOCK_MONOTONIC) passed.
    WatchOutcome wait(std::uint64_t deadline_ns) noexcept;

private:
    FileDescriptor inotify_;
};

}  // namespace tensor_ipc::os
