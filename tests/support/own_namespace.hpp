/// A namespace for each test process, so that tests that run at the same time neither meet nor
/// clean each other's pools away.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include <signal.h>
#include <unistd.h>

#include "tensor_ipc/os/shared_memory.hpp"

namespace tensor_ipc::testing {

inline constexpr const char* kNamespacePrefix = "test-";

/// Removes what test processes left that were killed: `tensoripc_test-<pid>=...` without a process.
inline void remove_objects_of_dead_tests()
{
    const auto names = os::list_shared_memory();
    if (!names) {
        return;
    }
    const std::string prefix = std::string("tensoripc_") + kNamespacePrefix;
    for (const std::string& name : *names) {
        if (!name.starts_with(prefix)) {
            continue;
        }
        const int pid = std::atoi(name.c_str() + prefix.size());
        if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) {
            ::unlink(("/dev/shm/" + name).c_str());
        }
    }
}

inline void enter_own_namespace()
{
    remove_objects_of_dead_tests();
    const std::string name = kNamespacePrefix + std::to_string(::getpid());
    ::setenv("TENSOR_IPC_NAMESPACE", name.c_str(), 1);
}

}  // namespace tensor_ipc::testing
