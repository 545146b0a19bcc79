#include "tensor_ipc/os/host.hpp"

#include <array>
#include <ctime>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "tensor_ipc/os/shared_memory.hpp"

namespace tensor_ipc::os {

std::string host_name()
{
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') {
        return "localhost";
    }
    const std::string full(name.data());
    return full.substr(0, full.find('.'));
}

std::string shared_memory_id()
{
    std::string boot;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;

    struct stat facts {};

    if (::stat(kSharedMemoryDirectory, &facts) != 0) {
        facts.st_dev = 0;
    }
    return (boot.empty() ? host_name() : boot) + ":" + std::to_string(facts.st_dev);
}

std::int64_t unix_time_ns() noexcept
{
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace tensor_ipc::os
