/// What every function of the stand-in shares: its settings, who calls what, which call has to
/// fail.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "toolkit.hpp"

namespace fake_cuda {

inline constexpr std::uint64_t kGranularity = std::uint64_t{2} << 20;
inline constexpr int kMostDevices = 16;

struct Settings {
    std::vector<int> gpus{0};  ///< the physical GPU behind each ordinal
    int machine_gpus = 1;
    std::uint64_t memory_bytes = std::uint64_t{256} << 20;
    int delay_us = 0;
    int version = 13000;
    int pid = 0;  ///< the value that handles carry and are compared by
    std::set<std::string> without;

    [[nodiscard]] bool can(const char* feature) const { return !without.contains(feature); }
};

struct Context {
    int ordinal = 0;
    int retains = 0;
    bool broken = false;
};

/// One mutex for everything but the insides of streams. Never destroyed: streams outlive main().
struct Process {
    std::mutex mutex;
    Settings settings;
    Context contexts[kMostDevices];
};

Process& process();

/// The context on top of this thread's stack, or null.
Context* current();

int contexts_pushed_here();

/// True on a thread while it runs a host function.
extern thread_local bool in_host_function;

enum class Needs { Nothing, Initialised, Context };

/// Counts the call and says whether it may go on.
CUresult enter(const char* name, Needs needs);

/// The first line of a function of the driver.
#define FAKE_CUDA_ENTER(needs)                                                                   \
    if (const CUresult entered = ::fake_cuda::enter(__func__, needs); entered != CUDA_SUCCESS) { \
        return entered;                                                                          \
    }                                                                                            \
    static_assert(true)

inline bool is_device(CUdevice device)
{
    return device >= 0 && device < static_cast<int>(process().settings.gpus.size());
}

inline int gpu_of(const Context& context)
{
    return process().settings.gpus[static_cast<std::size_t>(context.ordinal)];
}

/// The ordinal of `gpu`, or -1 when this process does not see it.
int ordinal_of(int gpu);

}  // namespace fake_cuda
