#include "tensor_ipc/os/host.hpp"

#include <array>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tensor_ipc/os/file_descriptor.hpp"
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

std::uint64_t last_level_cache_bytes() noexcept
{
    // Not sysconf(): in a virtual machine glibc may name ten times what there is.
    std::array<char, 32> text{};  // such as "32768K"
    const FileDescriptor file(
        ::open("/sys/devices/system/cpu/cpu0/cache/index3/size", O_RDONLY | O_CLOEXEC));
    if (file && ::read(file.get(), text.data(), text.size() - 1) > 0) {
        const std::uint64_t kib = std::strtoull(text.data(), nullptr, 10);
        if (kib > 0) {
            return kib * 1024;
        }
    }
    return 32UL * 1024 * 1024;
}

std::int64_t unix_time_ns() noexcept
{
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace tensor_ipc::os
