#include "tensor_ipc/os/processors.hpp"

#include <sched.h>
#include <unistd.h>

namespace tensor_ipc::os {

std::uint32_t usable_processors() noexcept
{
    cpu_set_t allowed;  // refused by kernels with more than 1024 processors
    if (::sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
        return static_cast<std::uint32_t>(CPU_COUNT(&allowed));
    }
    const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? static_cast<std::uint32_t>(online) : 1;
}

void yield_processor() noexcept
{
    ::sched_yield();
}

}  // namespace tensor_ipc::os
