#include "tensor_ipc/os/mapping.hpp"

#include <cerrno>
#include <string>

#include <sys/mman.h>

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
    void* data = ::mmap(nullptr, bytes, access_of(protection), sharing_of(protection), fd,
                        static_cast<off_t>(offset));
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
    for (std::byte* half : {mapping.data(), mapping.data() + bytes}) {
        if (::mmap(half, bytes, access_of(protection), sharing_of(protection) | MAP_FIXED, fd,
                   static_cast<off_t>(offset)) == MAP_FAILED) {
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
