#include "tensor_ipc/cuda/host_registration.hpp"

#include <utility>

namespace tensor_ipc::cuda {

namespace {

/// Refuses with a reason what the driver would refuse without one.
Result<void> require(const PrimaryContext& context, DeviceAttribute attribute, const char* what)
{
    const auto found = has(context.driver(), context.device(), attribute);
    if (!found) {
        return found.error();
    }
    if (!*found) {
        return Error{ErrorCode::CudaUnsupported,
                     context.device().name + " cannot pin " + what + "; the pool works unpinned"};
    }
    return {};
}

}  // namespace

Result<HostRegistration> HostRegistration::create(ContextRef context, void* data,
                                                  std::uint64_t bytes, Access access)
{
    const auto current = CurrentContext::push(*context);
    if (!current) {
        return current.error();
    }
    if (const auto able = require(*context, DeviceAttribute::HostRegisterSupported,
                                  "memory that it did not allocate");
        !able) {
        return able.error();
    }
    unsigned int flags = kHostRegisterPortable;
    if (access == Access::ReadOnly) {
        if (const auto able = require(*context, DeviceAttribute::ReadOnlyHostRegisterSupported,
                                      "memory that this process may only read");
            !able) {
            return able.error();
        }
        flags |= kHostRegisterReadOnly;
    }
    const Driver& driver = context->driver();
    const Called registered = driver.call.cuMemHostRegister_v2(data, bytes, flags);
    if (registered.status == Status::HostMemoryAlreadyRegistered) {
        return HostRegistration(std::move(context), nullptr);
    }
    if (!registered.ok()) {
        return driver.error(registered);
    }
    return HostRegistration(std::move(context), data);
}

HostRegistration::HostRegistration(ContextRef context, void* data) noexcept
    : context_(std::move(context)), data_(data)
{
}

HostRegistration::HostRegistration(HostRegistration&& other) noexcept
    : context_(std::move(other.context_)), data_(std::exchange(other.data_, nullptr))
{
}

HostRegistration& HostRegistration::operator=(HostRegistration&& other) noexcept
{
    std::swap(context_, other.context_);
    std::swap(data_, other.data_);
    return *this;
}

HostRegistration::~HostRegistration()
{
    if (data_ != nullptr) {
        release_in(*context_, [this](const Driver& driver) {
            static_cast<void>(driver.call.cuMemHostUnregister(data_));
        });
    }
}

}  // namespace tensor_ipc::cuda
