#include "tensor_ipc/os/directory_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "tensor_ipc/os/clock.hpp"

namespace tensor_ipc::os {

namespace {

constexpr std::uint64_t kFallbackPeriodNs = 10'000'000;

int poll_timeout_ms(std::uint64_t deadline_ns)
{
    const std::uint64_t now = monotonic_ns();
    if (deadline_ns <= now) {
        return 0;
    }
    // Rounded up: waking a little late is fine, spinning at the end is not.
    return static_cast<int>(std::min<std::uint64_t>((deadline_ns - now) / 1'000'000 + 1, 60'000));
}

}  // namespace

DirectoryWatch::DirectoryWatch(const std::string& directory) noexcept
    : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK))
{
    // IN_ATTRIB: a producer sets a segment's mode last, when its header is complete.
    if (inotify_ && ::inotify_add_watch(inotify_.get(), directory.c_str(),
                                        IN_CREATE | IN_ATTRIB | IN_MOVED_TO) < 0) {
        inotify_.reset();
    }
}

WatchOutcome DirectoryWatch::wait(std::uint64_t deadline_ns) noexcept
{
    if (!inotify_) {
        const std::uint64_t until = std::min(deadline_ns, monotonic_ns() + kFallbackPeriodNs);
        if (::poll(nullptr, 0, poll_timeout_ms(until)) < 0) {
            return WatchOutcome::Interrupted;
        }
        return until == deadline_ns ? WatchOutcome::TimedOut : WatchOutcome::Changed;
    }
    pollfd entry{inotify_.get(), POLLIN, 0};
    const int ready = ::poll(&entry, 1, poll_timeout_ms(deadline_ns));
    if (ready < 0) {
        return errno == EINTR ? WatchOutcome::Interrupted : WatchOutcome::TimedOut;
    }
    if (ready == 0) {
        return WatchOutcome::TimedOut;
    }
    alignas(inotify_event) std::array<char, 4096> events{};
    while (::read(inotify_.get(), events.data(), events.size()) > 0) {
    }
    return WatchOutcome::Changed;
}

}  // namespace tensor_ipc::os
