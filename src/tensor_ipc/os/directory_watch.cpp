#include "tensor_ipc/os/directory_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/os/fork_epoch.hpp"

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

void drain(int inotify)
{
    alignas(inotify_event) std::array<char, 4096> events{};
    while (::read(inotify, events.data(), events.size()) > 0) {
    }
}

/// The thread's inotify instance between two watches. Closing one waits for the kernel to be done
/// with it, for milliseconds, and on a busy machine for seconds: the frame that was waited for
/// would wait as long. A forked child makes its own; with the parent's it would read the parent's
/// events.
class SpareInstance {
public:
    SpareInstance() = default;
    SpareInstance(const SpareInstance&) = delete;
    SpareInstance& operator=(const SpareInstance&) = delete;
    SpareInstance(SpareInstance&&) = delete;
    SpareInstance& operator=(SpareInstance&&) = delete;

    ~SpareInstance() { close(take_kept()); }

    FileDescriptor take()
    {
        FileDescriptor kept = take_kept();
        if (kept) {
            drain(kept.get());  // what came after the last watch was over
            return kept;
        }
        FileDescriptor made(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (made) {
            close_in_child(made.get());
        }
        return made;
    }

    void keep(FileDescriptor inotify)
    {
        close(take_kept());
        kept_ = std::move(inotify);
        epoch_ = fork_epoch();
    }

private:
    FileDescriptor take_kept() noexcept
    {
        if (epoch_ != fork_epoch()) {
            kept_.release();  // it was closed at the fork, the number may be someone else's by now
        }
        return std::move(kept_);
    }

    static void close(FileDescriptor inotify) noexcept
    {
        if (inotify) {
            keep_in_child(inotify.get());
        }
    }

    FileDescriptor kept_;
    std::uint32_t epoch_ = 0;
};

thread_local SpareInstance spare;  // NOLINT(*-avoid-non-const-global-variables)

}  // namespace

DirectoryWatch::DirectoryWatch(const std::string& directory) noexcept
    : inotify_(spare.take()), epoch_(fork_epoch())
{
    if (!inotify_) {
        return;
    }
    // IN_ATTRIB: a producer sets a segment's mode last, when its header is complete.
    watch_ =
        ::inotify_add_watch(inotify_.get(), directory.c_str(), IN_CREATE | IN_ATTRIB | IN_MOVED_TO);
    if (watch_ < 0) {
        spare.keep(std::move(inotify_));
    }
}

DirectoryWatch::~DirectoryWatch()
{
    if (epoch_ != fork_epoch()) {
        inotify_.release();
    } else if (inotify_) {
        ::inotify_rm_watch(inotify_.get(), watch_);
        spare.keep(std::move(inotify_));
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
    drain(inotify_.get());
    return WatchOutcome::Changed;
}

}  // namespace tensor_ipc::os
