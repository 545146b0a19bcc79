#include "tensor_ipc/os/file_lock.hpp"

#include <cerrno>

#include <fcntl.h>

namespace tensor_ipc::os {

namespace {

struct flock byte_lock(short type, std::uint64_t offset)
{
    struct flock lock {};

    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(offset);
    lock.l_len = 1;
    return lock;
}

}  // namespace

Result<bool> try_lock_byte(int fd, std::uint64_t offset)
{
    struct flock lock = byte_lock(F_WRLCK, offset);
    if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) {
        return true;
    }
    if (errno == EAGAIN || errno == EACCES) {
        return false;
    }
    return system_error("fcntl(F_OFD_SETLK)", "byte " + std::to_string(offset), errno);
}

void unlock_byte(int fd, std::uint64_t offset) noexcept
{
    struct flock lock = byte_lock(F_UNLCK, offset);
    ::fcntl(fd, F_OFD_SETLK, &lock);
}

bool is_byte_locked(int fd, std::uint64_t offset) noexcept
{
    struct flock lock = byte_lock(F_WRLCK, offset);
    return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace tensor_ipc::os
