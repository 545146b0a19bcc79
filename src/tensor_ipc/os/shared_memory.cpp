#include "tensor_ipc/os/shared_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace tensor_ipc::os {

namespace {

bool is_same(const struct stat& one, const struct stat& other) noexcept
{
    return one.st_ino == other.st_ino && one.st_dev == other.st_dev;
}

}  // namespace

Result<std::optional<FileDescriptor>> create_shared_memory(const std::string& name)
{
    FileDescriptor fd(
        ::shm_open(("/" + name).c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) {
        if (errno == EEXIST) {
            return std::optional<FileDescriptor>{};
        }
        return system_error("shm_open", "/" + name, errno);
    }
    return std::optional<FileDescriptor>(std::move(fd));
}

Result<std::optional<FileDescriptor>> open_shared_memory(const std::string& name, Access access)
{
    // O_NONBLOCK: whoever put a FIFO there does not make us wait for its other end.
    const int flags =
        (access == Access::ReadWrite ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    FileDescriptor fd(::shm_open(("/" + name).c_str(), flags, 0));
    if (!fd) {
        if (errno == ENOENT) {
            return std::optional<FileDescriptor>{};
        }
        // glibc's shm_open() has EINVAL for names with a slash, which ours have not, and for this.
        return system_error("shm_open", "/" + name, errno == EINVAL ? EISDIR : errno);
    }
    return std::optional<FileDescriptor>(std::move(fd));
}

Result<void> unlink_shared_memory(const std::string& name)
{
    if (::shm_unlink(("/" + name).c_str()) != 0 && errno != ENOENT) {
        return system_error("shm_unlink", "/" + name, errno);
    }
    return {};
}

Result<void> allocate(int fd, std::uint64_t bytes, const std::string& name)
{
    // A signal makes fallocate give everything back and start again, so a timer that ticks faster
    // than a large pool is allocated would keep it from ever ending.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = EINTR;
    while (error == EINTR) {
        error = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (error != 0) {
        return system_error("posix_fallocate", "/" + name, error);
    }
    return {};
}

Result<void> set_mode(int fd, std::uint32_t mode, const std::string& name)
{
    if (::fchmod(fd, mode) != 0) {
        return system_error("fchmod", "/" + name, errno);
    }
    return {};
}

Result<FileFacts> facts_of(int fd, const std::string& name)
{
    struct stat status {};

    if (::fstat(fd, &status) != 0) {
        return system_error("fstat", "/" + name, errno);
    }
    FileFacts facts;
    facts.bytes = static_cast<std::uint64_t>(status.st_size);
    facts.allocated_bytes = static_cast<std::uint64_t>(status.st_blocks) * 512;
    facts.device = status.st_dev;
    facts.inode = status.st_ino;
    facts.owner_uid = status.st_uid;
    facts.group_gid = status.st_gid;
    facts.mode = status.st_mode & 07777U;
    facts.regular_file = S_ISREG(status.st_mode);
    facts.names = status.st_nlink;
    return facts;
}

bool is_same_file(int one, int other) noexcept
{
    struct stat of_one {};

    struct stat of_other {};

    return ::fstat(one, &of_one) == 0 && ::fstat(other, &of_other) == 0 &&
           is_same(of_one, of_other);
}

bool leads_to(const std::string& name, int fd)
{
    struct stat by_name {};

    struct stat by_descriptor {};

    const std::string path = std::string(kSharedMemoryDirectory) + "/" + name;
    return ::lstat(path.c_str(), &by_name) == 0 && ::fstat(fd, &by_descriptor) == 0 &&
           is_same(by_name, by_descriptor);
}

Capacity capacity_of(int fd) noexcept
{
    struct statvfs status {};

    if (::fstatvfs(fd, &status) != 0) {
        return {};
    }
    return {status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize};
}

bool read_exactly(int fd, std::uint64_t offset, void* into, std::size_t bytes) noexcept
{
    auto* destination = static_cast<char*>(into);
    while (bytes > 0) {
        const ssize_t got = ::pread(fd, destination, bytes, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        destination += got;
        offset += static_cast<std::uint64_t>(got);
        bytes -= static_cast<std::size_t>(got);
    }
    return true;
}

Result<std::vector<std::string>> list_shared_memory()
{
    const auto close = [](DIR* directory) { ::closedir(directory); };
    const std::unique_ptr<DIR, decltype(close)> directory(::opendir(kSharedMemoryDirectory), close);
    if (!directory) {
        return system_error("opendir", kSharedMemoryDirectory, errno);
    }
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe)
        names.emplace_back(static_cast<const char*>(entry->d_name));
    }
    return names;
}

std::uint32_t effective_uid() noexcept
{
    return ::geteuid();
}

bool is_in_group(std::uint32_t gid)
{
    if (::getegid() == gid) {
        return true;
    }
    const int count = ::getgroups(0, nullptr);
    std::vector<gid_t> groups(count > 0 ? static_cast<std::size_t>(count) : 0);
    const int got = ::getgroups(count, groups.data());
    groups.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return std::ranges::find(groups, gid) != groups.end();
}

std::uint32_t process_id() noexcept
{
    return static_cast<std::uint32_t>(::getpid());
}

std::uint64_t page_bytes() noexcept
{
    return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace tensor_ipc::os
