/// Named places in the protocol where a test may stop or kill the process.
///
/// Without TENSOR_IPC_TEST_POINTS (every shipped build) `TENSOR_IPC_TEST_POINT` is nothing at all.
#pragma once

#ifdef TENSOR_IPC_TEST_POINTS

#include <atomic>

namespace tensor_ipc::testing {

using TestPointHook = void (*)(const char* name);

/// Called at every test point when set. Async-signal-safe code only.
inline std::atomic<TestPointHook> test_point_hook{nullptr};  // NOLINT(*-non-const-global-variables)

inline void reach(const char* name)
{
    if (const TestPointHook hook = test_point_hook.load(std::memory_order_relaxed)) {
        hook(name);
    }
}

}  // namespace tensor_ipc::testing

#define TENSOR_IPC_TEST_POINT(name) ::tensor_ipc::testing::reach(name)
#else
#define TENSOR_IPC_TEST_POINT(name) static_cast<void>(0)
#endif
