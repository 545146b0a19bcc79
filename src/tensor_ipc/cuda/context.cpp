#include "tensor_ipc/cuda/context.hpp"

namespace tensor_ipc::cuda {

Result<ContextRef> PrimaryContext::retain(const Driver& driver, const Device& device)
{
    if (!driver.usable()) {
        return Driver::forked();
    }
    ContextHandle handle = nullptr;
    if (const auto retained =
            driver.check(driver.call.cuDevicePrimaryCtxRetain(&handle, device.handle));
        !retained) {
        return retained.error();
    }
    return ContextRef(new PrimaryContext(driver, device, handle));  // NOLINT(*-owning-memory)
}

PrimaryContext::~PrimaryContext()
{
    if (driver_.usable()) {
        [[maybe_unused]] const Called released =
            driver_.call.cuDevicePrimaryCtxRelease_v2(device_.handle);
    }
}

Result<CurrentContext> CurrentContext::push(const PrimaryContext& context)
{
    const Driver& driver = context.driver();
    if (!driver.usable()) {
        return Driver::forked();
    }
    if (const auto pushed = driver.check(driver.call.cuCtxPushCurrent_v2(context.handle()));
        !pushed) {
        return pushed.error();
    }
    return CurrentContext(context);
}

CurrentContext::~CurrentContext()
{
    if (context_ != nullptr && context_->driver().usable()) {
        ContextHandle popped = nullptr;
        [[maybe_unused]] const Called done = context_->driver().call.cuCtxPopCurrent_v2(&popped);
    }
}

}  // namespace tensor_ipc::cuda
