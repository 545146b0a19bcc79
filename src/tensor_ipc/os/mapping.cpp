#include "tensor_ipc/os/mapping.hpp"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>

#include "tensor_ipc/os/file_descriptor.hpp"

namespace tensor_ipc::os {

namespace {

int access_of(Protection protection)
{
    return protection == Protection::ReadOnly ? PROT_READ : PROT_READ | PROT_WRITE;
}

int sharing_of(Protection protection)
{
    // MAP_NORESERVE: most private mappings are never written to.
    return protection == Protection::CopyOnWrite ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED;
}

/// The file of `fd` once more, as an open file of its own.
///
/// A mapping keeps its open file, and with it the kernel locks (file_lock.hpp), also in forked
/// children, which close the descriptor but inherit the mapping: locks would outlive their owner.
/// Nothing where there is no /proc; an error where there is, and no descriptor is left.
Result<FileDescriptor> reopen(int fd, Protection protection)
{
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    const int access = protection == Protection::ReadWrite ? O_RDWR : O_RDONLY;
    FileDescriptor own(::open(path.c_str(), access | O_CLOEXEC));
    if (!own && (errno == EMFILE || errno == ENFILE)) {
        return system_error("open", path, errno);
    }
    return own;
}

Error map_error(std::uint64_t bytes)
{
    Error error = system_error("mmap", std::to_string(bytes) + " bytes", errno);
    error.code = ErrorCode::System;  // ENOMEM here is address space or map count, not /dev/shm
    return error;
}

}  // namespace

Result<Mapping> Mapping::shared(int fd, std::uint64_t offset, std::uint64_t bytes,
                                Protection protection)
{
    const auto own = reopen(fd, protection);
    if (!own) {
        return own.error();
    }
    void* data = ::mmap(nullptr, bytes, access_of(protection), sharing_of(protection),
                        *own ? own.value().get() : fd, static_cast<off_t>(offset));
    if (data == MAP_FAILED) {
        return map_error(bytes);
    }
    return Mapping(static_cast<std::byte*>(data), bytes);
}

Result<Mapping> Mapping::shared_twice(int fd, std::uint64_t offset, std::uint64_t bytes,
                                      Protection protection)
{
    void* reserved =
        ::mmap(nullptr, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) {
        return map_error(2 * bytes);
    }
    Mapping mapping(static_cast<std::byte*>(reserved), 2 * bytes);
    const auto own = reopen(fd, protection);
    if (!own) {
        return own.error();
    }
    for (std::byte* half : {mapping.data(), mapping.data() + bytes}) {
        if (::mmap(half, bytes, access_of(protection), sharing_of(protection) | MAP_FIXED,
                   *own ? own.value().get() : fd, static_cast<off_t>(offset)) == MAP_FAILED) {
            return map_error(bytes);
        }
    }
    return mapping;
}

Mapping::~Mapping()
{
    if (data_ != nullptr) {
        ::munmap(data_, bytes_);
    }
}

}  // namespace tensor_ipc::os
