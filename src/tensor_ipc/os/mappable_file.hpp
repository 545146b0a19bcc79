/// A file as mappings need it.
#pragma once

#include <string>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/os/file_descriptor.hpp"

namespace tensor_ipc::os {

/// A shared memory object once more, as an open file of its own, which has no kernel locks.
///
/// A mapping keeps its open file, and with it the kernel locks (file_lock.hpp), also in forked
/// children, which close the descriptor but inherit the mapping: locks would outlive their owner.
class MappableFile {
public:
    MappableFile() = default;

    /// Opens the object of `fd` for reading and writing: by its name where that still leads to it,
    /// since the way over /proc takes five times as long at first. Where there is no /proc either
    /// it is `fd` itself, which has to outlive this.
    /// @return an error when no descriptor is left
    [[nodiscard]] static Result<MappableFile> of(int fd, const std::string& name);

    [[nodiscard]] int get() const noexcept { return own_ ? own_.get() : fd_; }

    /// Whatever was mapped stays mapped.
    void close() noexcept
    {
        own_.reset();
        fd_ = -1;
    }

private:
    MappableFile(int fd, FileDescriptor own) noexcept : fd_(fd), own_(std::move(own)) {}

    int fd_ = -1;
    FileDescriptor own_;
};

}  // namespace tensor_ipc::os
