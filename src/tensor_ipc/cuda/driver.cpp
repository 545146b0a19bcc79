#include "tensor_ipc/cuda/driver.hpp"

#include <atomic>
#include <mutex>
#include <utility>

#include "tensor_ipc/cuda/advice.hpp"
#include "tensor_ipc/os/dynamic_library.hpp"

namespace tensor_ipc::cuda {

namespace {

constexpr const char* kLibrary = "libcuda.so.1";
constexpr const char* kVariable = "TENSOR_IPC_CUDA_DRIVER";

Error not_loadable(const std::string& library, const Error& reason)
{
    return Error{ErrorCode::CudaUnavailable,
                 "no CUDA driver: " + reason.message + ". Expected " + library +
                     ", which comes with the NVIDIA driver (in a container: docker run --gpus "
                     "all); " +
                     kVariable + " may name another file"};
}

Error too_old(const std::string& library, int version, const char* missing)
{
    std::string message = "the CUDA driver " + library + " is too old: found CUDA " +
                          version_text(version) + ", needed " + version_text(kNeededVersion) +
                          " (NVIDIA driver 470) or newer";
    if (missing != nullptr) {
        message.append("; it has no ").append(missing);
    }
    return Error{ErrorCode::CudaUnavailable, std::move(message)};
}

/// Fills in every address.
/// @return the first name that the library does not export, or null
const char* resolve(const os::DynamicLibrary& library, EntryPoints& call) noexcept
{
    const char* missing = nullptr;
    const auto find = [&](auto& entry) {
        void* address = library.find(entry.name());
        if (address == nullptr && missing == nullptr) {
            missing = entry.name();
        }
        entry.set(address);
    };
// NOLINTNEXTLINE(*-macro-usage)
#define TENSOR_IPC_ENTRY_POINT(name, arguments) find(call.name);
    TENSOR_IPC_CUDA_ENTRY_POINTS(TENSOR_IPC_ENTRY_POINT)
#undef TENSOR_IPC_ENTRY_POINT
    return missing;
}

}  // namespace

std::string version_text(int version)
{
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

Result<const Driver*> Driver::get()
{
    // Never destroyed: frames may be released while static objects die.
    static std::mutex mutex;
    static std::atomic<const Driver*> loaded{nullptr};
    const Driver* driver = loaded.load(std::memory_order_acquire);
    if (driver == nullptr) {
        const std::lock_guard lock(mutex);
        driver = loaded.load(std::memory_order_relaxed);
        if (driver == nullptr) {
            auto made = load(os::environment(kVariable).value_or(kLibrary));
            if (!made) {
                return made.error();
            }
            driver = std::move(made).value().release();
            loaded.store(driver, std::memory_order_release);
        }
    }
    if (!driver->usable()) {
        return forked();
    }
    return driver;
}

Result<std::unique_ptr<const Driver>> Driver::load(const std::string& library)
{
    os::count_forks();
    const auto file = os::DynamicLibrary::load(library);
    if (!file) {
        return not_loadable(library, file.error());
    }
    std::unique_ptr<Driver> driver(new Driver);  // NOLINT(*-owning-memory): private constructor
    const char* missing = resolve(file.value(), driver->call);
    const EntryPoints& call = driver->call;
    void* version = file.value().find(call.cuDriverGetVersion.name());
    if (version == nullptr) {
        return Error{ErrorCode::CudaUnavailable,
                     library + " is no CUDA driver: it has no " + call.cuDriverGetVersion.name()};
    }
    const Called asked = call.cuDriverGetVersion(&driver->version_);
    if (missing != nullptr) {
        return too_old(library, driver->version_, missing);
    }
    if (!asked.ok()) {
        return driver->error(asked);
    }
    if (driver->version_ < kNeededVersion) {
        return too_old(library, driver->version_, nullptr);
    }
    if (const Called started = call.cuInit(0); !started.ok()) {
        return driver->error(started);
    }
    return std::unique_ptr<const Driver>(std::move(driver));
}

Result<void> Driver::check(Called called) const
{
    if (called.ok()) {
        return {};
    }
    return error(called);
}

Error Driver::error(Called called) const
{
    const char* name = nullptr;
    const char* meaning = nullptr;
    // A status that is newer than the driver has no name there.
    const bool named = call.cuGetErrorName(called.status, &name).ok() && name != nullptr &&
                       call.cuGetErrorString(called.status, &meaning).ok() && meaning != nullptr;
    const Advice advice = advice_for(called.entry_point, called.status);
    std::string message(called.entry_point);
    message.append(": ").append(named ? name : "CUDA error");
    message.append(" (").append(std::to_string(static_cast<int>(called.status)));
    message.append(named ? std::string(", ") + meaning : "").append(")");
    if (*advice.text != '\0') {
        message.append(": ").append(advice.text);
    }
    return Error{advice.code, std::move(message)};
}

Error Driver::forked()
{
    return Error{ErrorCode::CudaUnavailable,
                 "CUDA was loaded before this process was forked, and does not survive fork(): "
                 "start processes with spawn (multiprocessing.set_start_method('spawn')), or fork "
                 "before CUDA is first used"};
}

}  // namespace tensor_ipc::cuda
