/// The device's primary context: the one that PyTorch, CuPy and the CUDA runtime use too. No other
/// is ever made.
#pragma once

#include <memory>
#include <utility>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cuda/device.hpp"
#include "tensor_ipc/cuda/driver.hpp"

namespace tensor_ipc::cuda {

/// Keeps a device's primary context alive. Whatever is made in it holds it, so that it goes last.
class PrimaryContext {
public:
    /// The first retain in a process makes the context, which takes 100s of milliseconds and 100s
    /// of megabytes of the device.
    [[nodiscard]] static Result<std::shared_ptr<const PrimaryContext>> retain(const Driver& driver,
                                                                              const Device& device);

    PrimaryContext(const PrimaryContext&) = delete;
    PrimaryContext& operator=(const PrimaryContext&) = delete;
    PrimaryContext(PrimaryContext&&) = delete;
    PrimaryContext& operator=(PrimaryContext&&) = delete;
    ~PrimaryContext();

    [[nodiscard]] const Driver& driver() const noexcept { return driver_; }

    [[nodiscard]] const Device& device() const noexcept { return device_; }

    [[nodiscard]] ContextHandle handle() const noexcept { return handle_; }

private:
    PrimaryContext(const Driver& driver, Device device, ContextHandle handle)
        : driver_(driver), device_(std::move(device)), handle_(handle)
    {
    }

    const Driver& driver_;
    Device device_;
    ContextHandle handle_;
};

/// How contexts are held.
using ContextRef = std::shared_ptr<const PrimaryContext>;

/// Makes a context this thread's current one for as long as it lives; then the one before is
/// current again. What needs a current context takes one of these as proof, so that a sequence of
/// calls pays for one push. Not to be handed to another thread; several on one thread die in
/// reverse order.
class CurrentContext {
public:
    /// @return CudaUnavailable in a forked child
    [[nodiscard]] static Result<CurrentContext> push(const PrimaryContext& context);

    CurrentContext(CurrentContext&& other) noexcept
        : context_(std::exchange(other.context_, nullptr))
    {
    }

    CurrentContext(const CurrentContext&) = delete;
    CurrentContext& operator=(const CurrentContext&) = delete;
    CurrentContext& operator=(CurrentContext&&) = delete;
    ~CurrentContext();

    [[nodiscard]] const PrimaryContext& context() const noexcept { return *context_; }

    [[nodiscard]] const Driver& driver() const noexcept { return context_->driver(); }

private:
    explicit CurrentContext(const PrimaryContext& context) noexcept : context_(&context) {}

    const PrimaryContext* context_;
};

/// Runs `release(driver)` with `context` current: for destructors, which have nobody to tell when
/// it fails. Does nothing in a forked child. A driver that has already ended (CUDA is taken down
/// before static objects are) has released everything.
template <typename Release>
void release_in(const PrimaryContext& context, Release&& release) noexcept
{
    const auto current = CurrentContext::push(context);
    if (current) {
        std::forward<Release>(release)(context.driver());
    }
}

}  // namespace tensor_ipc::cuda
