/// The CUDA driver: found, loaded and asked for its version when something first needs it.
#pragma once

#include <memory>
#include <string>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cuda/driver_abi.hpp"
#include "tensor_ipc/os/fork_epoch.hpp"

namespace tensor_ipc::cuda {

/// What was called and what came back.
struct Called {
    const char* entry_point;
    Status status;

    [[nodiscard]] bool ok() const noexcept { return status == Status::Success; }
};

/// One function of the driver, which knows its own name.
template <typename Signature>
class EntryPoint;

template <typename... Arguments>
class EntryPoint<Status(Arguments...)> {
public:
    using Function = Status (*)(Arguments...);

    explicit constexpr EntryPoint(const char* name) noexcept : name_(name) {}

    [[nodiscard]] const char* name() const noexcept { return name_; }

    void set(void* address) noexcept { function_ = reinterpret_cast<Function>(address); }

    [[nodiscard]] Called operator()(Arguments... arguments) const noexcept
    {
        return {name_, function_(arguments...)};
    }

private:
    const char* name_;
    Function function_ = nullptr;
};

/// All of TENSOR_IPC_CUDA_ENTRY_POINTS, each under the name that libcuda exports.
struct EntryPoints {
// NOLINTNEXTLINE(*-macro-usage)
#define TENSOR_IPC_ENTRY_POINT(name, arguments) EntryPoint<Status arguments> name{#name};
    TENSOR_IPC_CUDA_ENTRY_POINTS(TENSOR_IPC_ENTRY_POINT)
#undef TENSOR_IPC_ENTRY_POINT
};

/// A loaded and initialised driver. Immutable, safe from any thread, never unloaded.
class Driver {
public:
    /// This process's driver: `libcuda.so.1`, or what the environment variable
    /// TENSOR_IPC_CUDA_DRIVER names. Loaded by the first call that finds one that will do; the
    /// first call takes as long as cuInit, which is 10 ms to seconds.
    ///
    /// @return CudaUnavailable: there is no library, it is the toolkit's stub, it is older than
    ///         kNeededVersion, there is no device, or this process was forked from one that had
    ///         loaded it
    [[nodiscard]] static Result<const Driver*> get();

    /// Loads `library` and initialises it, whatever `get()` did. What `get()` is made of.
    [[nodiscard]] static Result<std::unique_ptr<const Driver>> load(const std::string& library);

    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    Driver(Driver&&) = delete;
    Driver& operator=(Driver&&) = delete;
    ~Driver() = default;

    /// The functions to call. Their outcome goes through `check`.
    EntryPoints call;  // NOLINT(*-non-private-member-variables-in-classes)

    /// As cuDriverGetVersion counts: 13000 is CUDA 13.0.
    [[nodiscard]] int version() const noexcept { return version_; }

    /// False in a child that was forked after the driver was loaded: nothing may be called there.
    [[nodiscard]] bool usable() const noexcept { return epoch_ == os::fork_epoch(); }

    /// Success, or the error that says what was called, what came back and what to do.
    [[nodiscard]] Result<void> check(Called called) const;

    /// The same for what is known to have failed.
    [[nodiscard]] Error error(Called called) const;

    /// What every call in such a child is answered with.
    [[nodiscard]] static Error forked();

private:
    Driver() = default;

    int version_ = 0;
    std::uint32_t epoch_ = os::fork_epoch();
};

/// `13.0` for 13000.
[[nodiscard]] std::string version_text(int version);

}  // namespace tensor_ipc::cuda
