/// Owner of one file descriptor.
#pragma once

#include <cstddef>
#include <utility>

namespace tensor_ipc::os {

/// Closes its descriptor when it dies. Move-only. -1 is "none".
class FileDescriptor {
public:
    FileDescriptor() = default;

    explicit FileDescriptor(int fd) noexcept : fd_(fd) {}

    FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

    FileDescriptor& operator=(FileDescriptor&& other) noexcept
    {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }

    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;

    ~FileDescriptor() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }

    explicit operator bool() const noexcept { return fd_ >= 0; }

    void reset() noexcept;

    /// Gives the descriptor up without closing it.
    int release() noexcept { return std::exchange(fd_, -1); }

private:
    int fd_ = -1;
};

/// Numbers of descriptors that select() takes are below this. glibc ends the process for others.
inline constexpr int kSelectLimit = 1024;

/// Whether `count` descriptors that are opened now would be below `kSelectLimit`, and can be had.
[[nodiscard]] bool can_select_next(std::size_t count);

}  // namespace tensor_ipc::os
