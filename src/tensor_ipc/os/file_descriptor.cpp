#include "tensor_ipc/os/file_descriptor.hpp"

#include <unistd.h>

namespace tensor_ipc::os {

void FileDescriptor::reset() noexcept
{
    if (fd_ >= 0) {
        ::close(std::exchange(fd_, -1));
    }
}

}  // namespace tensor_ipc::os
