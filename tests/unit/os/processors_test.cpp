#include "tensor_ipc/os/processors.hpp"

#include <atomic>
#include <thread>

#include <sched.h>

#include <gtest/gtest.h>

namespace tensor_ipc::os {
namespace {

TEST(ProcessorsTest, CountsThoseThatTheThreadMayRunOn)
{
    EXPECT_GE(usable_processors(), 1U);
    std::uint32_t found = 0;
    std::thread([&] {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(::sched_getcpu(), &one);
        ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
        found = usable_processors();
    }).join();

    EXPECT_EQ(found, 1U);
}

TEST(ProcessorsTest, YieldsToTheOnlyOtherThread)
{
    std::atomic<bool> done = false;
    std::thread other([&] { done = true; });

    while (!done) {
        yield_processor();
    }
    other.join();
}

}  // namespace
}  // namespace tensor_ipc::os
