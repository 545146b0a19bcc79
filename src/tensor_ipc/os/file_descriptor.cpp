#include "tensor_ipc/os/file_descriptor.hpp"

#include <vector>

#include <fcntl.h>
#include <sys/select.h>
#include <unistd.h>

namespace tensor_ipc::os {

void FileDescriptor::reset() noexcept
{
    if (fd_ >= 0) {
        ::close(std::exchange(fd_, -1));
    }
}

bool can_select_next(std::size_t count)
{
    static_assert(kSelectLimit == FD_SETSIZE);
    std::vector<FileDescriptor> tried;  // all at once: free numbers may lie anywhere
    while (tried.size() < count) {
        tried.emplace_back(::open("/", O_PATH | O_CLOEXEC));
        if (!tried.back() || tried.back().get() >= kSelectLimit) {
            return false;
        }
    }
    return true;
}

}  // namespace tensor_ipc::os
