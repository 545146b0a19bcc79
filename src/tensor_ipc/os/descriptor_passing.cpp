#include "tensor_ipc/os/descriptor_passing.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/os/event_fd.hpp"
#include "tensor_ipc/os/fork_epoch.hpp"

namespace tensor_ipc::os {

namespace {

constexpr int kBacklog = 64;
/// How long the server looks away when this process has no descriptor or memory left to accept
/// with.
constexpr int kNoResourcesMs = 10;
/// Between two tries to join the queue of a server that many want something of.
constexpr int kQueueFullMs = 2;

/// Room for one descriptor beside the bytes of a message.
struct alignas(cmsghdr) Control {
    char bytes[CMSG_SPACE(sizeof(int))] = {};  // NOLINT(*-avoid-c-arrays)
};

bool address_of(const std::string& path, sockaddr_un& address) noexcept
{
    address = {};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return false;
    }
    std::memcpy(static_cast<char*>(address.sun_path), path.data(), path.size());
    return true;
}

Error path_error(const std::string& path)
{
    return system_error("socket", path, ENAMETOOLONG);
}

/// Never waits: one small message fits into the buffer of a socket that nothing was sent through.
void send_descriptor(int socket, int fd, RandomId id) noexcept
{
    Control control;
    iovec bytes{id.data(), id.size()};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = static_cast<char*>(control.bytes);
    message.msg_controllen = sizeof control.bytes;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    // Whoever left meanwhile gets nothing.
    [[maybe_unused]] const auto sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/// The descriptors of a message, taken into ownership whatever else is in it.
FileDescriptor descriptor_in(msghdr& message) noexcept
{
    FileDescriptor found;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
            header->cmsg_len == CMSG_LEN(sizeof(int))) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
            found = FileDescriptor(fd);
        }
    }
    return found;
}

/// Waits until `fd` is readable.
/// @return false when the deadline passed
bool await_readable(int fd, std::uint64_t deadline_ns) noexcept
{
    for (;;) {
        const std::uint64_t now_ns = monotonic_ns();
        const std::uint64_t left_ms =
            deadline_ns > now_ns ? (deadline_ns - now_ns + 999'999) / 1'000'000 : 0;
        pollfd entry{fd, POLLIN, 0};
        const int ready =
            ::poll(&entry, 1, static_cast<int>(std::min<std::uint64_t>(left_ms, 60'000)));
        if (ready > 0) {
            return true;
        }
        if (ready == 0 && monotonic_ns() >= deadline_ns) {
            return false;
        }
    }
}

/// Connects, also when many do so at this moment.
/// @return 0, or errno
int connect_by(int socket, const sockaddr_un& address, std::uint64_t deadline_ns) noexcept
{
    while (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (errno != EINTR && errno != EAGAIN) {
            return errno;
        }
        if (monotonic_ns() >= deadline_ns) {
            return ETIMEDOUT;
        }
        ::poll(nullptr, 0, kQueueFullMs);
    }
    return 0;
}

Error no_answer(const std::string& path, const char* what)
{
    return Error{ErrorCode::System, "recvmsg '" + path + "': " + what};
}

}  // namespace

struct DescriptorServer::State {
    std::string path;
    FileDescriptor listener;
    FileDescriptor offered;
    EventFd stop;
    RandomId id;
    std::uint32_t epoch = fork_epoch();
    std::thread thread;

    State(std::string where, FileDescriptor socket, FileDescriptor fd, EventFd end,
          const RandomId& who)
        : path(std::move(where)),
          listener(std::move(socket)),
          offered(std::move(fd)),
          stop(std::move(end)),
          id(who)
    {
    }

    void serve() const noexcept
    {
        for (;;) {
            std::array<pollfd, 2> entries{{{listener.get(), POLLIN, 0}, {stop.fd(), POLLIN, 0}}};
            if (::poll(entries.data(), entries.size(), -1) < 0) {
                continue;
            }
            if (entries[1].revents != 0) {
                return;
            }
            const FileDescriptor visitor(
                ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (visitor) {
                send_descriptor(visitor.get(), offered.get(), id);
            } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
                ::poll(&entries[1], 1, kNoResourcesMs);
            }
        }
    }
};

DescriptorServer::DescriptorServer(std::unique_ptr<State> state) noexcept : state_(std::move(state))
{
}

DescriptorServer::DescriptorServer(DescriptorServer&& other) noexcept = default;

DescriptorServer& DescriptorServer::operator=(DescriptorServer&& other) noexcept
{
    std::swap(state_, other.state_);
    return *this;
}

Result<DescriptorServer> DescriptorServer::start(const std::string& path, FileDescriptor fd,
                                                 const RandomId& id, std::uint32_t mode)
{
    sockaddr_un address{};
    if (!address_of(path, address)) {
        return path_error(path);
    }
    // A driver's descriptor may come without it, and a program that is started needs none.
    if (::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0) {
        return system_error("fcntl", path, errno);
    }
    auto stop = EventFd::create();
    if (!stop) {
        return stop.error();
    }
    FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener) {
        return system_error("socket", path, errno);
    }
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return system_error("bind", path, errno);
    }
    // The mode is right before anybody can connect: that takes listen().
    if (::chmod(path.c_str(), mode) != 0 || ::listen(listener.get(), kBacklog) != 0) {
        Error error = system_error("listen", path, errno);
        ::unlink(path.c_str());
        return error;
    }
    auto state = std::make_unique<State>(path, std::move(listener), std::move(fd),
                                         std::move(stop).value(), id);
    close_in_child(state->listener.get());
    close_in_child(state->offered.get());
    State* serving = state.get();
    DescriptorServer server(std::move(state));
    // The thread takes no signals: the program's handlers run on the program's threads.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    int refused = 0;
    try {
        serving->thread = std::thread([serving] { serving->serve(); });
    } catch (const std::system_error& error) {
        refused = error.code().value();
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (refused != 0) {
        return system_error("pthread_create", path, refused);
    }
    return server;
}

DescriptorServer::~DescriptorServer()
{
    if (!state_) {
        return;
    }
    if (state_->epoch != fork_epoch()) {
        // A copy in a forked child: the socket is the parent's, and the thread never was here, so
        // its object can be neither joined nor destroyed.
        [[maybe_unused]] State* left = state_.release();  // NOLINT(bugprone-unused-return-value)
        return;
    }
    ::unlink(state_->path.c_str());
    state_->stop.signal();
    if (state_->thread.joinable()) {
        state_->thread.join();
    }
    keep_in_child(state_->listener.get());
    keep_in_child(state_->offered.get());
}

Result<FileDescriptor> receive_descriptor(const std::string& path, const RandomId& id,
                                          std::uint64_t deadline_ns)
{
    sockaddr_un address{};
    if (!address_of(path, address)) {
        return path_error(path);
    }
    const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) {
        return system_error("socket", path, errno);
    }
    if (const int refused = connect_by(socket.get(), address, deadline_ns); refused != 0) {
        Error error = system_error("connect", path, refused);
        if (refused == ECONNREFUSED) {
            error.code = ErrorCode::PoolNotFound;  // the socket of a dead server
        }
        return error;
    }
    if (!await_readable(socket.get(), deadline_ns)) {
        return no_answer(path, "no answer in time; its process may be stopped");
    }
    RandomId heard{};
    Control control;
    iovec bytes{heard.data(), heard.size()};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = static_cast<char*>(control.bytes);
    message.msg_controllen = sizeof control.bytes;
    const ssize_t got = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    FileDescriptor received = got > 0 ? descriptor_in(message) : FileDescriptor{};
    if (got == 0 || (got < 0 && errno == ECONNRESET)) {
        Error gone = no_answer(path, "its process ended before it answered");
        gone.code = ErrorCode::PoolNotFound;
        return gone;
    }
    if (got < 0) {
        return system_error("recvmsg", path, errno);
    }
    if (static_cast<std::size_t>(got) != heard.size() || heard != id) {
        return no_answer(path, "another server answered than the wanted one");
    }
    if (!received) {
        return no_answer(path, "no descriptor came; this process may have none left (ulimit -n)");
    }
    return received;
}

bool remove_dead_socket(const std::string& path) noexcept
{
    sockaddr_un address{};

    struct stat status {};

    if (!address_of(path, address) || ::lstat(path.c_str(), &status) != 0 ||
        !S_ISSOCK(status.st_mode)) {
        return false;
    }
    const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const bool dead =
        socket &&
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        errno == ECONNREFUSED;
    return dead && ::unlink(path.c_str()) == 0;
}

}  // namespace tensor_ipc::os
