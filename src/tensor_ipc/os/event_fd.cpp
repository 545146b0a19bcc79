#include "tensor_ipc/os/event_fd.hpp"

#include <cerrno>
#include <cstdint>

#include <sys/eventfd.h>
#include <unistd.h>

namespace tensor_ipc::os {

Result<EventFd> EventFd::create()
{
    FileDescriptor fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd) {
        return system_error("eventfd", "consumer", errno);
    }
    return EventFd(std::move(fd));
}

void EventFd::signal() const noexcept
{
    const std::uint64_t one = 1;
    // EAGAIN means that the counter is full: it is readable already.
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
}

void EventFd::clear() const noexcept
{
    std::uint64_t count = 0;
    // EAGAIN means that it was not readable.
    [[maybe_unused]] const auto read = ::read(fd_.get(), &count, sizeof count);
}

}  // namespace tensor_ipc::os
