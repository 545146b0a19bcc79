#include "process.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>

#include <unistd.h>

#include "fake_cuda.hpp"

namespace fake_cuda {

thread_local bool in_host_function = false;

namespace {

struct Fault {
    std::string name;
    std::uint64_t nth;  ///< counted in `calls`; 0 is always
    int status;
};

struct Ledger {
    std::map<std::string, std::uint64_t> calls;
    std::vector<Fault> faults;
};

thread_local std::vector<Context*> context_stack;
std::atomic<pid_t> initialised_by{0};
std::atomic<std::uint64_t> refused_after_fork{0};  ///< or before cuInit

Ledger& ledger()
{
    static auto* const instance = new Ledger;
    return *instance;
}

std::vector<std::string> split(const char* variable)
{
    const char* value = std::getenv(variable);
    std::istringstream stream(value == nullptr ? "" : value);
    std::vector<std::string> parts;
    for (std::string part; std::getline(stream, part, ',');) {
        parts.push_back(part);
    }
    return parts;
}

int number(const char* variable, int otherwise)
{
    const char* value = std::getenv(variable);
    return value == nullptr ? otherwise : std::atoi(value);
}

Settings settings_from_environment()
{
    Settings settings;
    settings.machine_gpus = number("FAKE_CUDA_DEVICES", 1);
    settings.gpus.clear();
    if (std::getenv("CUDA_VISIBLE_DEVICES") != nullptr) {
        for (const std::string& gpu : split("CUDA_VISIBLE_DEVICES")) {
            const int index = std::atoi(gpu.c_str());
            if (index < 0 || index >= settings.machine_gpus) {
                break;  // as the real one: what follows the first wrong number is not seen
            }
            settings.gpus.push_back(index);
        }
    } else {
        for (int gpu = 0; gpu < settings.machine_gpus; ++gpu) {
            settings.gpus.push_back(gpu);
        }
    }
    settings.memory_bytes = static_cast<std::uint64_t>(number("FAKE_CUDA_MEMORY_MB", 256)) << 20;
    settings.delay_us = number("FAKE_CUDA_DELAY_US", 0);
    settings.version = number("FAKE_CUDA_VERSION", 13000);
    settings.pid = number("FAKE_CUDA_PID", ::getpid());
    for (std::string& feature : split("FAKE_CUDA_WITHOUT")) {
        settings.without.insert(std::move(feature));
    }
    return settings;
}

void add_fault(const std::string& name, std::uint64_t nth, int status)
{
    const std::uint64_t so_far = ledger().calls[name];
    ledger().faults.push_back({name, nth == 0 ? 0 : so_far + nth, status});
}

/// With the process's mutex held.
void read_environment()
{
    process().settings = settings_from_environment();
    ledger() = {};
    for (const std::string& fault : split("FAKE_CUDA_FAIL")) {
        std::istringstream stream(fault);
        std::string name;
        std::uint64_t nth = 0;
        int status = 0;
        char colon = 0;
        std::getline(stream, name, ':');
        if (stream >> nth >> colon >> status) {
            add_fault(name, nth, status);
        }
    }
}

/// With the process's mutex held.
void configure_once()
{
    static bool configured = false;
    if (!configured) {
        configured = true;
        read_environment();
    }
}

}  // namespace

Process& process()
{
    static auto* const instance = [] {
        auto* made = new Process;
        for (int ordinal = 0; ordinal < kMostDevices; ++ordinal) {
            made->contexts[ordinal].ordinal = ordinal;
        }
        return made;
    }();
    return *instance;
}

Context* current()
{
    return context_stack.empty() ? nullptr : context_stack.back();
}

int contexts_pushed_here()
{
    return static_cast<int>(context_stack.size());
}

int ordinal_of(int gpu)
{
    const auto& gpus = process().settings.gpus;
    for (std::size_t ordinal = 0; ordinal < gpus.size(); ++ordinal) {
        if (gpus[ordinal] == gpu) {
            return static_cast<int>(ordinal);
        }
    }
    return -1;
}

CUresult enter(const char* name, Needs needs)
{
    if (in_host_function) {
        return CUDA_ERROR_NOT_PERMITTED;
    }
    // Before the lock: in a forked child another thread may have held it.
    const pid_t owner = initialised_by.load();
    if (needs != Needs::Nothing && owner != ::getpid()) {
        ++refused_after_fork;
        return CUDA_ERROR_NOT_INITIALIZED;
    }
    const std::lock_guard lock(process().mutex);
    configure_once();
    const std::uint64_t count = ++ledger().calls[name];
    for (const Fault& fault : ledger().faults) {
        if (fault.name == name && (fault.nth == 0 || fault.nth == count)) {
            return static_cast<CUresult>(fault.status);
        }
    }
    if (needs != Needs::Context) {
        return CUDA_SUCCESS;
    }
    if (current() == nullptr) {
        return CUDA_ERROR_INVALID_CONTEXT;
    }
    return current()->broken ? CUDA_ERROR_ILLEGAL_ADDRESS : CUDA_SUCCESS;
}

}  // namespace fake_cuda

using namespace fake_cuda;

extern "C" {

CUresult cuInit(unsigned int flags)
{
    FAKE_CUDA_ENTER(Needs::Nothing);
    if (flags != 0) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (process().settings.gpus.empty()) {
        return CUDA_ERROR_NO_DEVICE;
    }
    pid_t nobody = 0;
    initialised_by.compare_exchange_strong(nobody, ::getpid());
    return initialised_by.load() == ::getpid() ? CUDA_SUCCESS : CUDA_ERROR_NOT_INITIALIZED;
}

CUresult cuDriverGetVersion(int* version)
{
    FAKE_CUDA_ENTER(Needs::Nothing);
    *version = process().settings.version;
    return CUDA_SUCCESS;
}

CUresult cuCtxPushCurrent_v2(CUcontext handle)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    auto* context = reinterpret_cast<Context*>(handle);
    const std::lock_guard lock(process().mutex);
    if (context == nullptr || context->retains == 0) {
        return CUDA_ERROR_INVALID_CONTEXT;
    }
    context_stack.push_back(context);
    return CUDA_SUCCESS;
}

CUresult cuCtxPopCurrent_v2(CUcontext* handle)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    if (context_stack.empty()) {
        return CUDA_ERROR_INVALID_CONTEXT;
    }
    *handle = reinterpret_cast<CUcontext>(context_stack.back());
    context_stack.pop_back();
    return CUDA_SUCCESS;
}

void fake_cuda_reset()
{
    const std::lock_guard lock(process().mutex);
    refused_after_fork = 0;
    configure_once();
    read_environment();
    for (Context& context : process().contexts) {
        context.broken = false;
    }
}

void fake_cuda_fail(const char* name, std::uint64_t nth, int status)
{
    const std::lock_guard lock(process().mutex);
    configure_once();
    add_fault(name, nth, status);
}

std::uint64_t fake_cuda_calls(const char* name)
{
    const std::lock_guard lock(process().mutex);
    if (name != nullptr) {
        return ledger().calls[name];
    }
    std::uint64_t all = refused_after_fork;
    for (const auto& [function, count] : ledger().calls) {
        all += count;
    }
    return all;
}

void fake_cuda_break_context()
{
    const std::lock_guard lock(process().mutex);
    if (current() != nullptr) {
        current()->broken = true;
    }
}
}
