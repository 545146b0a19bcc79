/// A descriptor that select, poll and epoll see as readable after `signal()` (eventfd(2)).
#pragma once

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/os/file_descriptor.hpp"

namespace tensor_ipc::os {

class EventFd {
public:
    [[nodiscard]] static Result<EventFd> create();

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

    /// Makes it readable. Never blocks.
    void signal() const noexcept;

    /// Makes it unreadable again.
    void clear() const noexcept;

private:
    explicit EventFd(FileDescriptor fd) noexcept : fd_(std::move(fd)) {}

    FileDescriptor fd_;
};

}  // namespace tensor_ipc::os
