#include "tensor_ipc/os/mappable_file.hpp"

#include <cerrno>

#include <fcntl.h>

#include "tensor_ipc/os/shared_memory.hpp"

namespace tensor_ipc::os {

Result<MappableFile> MappableFile::of(int fd, const std::string& name)
{
    if (auto found = open_shared_memory(name, Access::ReadWrite);
        found && found->has_value() && is_same_file((*found)->get(), fd)) {
        return MappableFile(fd, std::move(**found));
    }
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    FileDescriptor own(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!own && (errno == EMFILE || errno == ENFILE)) {
        return system_error("open", path, errno);
    }
    return MappableFile(fd, std::move(own));
}

}  // namespace tensor_ipc::os
