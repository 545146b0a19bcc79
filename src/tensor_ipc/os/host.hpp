/// Which machine this is, and which shared memory.
#pragma once

#include <cstdint>
#include <string>

namespace tensor_ipc::os {

/// As `hostname` prints it, without what follows a dot; "localhost" when it has none.
[[nodiscard]] std::string host_name();

/// Tells one /dev/shm from all others: the boot of the kernel, and the file system's device number
/// in it. Containers that share their shared memory have the same, others do not.
[[nodiscard]] std::string shared_memory_id();

/// CLOCK_REALTIME in nanoseconds since 1970, for comparing with the times of other machines.
[[nodiscard]] std::int64_t unix_time_ns() noexcept;

}  // namespace tensor_ipc::os
