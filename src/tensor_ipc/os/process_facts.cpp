#include "tensor_ipc/os/process_facts.hpp"

#include <cerrno>

#include <sys/random.h>
#include <sys/stat.h>

namespace tensor_ipc::os {

std::uint64_t pid_namespace() noexcept
{
    struct stat status {};

    return ::stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

Result<RandomId> random_id()
{
    RandomId id{};
    // Up to 256 bytes come whole, or not at all when a signal arrives before the pool is ready.
    while (::getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
        if (errno != EINTR) {
            return system_error("getrandom", "16 bytes", errno);
        }
    }
    return id;
}

}  // namespace tensor_ipc::os
