/// Gives each test process a namespace of its own, so that tests that run at the same time neither
/// meet nor clean each other's pools away.
#include <sys/stat.h>

#include "support/pool_test.hpp"

namespace {

constexpr const char* kPrefix = "tensoripc_test-";

/// Removes what test processes left that were killed: `tensoripc_test-<pid>=...` without a process.
void remove_objects_of_dead_tests()
{
    const auto names = tensor_ipc::os::list_shared_memory();
    if (!names) {
        return;
    }
    for (const std::string& name : *names) {
        if (!name.starts_with(kPrefix)) {
            continue;
        }
        const int pid = std::atoi(name.c_str() + std::strlen(kPrefix));
        if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) {
            ::unlink(("/dev/shm/" + name).c_str());
        }
    }
}

}  // namespace

int main(int argc, char** argv)
{
    ::testing::InitGoogleTest(&argc, argv);
    remove_objects_of_dead_tests();
    ::setenv("TENSOR_IPC_NAMESPACE", ("test-" + std::to_string(::getpid())).c_str(), 1);
    const int result = RUN_ALL_TESTS();
    const bool clean = tensor_ipc::testing::leftovers().empty();
    tensor_ipc::testing::remove_leftovers();
    return clean ? result : 1;
}
