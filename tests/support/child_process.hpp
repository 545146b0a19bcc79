/// Other processes for tests: forked, talked to through a channel, killed and reaped when done
/// with.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <new>
#include <stdexcept>
#include <utility>

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tensor_ipc::testing {

/// In a child: says what did not hold and ends the body with 1. GoogleTest's macros would only
/// change the child's copy of the results.
#define CHILD_REQUIRE(condition)                                                        \
    do {                                                                                \
        if (!(condition)) {                                                             \
            std::fprintf(stderr, "%s:%d: child: %s\n", __FILE__, __LINE__, #condition); \
            return 1;                                                                   \
        }                                                                               \
    } while (false)

/// Turns a hang into a failure; no test expects to be faster than this.
inline constexpr int kHangMs = 120'000;

/// One end of a conversation between two processes, letter by letter.
class Channel {
public:
    explicit Channel(int fd) noexcept : fd_(fd) {}

    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    ~Channel() { ::close(fd_); }

    void say(char letter) const noexcept
    {
        // A peer that is gone is noticed by hear() or wait().
        [[maybe_unused]] const auto sent = ::send(fd_, &letter, 1, MSG_NOSIGNAL);
    }

    /// The next letter; 0 when the other process is gone or hangs.
    [[nodiscard]] char hear() const noexcept
    {
        pollfd entry{fd_, POLLIN, 0};
        char letter = 0;
        while (::poll(&entry, 1, kHangMs) < 0 && errno == EINTR) {
        }
        return ::recv(fd_, &letter, 1, MSG_DONTWAIT) == 1 ? letter : '\0';
    }

private:
    int fd_;
};

/// A forked child that runs `body` and ends with what it returns.
class ChildProcess {
public:
    using Body = std::function<int(const Channel&)>;

    explicit ChildProcess(const Body& body) : ChildProcess(body, make_pair()) {}

    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    ~ChildProcess() { kill(); }

    [[nodiscard]] const Channel& channel() const noexcept { return channel_; }

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// Waits for its end.
    /// @return its exit status, or 128 + the signal that killed it
    int wait()
    {
        while (!reaped_ && ::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
        }
        reaped_ = true;
        return result();
    }

    [[nodiscard]] bool has_ended()
    {
        reaped_ = reaped_ || ::waitpid(pid_, &status_, WNOHANG) == pid_;
        return reaped_;
    }

    /// Waits until a signal has stopped it.
    /// @return false when it ended instead
    [[nodiscard]] bool await_stop()
    {
        while (!reaped_ && ::waitpid(pid_, &status_, WUNTRACED) < 0 && errno == EINTR) {
        }
        reaped_ = reaped_ || !WIFSTOPPED(status_);
        return !reaped_;
    }

    /// SIGSTOP, and waits until it stands still.
    [[nodiscard]] bool stop()
    {
        ::kill(pid_, SIGSTOP);
        return await_stop();
    }

    void go_on() const { ::kill(pid_, SIGCONT); }

    /// SIGKILL, unless it has ended.
    /// @return as wait()
    int kill()
    {
        if (!reaped_) {
            ::kill(pid_, SIGKILL);
        }
        return wait();
    }

private:
    ChildProcess(const Body& body, std::pair<int, int> ends) : channel_(ends.first)
    {
        std::fflush(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is killed leaves nobody behind
            ::close(ends.first);
            ::_exit(run(body, ends.second));
        }
        ::close(ends.second);
        if (pid_ < 0) {
            throw std::runtime_error("fork failed");
        }
    }

    static std::pair<int, int> make_pair()
    {
        int ends[2] = {-1, -1};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
            throw std::runtime_error("socketpair failed");
        }
        return {ends[0], ends[1]};
    }

    static int run(const Body& body, int fd) noexcept
    {
        try {
            const Channel channel(fd);
            return body(channel);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "child: %s\n", error.what());
            return 99;
        }
    }

    [[nodiscard]] int result() const noexcept
    {
        return WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
    }

    Channel channel_;
    pid_t pid_ = -1;
    int status_ = 0;
    bool reaped_ = false;
};

inline constexpr int kKilled = 128 + SIGKILL;

/// A `T` that this process and the children it forks later share.
template <typename T>
class SharedWithChildren {
public:
    SharedWithChildren()
    {
        void* memory =
            ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            throw std::bad_alloc();
        }
        value_ = new (memory) T{};
    }

    SharedWithChildren(const SharedWithChildren&) = delete;
    SharedWithChildren& operator=(const SharedWithChildren&) = delete;

    ~SharedWithChildren() { ::munmap(value_, sizeof(T)); }

    T* operator->() const noexcept { return value_; }

    T& operator*() const noexcept { return *value_; }

private:
    T* value_ = nullptr;
};

}  // namespace tensor_ipc::testing
